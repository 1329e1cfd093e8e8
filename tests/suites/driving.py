"""What the runner must do with runs on every database, with scripted workers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mtf.cache import Cache
from mtf.contracts.reference import STAGES
from mtf.contracts.registry import RunView
from mtf.errors import ConflictError, DataError, LostError, NotFoundError, SpecError, UnavailableError
from mtf.storage.store import LocalStore
from mtf_gateway.core import Gateway
from mtf_gateway.db import runs
from mtf_gateway.db.engine import Database
from mtf_gateway.settings import GatewaySettings
from tests.suites.repository import change_row, row_of
from tests.suites.scripted import ScriptedWorker

SPEC: dict[str, Any] = {
    "name": "first",
    "dataset": {"source": {"type": "builtin", "name": "iris"}, "target": "species"},
    "model": {"source": {"type": "endpoint", "url": "http://model.example/score"}},
}
FAST = GatewaySettings(
    lease_seconds=2.0, poll_seconds=0.05, reconnect_seconds=0.6, silence_seconds=5.0, retry_seconds=0.05, runner_slots=4, _env_file=None
)  # type: ignore[call-arg]


@dataclass
class House:
    """Gateways over one database and one fleet."""

    database: Database
    store: LocalStore
    workers: dict[str, ScriptedWorker]

    @contextlib.asynccontextmanager
    async def gateway(self, *, drive: bool = True, **options: Any) -> AsyncIterator[Gateway]:
        """Open one; it drives runs unless told otherwise."""
        settings = FAST.model_copy(update={"runner": drive, **options.pop("settings", {})})
        gateway = Gateway(database=self.database, store=self.store, workers=dict(self.workers), settings=settings, cache=Cache(), **options)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.close()

    def starts(self) -> int:
        """Jobs that were started, over all workers."""
        return sum(sum(worker.starts.values()) for worker in self.workers.values())

    def run(self, scenario: Callable[[], Any]) -> Any:
        """Run a scenario; a wedge fails instead of hanging."""
        return asyncio.run(asyncio.wait_for(scenario(), 60))


async def final(gateway: Gateway, run_id: str, seconds: float = 20.0) -> RunView:
    """Wait until a run is final."""
    return await until(gateway, run_id, lambda view: view.status in {"succeeded", "failed", "cancelled"}, seconds)


async def until(gateway: Gateway, run_id: str, holds: Callable[[RunView], bool], seconds: float = 20.0) -> RunView:
    """Wait until a run is as it should be."""
    deadline = time.monotonic() + seconds
    while True:
        view = await gateway.get(run_id)
        if holds(view):
            return view
        assert view.status not in {"succeeded", "failed", "cancelled"}, f"ended as {view.status}: {view.problem}"
        assert time.monotonic() < deadline, f"still {view.status}: {[(stage.stage, stage.status) for stage in view.stages]}"
        await asyncio.sleep(0.02)


async def at(gateway: Gateway, run_id: str, stage: str) -> RunView:
    """Wait until a stage's job runs and its first progress is stored."""
    return await until(gateway, run_id, lambda view: any(one.stage == stage and one.status == "running" for one in view.stages))


class DrivingSuite:
    """Tests that take a `house` with a fresh database."""

    def test_a_run_goes_through_its_four_stages(self, house: House) -> None:
        """Each stage's job is started once, in order, and the run ends with metrics, gates, verdict and a report that carries its id."""

        async def scenario() -> None:
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                assert run.status == "queued"
                view = await final(gateway, run.id)
                assert (view.status, view.verdict, view.problem, view.attempts) == ("succeeded", "pass", None, 1)
                assert [stage.status for stage in view.stages] == ["succeeded"] * 4
                assert view.metrics["accuracy"]["value"] == 0.9
                assert view.gates[0]["verdict"] == "pass"
                assert view.warnings == ["evaluation warns"]
                report = (await gateway.report(run.id, "json")).decode()
                assert f'"id": "{run.id}"' in report
                assert f'"created_at": "{view.created_at}"' in report
                assert run.id.encode() in await gateway.report(run.id, "html")
                assert set(await gateway.artifacts(run.id)) >= {"acquisition/data", "inference/test.scored", "evaluation/junit"}
                events = [event async for event in gateway.events(run.id)]
                assert [event.seq for event in events] == list(range(1, len(events) + 1))
                begun = [event.stage for event in events if event.kind == "stage" and event.data["status"] == "running"]
                assert begun == list(STAGES)
                assert {event.data["message"] for event in await gateway.logs(run.id)} == {f"{stage} speaks" for stage in STAGES}
            assert house.starts() == 4

        house.run(scenario)

    def test_a_gateway_that_vanishes_is_replaced_and_its_job_attached_to(self, house: House) -> None:
        """Another gateway takes the run over when the lease ran out, finds the job by its instance and never starts it again."""

        async def scenario() -> None:
            worker = house.workers["processing"]
            worker.hold.clear()
            async with house.gateway(drive=False) as looker:
                first = Gateway(database=house.database, store=house.store, workers=dict(house.workers), settings=FAST, cache=Cache())
                await first.start()
                run = await first.submit(SPEC, base=None, principal="me")
                await at(looker, run.id, "processing")
                await until(looker, run.id, lambda view: view.stages[1].progress is not None)
                await vanish(first)
                assert row_of(house.database, run.id)["status"] == "running"
                async with house.gateway() as second:
                    await until(looker, run.id, lambda _: row_of(house.database, run.id)["epoch"] == 2)
                    worker.hold.set()
                    view = await final(second, run.id)
                assert (view.status, view.attempts) == ("succeeded", 1)
            assert house.starts() == 4
            assert worker.attached[-1][1:] == (3, "processing-1")

        house.run(scenario)

    def test_a_paused_gateway_writes_nothing_when_it_wakes(self, house: House) -> None:
        """Somebody else finished the run meanwhile; the old owner finds a newer epoch and lets go, and the end stands once."""

        async def scenario() -> None:
            worker = house.workers["inference"]
            worker.hold.clear()
            async with house.gateway() as first:
                run = await first.submit(SPEC, base=None, principal="me")
                await at(first, run.id, "inference")
                change_row(house.database, run.id, lease_until=time.time() - 1)
                thief = house.database.write_now(lambda c: runs.claim(c, "thief", 60.0, only=run.id))
                assert thief is not None
                lease = runs.Lease(run.id, thief["epoch"])
                problem = {"title": "t", "status": 500, "detail": "by the thief", "code": "c", "cause": "platform"}
                done = {"status": "failed", "problem": problem}
                assert house.database.write_now(lambda c: runs.finish(c, lease, done, []))
                before = row_of(house.database, run.id)["version"]
                worker.hold.set()
                await asyncio.sleep(1.0)
                view = await first.get(run.id)
                assert view.problem is not None
                assert (view.status, view.problem.detail, view.version) == ("failed", "by the thief", before)
                assert first.runner.driving == 0
                assert worker.cancelled == []

        house.run(scenario)

    def test_closing_hands_a_run_over_at_once(self, house: House) -> None:
        """A gateway that ends in order gives its runs back; the next one attaches without waiting for the lease."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            worker.hold.clear()
            async with house.gateway(settings={"lease_seconds": 600.0}) as first:
                run = await first.submit(SPEC, base=None, principal="me")
                await at(first, run.id, "evaluation")
            assert row_of(house.database, run.id)["status"] == "queued"
            async with house.gateway() as second:
                worker.hold.set()
                assert (await final(second, run.id)).status == "succeeded"
            assert house.starts() == 4

        house.run(scenario)

    @pytest.mark.parametrize("stage", STAGES)
    def test_a_run_is_cancelled_in_each_stage(self, house: House, stage: str) -> None:
        """The job is stopped at its worker, the run ends as cancelled with the stage in its problem, and nothing further starts."""

        async def scenario() -> None:
            worker = house.workers[stage]
            worker.hold.clear()
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                await at(gateway, run.id, stage)
                asked = time.monotonic()
                await gateway.cancel(run.id)
                view = await final(gateway, run.id)
                assert time.monotonic() - asked < 2.0
                assert view.status == "cancelled"
                assert view.problem is not None
                assert (view.problem.cause, view.problem.stage) == ("cancelled", stage)
                assert worker.cancelled == [f"{run.id}-{stage}"]
                index = STAGES.index(stage)  # type: ignore[arg-type]
                assert [one.status for one in view.stages] == ["succeeded"] * index + ["cancelled"] + ["waiting"] * (3 - index)
                assert (await gateway.cancel(run.id)).status == "cancelled"

        house.run(scenario)

    def test_a_cancel_reaches_a_run_that_another_gateway_drives(self, house: House) -> None:
        """The flag is found at the owner's next heartbeat, without any word between the two."""

        async def scenario() -> None:
            house.workers["processing"].hold.clear()
            async with house.gateway() as owner, house.gateway(drive=False) as other:
                run = await other.submit(SPEC, base=None, principal="me")
                await at(other, run.id, "processing")
                await other.cancel(run.id)
                assert (await final(other, run.id, 5.0)).status == "cancelled"
                await asyncio.sleep(0.1)
                assert owner.runner.driving == 0

        house.run(scenario)

    def test_a_queued_run_is_cancelled_without_a_driver(self, house: House) -> None:
        """No job is ever started for it."""

        async def scenario() -> None:
            async with house.gateway(drive=False) as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                assert (await gateway.cancel(run.id)).status == "cancelled"
            async with house.gateway() as gateway:
                await asyncio.sleep(0.2)
                assert (await gateway.get(run.id)).status == "cancelled"
            assert house.starts() == 0

        house.run(scenario)

    def test_a_platform_failure_is_tried_again(self, house: House) -> None:
        """Two lost processes cost two attempts and a retry event each; the third attempt succeeds."""

        async def scenario() -> None:
            house.workers["inference"].fail = [LostError("the process was killed"), LostError("again")]
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                view = await final(gateway, run.id)
                assert (view.status, view.attempts) == ("succeeded", 3)
                problems = [event async for event in gateway.events(run.id) if event.kind == "problem"]
                assert [event.data["detail"] for event in problems] == ["the process was killed", "again"]
            assert sum(house.workers["inference"].starts.values()) == 3
            assert sum(house.workers["acquisition"].starts.values()) == 1

        house.run(scenario)

    def test_attempts_are_capped_with_the_true_reason(self, house: House) -> None:
        """After the third failure the run ends, with the worker's own words."""

        async def scenario() -> None:
            house.workers["processing"].fail = [LostError(f"killed {number}") for number in range(9)]
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                view = await final(gateway, run.id)
                assert view.status == "failed"
                assert view.problem is not None
                assert view.problem.detail == "killed 2 (3 attempts)"
                assert view.problem.code == "process-lost"
            assert sum(house.workers["processing"].starts.values()) == 3

        house.run(scenario)

    def test_what_is_the_users_fault_is_final_at_once(self, house: House) -> None:
        """Wrong data are not tried twice; the stage and the problem say what is wrong."""

        async def scenario() -> None:
            house.workers["processing"].fail = [DataError("the target is absent", field="dataset.target", found="x")]
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                view = await final(gateway, run.id)
                assert (view.status, view.attempts) == ("failed", 1)
                assert view.problem is not None
                assert (view.problem.detail, view.problem.field) == ("the target is absent", "dataset.target")
                assert [stage.status for stage in view.stages] == ["succeeded", "failed", "waiting", "waiting"]
                with pytest.raises(ConflictError):
                    await gateway.report(run.id, "json")

        house.run(scenario)

    def test_a_full_worker_costs_no_attempt(self, house: House) -> None:
        """The run waits for a slot for as long as it takes."""

        async def scenario() -> None:
            house.workers["acquisition"].busy = 5
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                view = await final(gateway, run.id)
                assert (view.status, view.attempts) == ("succeeded", 1)

        house.run(scenario)

    def test_a_broken_stream_is_opened_again_where_it_broke(self, house: House) -> None:
        """The job goes on; the second connection names the instance and the last event that was seen."""

        async def scenario() -> None:
            worker = house.workers["acquisition"]
            worker.break_after = 2
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                assert (await final(gateway, run.id)).attempts == 1
            assert worker.attached == [(f"{run.id}-acquisition", 0, None), (f"{run.id}-acquisition", 2, "acquisition-1")]
            assert sum(worker.starts.values()) == 1

        house.run(scenario)

    def test_a_worker_that_dies_is_called_again_and_starts_the_job_once_more(self, house: House) -> None:
        """One death, one more start, no attempt: the gateway only sees that the connection broke."""

        async def scenario() -> None:
            worker = house.workers["processing"]
            worker.hold.clear()
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                await until(gateway, run.id, lambda view: view.stages[1].progress is not None)
                worker.break_after = 0
                for job in worker.jobs.values():
                    job.changed.set()
                worker.jobs.clear()
                worker.hold.set()
                view = await final(gateway, run.id)
                assert view.status == "succeeded"
            assert set(worker.starts.values()) <= {1, 2}

        house.run(scenario)

    def test_a_worker_that_stays_away_costs_an_attempt(self, house: House) -> None:
        """After the patience for reconnecting is over the stage is tried anew, and in the end the run names the worker."""

        async def scenario() -> None:
            house.workers["evaluation"].away = 10**6
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                view = await final(gateway, run.id, 30.0)
                assert view.status == "failed"
                assert view.problem is not None
                assert "evaluation worker" in view.problem.detail
                assert view.attempts == 3

        house.run(scenario)

    def test_a_run_that_outlives_its_owners_is_ended(self, house: House) -> None:
        """A run whose drivers keep dying within one stage is blamed after the limit, instead of killing gateways for ever."""

        async def scenario() -> None:
            async with house.gateway(drive=False) as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
            limit = FAST.takeover_limit
            change_row(house.database, run.id, status="running", lease_until=time.time() - 1, epoch=7, takeovers=limit)
            async with house.gateway() as gateway:
                view = await final(gateway, run.id)
                assert view.status == "failed"
                assert view.problem is not None
                assert f"died {limit + 1} times" in view.problem.detail
            assert house.starts() == 0

        house.run(scenario)

    def test_a_plan_that_cannot_be_read_fails_its_run_alone(self, house: House) -> None:
        """A row that another version wrote ends with a reason, and the gateway goes on with the next run."""

        async def scenario() -> None:
            async with house.gateway(drive=False) as gateway:
                broken = await gateway.submit(SPEC, base=None, principal="me")
                change_row(house.database, broken.id, plan={"strange": True})
                good = await gateway.submit(SPEC, base=None, principal="me")
            async with house.gateway() as gateway:
                view = await final(gateway, broken.id)
                assert view.problem is not None
                assert (view.status, view.problem.cause) == ("failed", "platform")
                assert (await final(gateway, good.id)).status == "succeeded"

        house.run(scenario)

    def test_a_tag_that_no_database_can_look_for_is_refused(self, house: House) -> None:
        """A quote in a tag's key, or no key at all, is told instead of failing in the database."""

        async def scenario() -> None:
            async with house.gateway(drive=False) as gateway:
                for tag in ('a"b', 'a"b=c', ""):
                    with pytest.raises(SpecError):
                        await gateway.list_runs(tags=[tag])
                assert (await gateway.list_runs(tags=['a=b"c'])).items == []

        house.run(scenario)

    def test_a_run_ends_at_its_maximum_time(self, house: House) -> None:
        """A stage that hangs is not kept alive by its own heartbeat."""

        async def scenario() -> None:
            house.workers["inference"].hold.clear()
            async with house.gateway(settings={"max_runtime": 0.5}) as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                view = await final(gateway, run.id)
                assert view.problem is not None
                assert (view.status, view.problem.cause, view.problem.stage) == ("failed", "limit", "inference")
                assert house.workers["inference"].cancelled == [f"{run.id}-inference"]

        house.run(scenario)

    def test_a_failed_run_is_resumed_where_it_stopped(self, house: House) -> None:
        """Finished stages are not asked for again, and the job has a name of its own, so that the old failure is not replayed."""

        async def scenario() -> None:
            house.workers["inference"].fail = [DataError("no")]
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                assert (await final(gateway, run.id)).status == "failed"
                await gateway.resume(run.id)
                assert (await final(gateway, run.id)).status == "succeeded"
                with pytest.raises(ConflictError):
                    await gateway.resume(run.id)
                assert [name for name, *_ in house.workers["inference"].attached] == [f"{run.id}-inference", f"{run.id}-inference-1"]
                assert sum(house.workers["acquisition"].starts.values()) == 1

        house.run(scenario)

    def test_the_same_key_is_the_same_run(self, house: House) -> None:
        """A repeated request gets the first run, also when many come at once; another run file under the key is refused."""

        async def scenario() -> None:
            async with house.gateway(drive=False) as gateway:
                made = await asyncio.gather(*(gateway.submit(SPEC, base=None, principal="me", idempotency_key="k") for _ in range(6)))
                assert len({run.id for run in made}) == 1
                other = await gateway.submit(SPEC, base=None, principal="you", idempotency_key="k")
                assert other.id != made[0].id
                with pytest.raises(ConflictError) as caught:
                    await gateway.submit({**SPEC, "name": "second"}, base=None, principal="me", idempotency_key="k")
                assert caught.value.field == "Idempotency-Key"
                assert len((await gateway.list_runs()).items) == 2

        house.run(scenario)

    def test_a_run_is_repeated_and_deleted(self, house: House) -> None:
        """A rerun is a new run of the same file; a deleted run is gone, a running one is not deleted."""

        async def scenario() -> None:
            house.workers["processing"].hold.clear()
            async with house.gateway() as gateway:
                run = await gateway.submit(SPEC, base=None, principal="me")
                await at(gateway, run.id, "processing")
                with pytest.raises(ConflictError):
                    await gateway.delete(run.id)
                house.workers["processing"].hold.set()
                first = await final(gateway, run.id)
                again = await gateway.rerun(run.id, principal="you")
                second = await final(gateway, again.id)
                assert (again.created_by, again.spec) == ("you", first.spec)
                assert [stage.fingerprint for stage in second.stages] == [stage.fingerprint for stage in first.stages]
                assert all(stage.cached for stage in second.stages)
                await gateway.delete(run.id)
                for verb in (gateway.get(run.id), gateway.cancel(run.id), gateway.report(run.id, "json"), gateway.logs(run.id)):
                    with pytest.raises(NotFoundError):
                        await verb
                with pytest.raises(NotFoundError):
                    async for _ in gateway.events(run.id):
                        pass

        house.run(scenario)

    def test_events_are_followed_live_and_replayed_from_anywhere(self, house: House) -> None:
        """A reader that came before the end sees every event once; one that comes back behind a seq sees the rest."""

        async def scenario() -> None:
            house.workers["evaluation"].hold.clear()
            async with house.gateway() as gateway, house.gateway(drive=False) as elsewhere:
                run = await gateway.submit(SPEC, base=None, principal="me")
                seen: list[int] = []

                async def read() -> None:
                    seen.extend([event.seq async for event in elsewhere.events(run.id)])

                reading = asyncio.create_task(read())
                await at(gateway, run.id, "evaluation")
                assert not reading.done()
                house.workers["evaluation"].hold.set()
                await asyncio.wait_for(reading, 10)
                assert seen == list(range(1, row_of(house.database, run.id)["last_seq"] + 1))
                assert [event.seq async for event in gateway.events(run.id, 5)] == seen[5:]

        house.run(scenario)

    def test_several_runs_are_driven_at_once_but_no_more_than_slots(self, house: House) -> None:
        """Two gateways with two slots each share six runs; each run's jobs start once."""

        async def scenario() -> None:
            worker = house.workers["acquisition"]
            worker.hold.clear()
            slots = {"runner_slots": 2}
            async with house.gateway(settings=slots) as first, house.gateway(settings=slots) as second:
                made = [await first.submit({**SPEC, "seed": seed}, base=None, principal="me") for seed in range(6)]
                for run in made[:4]:
                    await at(first, run.id, "acquisition")
                await asyncio.sleep(0.2)
                assert (first.runner.driving, second.runner.driving) == (2, 2)
                worker.hold.set()
                views = [await final(first, run.id, 30.0) for run in made]
                assert {view.status for view in views} == {"succeeded"}
            assert len(worker.jobs) == 6

        house.run(scenario)

    def test_a_worker_that_is_down_refuses_the_submission(self, house: House) -> None:
        """Nothing is stored, and the error names the worker."""

        async def scenario() -> None:
            house.workers["inference"].wrong = UnavailableError("the inference worker does not answer")
            async with house.gateway() as gateway:
                with pytest.raises(UnavailableError, match="inference"):
                    await gateway.submit(SPEC, base=None, principal="me")
                assert (await gateway.list_runs()).items == []

        house.run(scenario)

    def test_a_baseline_is_the_newest_earlier_run_on_the_same_rows(self, house: House) -> None:
        """By name or id its predictions and labels reach the evaluation; without a fitting run the reason is told."""

        async def scenario() -> None:
            async with house.gateway() as gateway:
                with pytest.raises(SpecError) as caught:
                    await gateway.submit({**SPEC, "evaluation": {"baseline": "first"}}, base=None, principal="me")
                assert caught.value.field == "evaluation.baseline"
                old = await gateway.submit(SPEC, base=None, principal="me")
                await final(gateway, old.id)
                new = await gateway.submit(SPEC, base=None, principal="me")
                await final(gateway, new.id)
                for baseline in ("first", new.id):
                    run = await gateway.submit({**SPEC, "name": "second", "evaluation": {"baseline": baseline}}, base=None, principal="me")
                    assert (await final(gateway, run.id)).status == "succeeded"
                    request = house.workers["evaluation"].jobs[f"{run.id}-evaluation"].request
                    assert request.spec["titles"]["baseline"] == "first"
                    assert request.spec["baseline_labels"] == ["a", "b"]
                    assert request.inputs["baseline"] == (await gateway.artifacts(new.id))["inference/test.scored"]
                for run_id in (old.id, new.id):
                    change_row(house.database, run_id, rows_key="other")
                run = await gateway.submit({**SPEC, "name": "third", "evaluation": {"baseline": "first"}}, base=None, principal="me")
                view = await final(gateway, run.id)
                assert view.problem is not None
                assert (view.status, view.problem.field) == ("failed", "evaluation.baseline")
                assert "other rows" in view.problem.detail

        house.run(scenario)


async def vanish(gateway: Gateway) -> None:
    """End a gateway as kill -9 would: its tasks stop, and not a word reaches the database."""
    gateway.context.database.__dict__["write"] = _never
    try:
        await gateway.close()
    finally:
        del gateway.context.database.__dict__["write"]


async def _never(*_: Any, **__: Any) -> Any:
    raise UnavailableError("this process is gone")
