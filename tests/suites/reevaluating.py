"""What re-evaluations must do on every database, with scripted workers."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable
from typing import Any

import pytest

from mtf.cache import Cache
from mtf.contracts.reevaluation import ReevaluationItem, ReevaluationView
from mtf.contracts.reference import Reference
from mtf.contracts.registry import PluginView
from mtf.errors import ConflictError, DataError, LostError, NotFoundError, ProblemError, SpecError
from mtf_gateway.core import Gateway
from mtf_gateway.db import reevaluations
from tests.suites.driving import FAST, SPEC, House, final, vanish
from tests.suites.scripted import FACTS, SPECS, ScriptedWorker

ENDED = {"succeeded", "cancelled", "interrupted"}


def turned(worker: ScriptedWorker, value: float, verdict: str, version: str) -> None:
    """From now on the worker measures this, with this version of the metric, and judges so."""
    worker.facts = copy.deepcopy(FACTS["evaluation"])
    worker.facts["metrics"]["accuracy"]["value"] = value
    worker.facts["verdict"] = worker.facts["gates"][0]["verdict"] = verdict
    worker.facts["gates"][0]["observed"] = {"value": value}
    worker.versions = {"metric:accuracy": version}
    worker.views = [
        PluginView(
            kind="metric", name="accuracy", version=int(version), service="evaluation", summary="", greater_is_better=True, paired=True
        )
    ]


async def some(gateway: Gateway, number: int, **changes: Any) -> list[str]:
    """Runs that succeeded."""
    found = []
    for position in range(number):
        view = await gateway.submit({**SPEC, **changes, "name": f"run-{position}", "seed": position}, base=None, principal="me")
        found.append((await final(gateway, view.id)).id)
    return found


async def over(gateway: Gateway, key: str, seconds: float = 20.0) -> ReevaluationView:
    """Wait until a re-evaluation ended."""
    deadline = time.monotonic() + seconds
    while (view := await gateway.reevaluations.get(key)).status not in ENDED:
        assert time.monotonic() < deadline, f"still {view.status}: {view.counts}"
        await asyncio.sleep(0.02)
    return view


async def meanwhile(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def items(gateway: Gateway, key: str) -> list[ReevaluationItem]:
    """Every run of a re-evaluation."""
    return (await gateway.reevaluations.items(key)).items


class ReevaluatingSuite:
    """Tests that take a `house` with a fresh database."""

    def test_a_corrected_metric_changes_verdicts_and_nothing_is_overwritten(self, house: House) -> None:
        """Every run gets a second evaluation; the old report is still there under its number; only the evaluation room was asked."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            turned(worker, 0.9, "pass", "1")
            async with house.gateway() as gateway:
                runs = await some(gateway, 3)
                before = {stage: sum(one.starts.values()) for stage, one in house.workers.items()}
                turned(worker, 0.4, "fail", "2")
                asked = await gateway.reevaluations.submit({"outdated": True}, principal="ann")
                assert (asked.total, asked.created_by) == (3, "ann")
                view = await over(gateway, asked.id)
                assert (view.status, view.counts["done"], view.verdicts_changed, view.gates_changed) == ("succeeded", 3, 3, 3)
                for item, run_id in zip(await items(gateway, asked.id), runs, strict=True):
                    assert (item.run, item.revision, item.unchanged) == (run_id, 2, False)
                    assert (item.verdict_before, item.verdict_after) == ("pass", "fail")
                    gate, metric = item.gates[0], item.metrics[0]
                    assert (gate.before, gate.after, gate.value_before, gate.value_after) == ("pass", "fail", 0.9, 0.4)
                    assert (metric.version_before, metric.version_after, metric.before, metric.after) == ("1", "2", 0.9, 0.4)
                    run = await gateway.get(run_id)
                    assert (run.verdict, run.revision, run.metrics["accuracy"]["value"]) == ("fail", 2, 0.4)
                    listed = (await gateway.reevaluations.revisions(run_id)).items
                    assert [(one.revision, one.verdict, one.newest, one.reevaluation) for one in listed] == [
                        (2, "fail", True, asked.id),
                        (1, "pass", False, None),
                    ]
                    assert await gateway.report(run_id, "json", 1)
                    with pytest.raises(NotFoundError, match="no evaluation 3"):
                        await gateway.report(run_id, "json", 3)
                after = {stage: sum(one.starts.values()) for stage, one in house.workers.items()}
                assert after == {**before, "evaluation": before["evaluation"] + 3}
                again = await gateway.reevaluations.submit({"outdated": True}, principal="ann")
                assert (again.total, (await over(gateway, again.id)).status) == (0, "succeeded")

        house.run(scenario)

    def test_what_says_the_same_is_not_stored_again(self, house: House) -> None:
        """With nothing changed every run is `unchanged`, from the published result, and stays at its first evaluation."""

        async def scenario() -> None:
            async with house.gateway() as gateway:
                runs = await some(gateway, 2)
                started = house.starts()
                asked = await gateway.reevaluations.submit({}, principal="me")
                await over(gateway, asked.id)
                found = await items(gateway, asked.id)
                assert [(item.unchanged, item.cached, item.revision, item.gates, item.metrics) for item in found] == [
                    (True, True, None, [], [])
                ] * 2
                assert (await gateway.get(runs[0])).revision == 1
                listed = (await gateway.reevaluations.revisions(runs[0])).items
                assert [(one.revision, one.newest) for one in listed] == [(1, True)]
                assert house.starts() == started + 2  # the scripted worker counts what it answers from its shelf too

        house.run(scenario)

    def test_a_dry_run_tells_what_the_real_one_does(self, house: House) -> None:
        """The same changes, and no revision."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            async with house.gateway() as gateway:
                (run_id,) = await some(gateway, 1)
                turned(worker, 0.4, "inconclusive", "2")
                dry = await gateway.reevaluations.submit({"runs": [run_id], "dry_run": True}, principal="me")
                await over(gateway, dry.id)
                assert (await gateway.get(run_id)).revision == 1
                real = await gateway.reevaluations.submit({"runs": [run_id]}, principal="me")
                await over(gateway, real.id)
                (told,), (done,) = await items(gateway, dry.id), await items(gateway, real.id)
                assert (told.revision, done.revision) == (None, 2)
                assert told.gates == done.gates
                assert told.metrics == done.metrics
                assert (await gateway.get(run_id)).verdict == "inconclusive"

        house.run(scenario)

    def test_what_is_asked_stands_beside_the_run_s_own(self, house: House) -> None:
        """Metrics and gates are added to those of the run file, or take their place; the next re-evaluation starts from the newest one."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            worker.answer = lambda section: {**SPECS["evaluation"], "metrics": section["evaluation"].get("metrics")}
            async with house.gateway() as gateway:
                (run_id,) = await some(gateway, 1, evaluation={"gates": ["accuracy >= 0.5"], "slices": ["island"]})

                async def asked(**spec: Any) -> dict[str, Any]:
                    view = await gateway.reevaluations.submit({"runs": [run_id], **spec}, principal="me")
                    assert (await over(gateway, view.id)).counts["done"] == 1, await items(gateway, view.id)
                    return dict(worker.sections[-1]["evaluation"])

                found = await asked(metrics=["f1"], gates=["f1 >= 0.1"])
                assert (found["metrics"], found["gates"], found["slices"]) == (
                    ["accuracy", "f1"],
                    ["accuracy >= 0.5", "f1 >= 0.1"],
                    ["island"],
                )
                assert found["task"] == "binary"
                found = await asked(metrics=["mcc"])
                assert (found["metrics"], found["gates"]) == (["accuracy", "f1", "mcc"], ["accuracy >= 0.5", "f1 >= 0.1"])
                found = await asked(metrics=["mcc"], gates=["mcc >= 0"], replace=True)
                assert (found["metrics"], found["gates"]) == (["mcc"], ["mcc >= 0"])

        house.run(scenario)

    def test_a_run_that_cannot_be_measured_is_told_and_the_others_go_on(self, house: House) -> None:
        """Predictions that are gone and a metric of another task are skipped with the reason; a job that fails is a failure of that run."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            async with house.gateway() as gateway:
                runs = await some(gateway, 3)
                stages = await gateway.artifacts(runs[0])
                gone: Reference = stages["inference/test.scored"]
                # The three share one file of predictions: the scripted worker makes the same for equal inputs.
                kept = gateway.store.path(gone.ref).read_bytes()
                worker.fail = [DataError("the column `x` is no number")]
                turned(worker, 0.4, "fail", "2")
                asked = await gateway.reevaluations.submit({"runs": runs}, principal="me")
                view = await over(gateway, asked.id)
                assert (view.counts, view.status) == ({"waiting": 0, "done": 2, "skipped": 0, "failed": 1}, "succeeded")
                (failed,) = [item for item in await items(gateway, asked.id) if item.status == "failed"]
                assert failed.reason == "the column `x` is no number"
                assert failed.problem is not None
                assert failed.problem.cause == "data"
                resumed = await gateway.reevaluations.resume(asked.id)
                assert resumed.counts["waiting"] == 1
                assert (await over(gateway, asked.id)).counts["done"] == 3
                with pytest.raises(ConflictError):
                    await gateway.reevaluations.resume(asked.id)
                gateway.store.delete(gone.ref)
                asked = await gateway.reevaluations.submit({"runs": runs[:1]}, principal="me")
                await over(gateway, asked.id)
                (item,) = await items(gateway, asked.id)
                assert (item.status, item.revision) == ("skipped", None)
                assert "predictions are gone" in (item.reason or "")
                gateway.store.path(gone.ref).write_bytes(kept)
                wrong = SpecError("`mae` does not apply to a binary task", fix="choose another")
                for error in (wrong, ProblemError(wrong.problem())):  # of a worker in this process, and of one behind HTTP
                    worker.wrong = error
                    asked = await gateway.reevaluations.submit({"runs": runs[:1]}, principal="me")
                    await over(gateway, asked.id)
                    (item,) = await items(gateway, asked.id)
                    assert (item.status, item.reason) == ("skipped", "`mae` does not apply to a binary task (choose another)")

        house.run(scenario)

    def test_the_platform_s_failure_is_tried_again(self, house: House) -> None:
        """One that passes is not told; one that stays ends the run's line, not the rest."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            async with house.gateway() as gateway:
                (run_id,) = await some(gateway, 1)
                turned(worker, 0.5, "pass", "2")
                worker.fail = [LostError("the worker lost it")]
                asked = await gateway.reevaluations.submit({"runs": [run_id]}, principal="me")
                assert (await over(gateway, asked.id)).counts["done"] == 1

        house.run(scenario)

    def test_a_gateway_that_vanishes_is_replaced_and_nothing_is_done_twice(self, house: House) -> None:
        """Another one goes on behind the last recorded run: each run has exactly one new evaluation."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            async with house.gateway(drive=True) as looker:
                runs = await some(looker, 3)
            turned(worker, 0.4, "fail", "2")
            settings = FAST.model_copy(update={"runner_slots": 1})
            first = Gateway(database=house.database, store=house.store, workers=dict(house.workers), settings=settings, cache=Cache())
            await first.start()
            worker.hold.clear()
            asked = await first.reevaluations.submit({"runs": runs}, principal="me")
            await meanwhile(lambda: any(not job.done for job in worker.jobs.values()))
            await vanish(first)
            row = house.database.read_now(lambda c: reevaluations.find(c, asked.id))
            assert row is not None
            assert row["status"] == "running"
            worker.hold.set()
            async with house.gateway() as second:
                view = await over(second, asked.id)
                assert (view.counts["done"], view.verdicts_changed) == (3, 3)
                for run_id in runs:
                    assert [one.revision for one in (await second.reevaluations.revisions(run_id)).items] == [2, 1]

        house.run(scenario)

    def test_the_same_request_under_one_key_begins_once(self, house: House) -> None:
        """The same key gives the same re-evaluation; another request under it is refused."""

        async def scenario() -> None:
            async with house.gateway() as gateway:
                await some(gateway, 1)
                one, two = [await gateway.reevaluations.submit({}, principal="me", idempotency_key="k") for _ in range(2)]
                assert one.id == two.id
                with pytest.raises(ConflictError, match="another request"):
                    await gateway.reevaluations.submit({"outdated": True}, principal="me", idempotency_key="k")
                assert (await gateway.reevaluations.submit({}, principal="you", idempotency_key="k")).id != one.id
                await over(gateway, one.id)

        house.run(scenario)

    def test_a_cancel_stops_it_and_a_resume_goes_on(self, house: House) -> None:
        """What was measured stays, and what was not is measured later."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            async with house.gateway() as gateway:
                runs = await some(gateway, 2)
                turned(worker, 0.4, "fail", "2")
                worker.hold.clear()
                asked = await gateway.reevaluations.submit({"runs": runs}, principal="me")
                await meanwhile(lambda: any(not job.done for job in worker.jobs.values()))
                await gateway.reevaluations.cancel(asked.id)
                view = await over(gateway, asked.id)
                assert (view.status, view.counts["waiting"]) == ("cancelled", 2)
                worker.hold.set()
                await gateway.reevaluations.resume(asked.id)
                view = await over(gateway, asked.id)
                assert (view.status, view.counts["done"]) == ("succeeded", 2)
                with pytest.raises(ConflictError):
                    await gateway.reevaluations.cancel(asked.id)

        house.run(scenario)

    def test_what_cannot_be_asked_is_told_at_once(self, house: House) -> None:
        """Runs that are not there, nothing to replace with, keys that nobody knows, a metric that nobody knows."""

        async def scenario() -> None:
            async with house.gateway() as gateway:
                again = gateway.reevaluations
                with pytest.raises(NotFoundError, match="1 of the runs"):
                    await again.submit({"runs": ["nobody"]}, principal="me")
                with pytest.raises(SpecError, match="take the place"):
                    await again.submit({"replace": True}, principal="me")
                with pytest.raises(SpecError) as caught:
                    await again.submit({"metric": "f1"}, principal="me")
                assert caught.value.field == "metric"
                unknown = SpecError("there is no metric `f11`", field="evaluation.metrics[0]")
                house.workers["evaluation"].wrong = ProblemError(unknown.problem())
                with pytest.raises(SpecError, match="f11") as caught:
                    await again.submit({"metrics": ["f11"]}, principal="me")
                assert caught.value.field == "metrics[0]"
                for asked in (again.get, again.cancel, again.resume, again.items):
                    with pytest.raises(NotFoundError):
                        await asked("nobody")
                with pytest.raises(NotFoundError):
                    await again.revisions("nobody")
                assert (await again.list_newest()).items == []

        house.run(scenario)

    def test_lists_have_pages(self, house: House) -> None:
        """Re-evaluations newest first, runs in order, a cursor each."""

        async def scenario() -> None:
            async with house.gateway() as gateway:
                runs = await some(gateway, 3)
                keys = [(await gateway.reevaluations.submit({}, principal="me")).id for _ in range(3)]
                for key in keys:
                    await over(gateway, key)
                page = await gateway.reevaluations.list_newest(limit=2)
                rest = await gateway.reevaluations.list_newest(limit=2, cursor=page.cursor)
                assert [view.id for view in [*page.items, *rest.items]] == keys[::-1]
                assert rest.cursor is None
                first = await gateway.reevaluations.items(keys[0], limit=2)
                last = await gateway.reevaluations.items(keys[0], limit=2, cursor=first.cursor)
                assert [item.run for item in [*first.items, *last.items]] == runs
                assert (await gateway.reevaluations.items(keys[0], status="failed")).items == []

        house.run(scenario)

    def test_a_worker_that_is_away_stops_nobody_s_work_for_good(self, house: House) -> None:
        """The re-evaluation goes back into the queue instead of failing run after run, and ends when the worker is back."""

        async def scenario() -> None:
            worker = house.workers["evaluation"]
            async with house.gateway() as gateway:
                runs = await some(gateway, 2)
                turned(worker, 0.4, "fail", "2")
                worker.away = 40
                asked = await gateway.reevaluations.submit({"runs": runs}, principal="me")
                view = await over(gateway, asked.id, 40.0)
                assert (view.status, view.counts["done"], view.counts["failed"]) == ("succeeded", 2, 0)

        house.run(scenario)

    def test_a_wake_up_does_not_hide_the_end(self, house: House) -> None:
        """Closed in the very moment in which something was queued, the loops of runs and of re-evaluations end all the same."""

        async def scenario() -> None:
            for _ in range(5):
                async with asyncio.timeout(10), house.gateway() as gateway:
                    await asyncio.sleep(0.1)  # both loops wait now
                    gateway.runner.poke()
                    gateway.reevaluations.driver.poke()
                    await asyncio.sleep(0)

        house.run(scenario)
