"""The stages of one run, in order, each by its worker, each from where it stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, RowMapping

from mtf.contracts.job import FingerprintReply, FingerprintRequest, JobRequest, JobResult
from mtf.contracts.reference import Reference
from mtf.errors import FencedError, ProblemError, UnavailableError
from mtf.logging import bound
from mtf_gateway.baseline import settle
from mtf_gateway.compose import Baseline, Done, Work, compose, rows_key
from mtf_gateway.db import runs
from mtf_gateway.db.engine import clock
from mtf_gateway.plan import Plan, Unit, stage_of
from mtf_gateway.runner.context import Context
from mtf_gateway.runner.follow import call, follow
from mtf_gateway.runner.journal import Journal
from mtf_gateway.runner.lost import Lost

Row = dict[str, Any]


class Stages:
    """Drives the units of a plan. Every write carries the lease's epoch; a write that finds a newer one raises Lost."""

    def __init__(self, context: Context, lease: runs.Lease, plan: Row) -> None:
        self.context, self.lease, self._plan = context, lease, plan
        self.unit: Unit | None = None
        """The unit under way."""
        self.began: float | None = None
        """When it began, on the monotonic clock."""
        self.moved = False
        """Whether a unit was finished here."""
        self._done: dict[str, Done] = {}

    @cached_property
    def plan(self) -> Plan:
        """The stored plan; one that an older version wrote and this one cannot read fails its run when it is first looked at."""
        return Plan.model_validate(self._plan)

    async def run(self) -> dict[str, Done]:
        """Bring every unit to its end. Raises what a unit failed of, and Lost."""
        rows = {row["stage"]: row for row in await self.context.database.read(self._rows, patience=self._lease_seconds)}
        for unit in self.plan.units:
            row = rows[unit]
            if row["status"] == "succeeded":
                self._done[unit] = _done(row)
                continue
            self.unit, self.began = unit, time.monotonic()
            with bound(stage=stage_of(unit)):
                await self._unit(unit, row)
            self.moved = True
        return self._done

    async def stop(self) -> None:
        """Ask the worker that holds the current job to stop it."""
        for row in await self.context.database.read(self._rows):
            if row["status"] == "running" and row["job_id"]:
                worker = self.context.workers[self.plan.worker(row["stage"])]
                await worker.cancel(row["job_id"], self.lease.epoch, instance=row["instance"])

    async def write(self, work: Callable[[Connection], bool]) -> None:
        """Change the database as the owner. Raises Lost when the run is somebody else's, or the database stayed away for a whole lease."""
        try:
            mine = await self.context.database.write(work, patience=self._lease_seconds)
        except UnavailableError:
            raise Lost from None
        if not mine:
            raise Lost
        self.context.wake(self.lease.run_id)

    async def _unit(self, unit: Unit, row: RowMapping) -> None:
        if unit == "acquisition" and self.plan.registered is not None:
            await self._registered()
            return
        request = await self._request(unit, row)
        async with Journal(stage_of(unit), lambda values, events: self._note(unit, values, events), at_once=not self._embedded) as journal:
            try:
                result = await follow(
                    self.context.workers[self.plan.worker(unit)],
                    request,
                    instance=row["instance"],
                    patience=self.context.patience,
                    on_event=journal.on_event,
                    on_busy=journal.on_busy,
                )
            except ProblemError as error:
                await journal.save()
                raise _uninvited(error) from None
            except FencedError:
                raise Lost from None
        await self._finished(unit, result, *journal.take())

    async def _request(self, unit: Unit, row: RowMapping) -> JobRequest:
        """The job of a unit: the recorded one after a takeover, so that the worker knows it again, else a new one."""
        if row["status"] == "running" and row["request"] is not None:
            recorded = JobRequest.model_validate(row["request"])
            return recorded.model_copy(update={"epoch": self.lease.epoch, "after_seq": row["after_seq"]})
        work = compose(self.plan, unit, self._done, await self._baseline() if unit == "evaluation" else None)
        reply = await self._fingerprint(unit, work)
        tries = f"-{row['tries']}" if row["tries"] else ""
        request = JobRequest(
            job_id=f"{self.lease.run_id}-{unit}{tries}",
            epoch=self.lease.epoch,
            stage=stage_of(unit),
            fingerprint=reply.fingerprint,
            spec=work.spec,
            inputs=work.inputs,
            limits=self.context.limits(self.plan.timeout),
            cacheable=reply.cacheable,
            run_id=self.lease.run_id,
        )
        values = {
            "status": "running",
            "fingerprint": request.fingerprint,
            "request": request.model_dump(mode="json"),
            "job_id": request.job_id,
            "started_at": clock(),
        }
        event = {"kind": "stage", "stage": request.stage, "data": {"status": "running", "part": unit}}
        await self.write(lambda c: runs.change_stage(c, self.lease, unit, values, events=[event]))
        return request

    async def _fingerprint(self, unit: Unit, work: Work) -> FingerprintReply:
        worker = self.context.workers[self.plan.worker(unit)]
        request = FingerprintRequest(spec=work.spec, inputs=work.inputs, run_id=self.lease.run_id)
        reply: FingerprintReply = await call(lambda: worker.fingerprint(request), self.context.patience)
        return reply

    async def _baseline(self) -> Baseline | None:
        plan = self.plan.baseline
        if plan is None:
            return None
        if plan.model is not None:
            scored = self._done["inference.baseline"]
            return Baseline(plan.label, scored.outputs["test.scored"], scored.facts.get("labels"))
        key = rows_key(self.plan, self._done)
        reference, labels, _ = await call(lambda: settle(self.context.lookup, plan, self.lease.run_id, key), self.context.patience)
        return Baseline(plan.label, reference, labels)

    async def _registered(self) -> None:
        """A registered version was acquired before; the stage shows its result as cached."""
        known = self.plan.registered
        assert known is not None, "asked for only where there is one"  # noqa: S101 - for the type checker
        self._done["acquisition"] = Done({"data": known.data}, known.facts)
        values = {
            "status": "succeeded", "cached": True, "seconds": 0.0, "started_at": clock(), "finished_at": clock(),
            "outputs": {"data": known.data.model_dump(mode="json")}, "facts": known.facts,
            "manifest": None if known.manifest is None else known.manifest.model_dump(mode="json"),
        }  # fmt: skip
        event = {"kind": "stage", "stage": "acquisition", "data": {"status": "succeeded", "cached": True, "part": "acquisition"}}
        run = {"data_digest": known.facts.get("digest")}
        await self.write(lambda c: runs.change_stage(c, self.lease, "acquisition", values, events=[event], run=run))

    async def _note(self, unit: Unit, values: Row, events: list[Row]) -> None:
        if values:
            await self.write(lambda c: runs.change_stage(c, self.lease, unit, values, events=events))
        else:
            await self.write(lambda c: runs.change(c, self.lease, {}, events))

    async def _finished(self, unit: Unit, result: JobResult, noted: Row, events: list[Row]) -> None:
        done = self._done[unit] = Done(result.outputs, result.facts, result.warnings)
        values = {
            **noted,
            "status": "succeeded",
            "finished_at": clock(),
            "seconds": result.seconds,
            "cached": result.cached,
            "outputs": {name: reference.model_dump(mode="json") for name, reference in result.outputs.items()},
            "facts": result.facts,
            "warnings": result.warnings,
            "versions": result.versions,
            "manifest": result.manifest.model_dump(mode="json"),
        }
        run: Row = {"strikes": 0, "takeovers": 0}
        if unit == "acquisition":
            run["data_digest"] = done.facts.get("digest")
        elif unit == "processing":
            run |= {"task": done.facts.get("task"), "rows_key": rows_key(self.plan, self._done)}
        data = {"status": "succeeded", "cached": result.cached, "seconds": result.seconds, "part": unit}
        events = [*events, {"kind": "stage", "stage": stage_of(unit), "data": data}]
        await self.write(lambda c: runs.change_stage(c, self.lease, unit, values, events=events, run=run))
        seconds = time.monotonic() - (self.began or time.monotonic())
        self.context.observer.stage(stage_of(unit), "cached" if result.cached else "succeeded", seconds)

    def _rows(self, connection: Connection) -> list[RowMapping]:
        return list(runs.stages_of(connection, [self.lease.run_id]))

    @property
    def _embedded(self) -> bool:
        return self.context.embedded

    @property
    def _lease_seconds(self) -> float:
        return self.context.settings.lease_seconds


def _done(row: RowMapping) -> Done:
    outputs = {name: Reference.model_validate(reference) for name, reference in row["outputs"].items()}
    return Done(outputs, row["facts"], row["warnings"])


def _uninvited(error: ProblemError) -> ProblemError:
    """A job that says `cancelled` although nobody asked: it was orphaned, or its worker was told to end. Another attempt can do it."""
    problem = error.problem()
    return ProblemError(problem.model_copy(update={"retryable": True, "cause": "platform"})) if problem.cause == "cancelled" else error
