"""One run of a re-evaluation, from what is stored of it to its result."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from mtf.contracts.job import FingerprintRequest, JobRequest, JobResult, Validated
from mtf.errors import FencedError, MtfError, PlatformError, SpecError, UnavailableError
from mtf_gateway.compose import Work
from mtf_gateway.db import reevaluations, revisions
from mtf_gateway.db.runs import Lease
from mtf_gateway.memory.evaluator import Evaluator
from mtf_gateway.reevaluation import work
from mtf_gateway.reevaluation.changes import gate_changes, metric_changes
from mtf_gateway.reevaluation.work import Skipped, Subject
from mtf_gateway.runner.context import Context
from mtf_gateway.runner.follow import call, follow
from mtf_gateway.runner.lost import Lost

LOG = logging.getLogger("mtf.gateway.reevaluation")
Row = dict[str, Any]


@dataclass
class Task:
    """A re-evaluation that is worked at here."""

    lease: Lease
    spec: Mapping[str, Any]
    created_by: str
    checked: dict[str, Validated | MtfError] = field(default_factory=dict)
    """Sections that the worker looked at already: runs of one run file have the same."""

    @property
    def dry(self) -> bool:
        """Whether nothing is stored."""
        return bool(self.spec.get("dry_run"))


class Single:
    """Measures one run after the other. Each is recorded by itself, so that whoever takes over goes on behind the last one."""

    def __init__(self, context: Context, evaluator: Evaluator) -> None:
        self._context, self._evaluator = context, evaluator

    async def measure(self, task: Task, position: int, run_id: str) -> None:
        """Bring one run to its result and record it. Raises Lost when the re-evaluation is somebody else's."""
        database = self._context.database
        try:
            run, stages, newest = await database.read(lambda c: revisions.subject(c, run_id), patience=self._context.settings.lease_seconds)
            found = work.subject(run, stages, newest)
            await self._stored(task, position, found)
        except Skipped as reason:
            await self._record(task, position, {"status": "skipped", "result": {"reason": str(reason)}})
        except UnavailableError:
            raise  # no fault of this run: all of them wait until the worker, or the database, is back
        except FencedError:
            raise Lost from None
        except MtfError as error:
            await self._failed(task, position, error)
        except Lost:
            raise
        except Exception as error:  # one run's defect is told of that run; the others go on
            LOG.exception("run %s cannot be evaluated again", run_id)
            await self._failed(task, position, PlatformError(f"{type(error).__name__}: {error}"[:500]))

    async def _stored(self, task: Task, position: int, found: Subject) -> None:
        if not self._evaluator.present(found.scored):
            raise Skipped("its predictions are gone: nothing is stored that could be measured")
        section = work.section(found, task.spec)
        checked = await self._check(task, section)
        result, fingerprint = await self._compute(task, position, found, work.job(found, checked))
        after = _After(result, fingerprint, section)
        values = after.item(found)
        if task.dry or values["result"]["unchanged"]:
            await self._record(task, position, values)
            return
        number = await self._store(task, position, found, after)
        if number is not None and self._context.deliver_again is not None:
            await self._context.deliver_again(str(found.run["id"]), number)
        self._context.wake(found.run["id"])

    async def _store(self, task: Task, position: int, found: Subject, after: _After) -> int | None:
        """The revision and the note of it, together or not at all; the revision's number. None where an earlier attempt did it already."""
        values = after.item(found)

        def store(connection: Connection) -> tuple[bool, int | None]:
            recorded = reevaluations.record(connection, task.lease, position, values)
            if not recorded:
                return recorded is not None, None
            number = revisions.add(connection, found.run["id"], dict(found.first), after.revision(found, task))
            if number is None:
                raise Skipped("the run was deleted meanwhile")
            reevaluations.number(connection, task.lease, position, values["result"] | {"revision": number})
            return True, number

        mine, number = await self._context.database.write(store, patience=self._context.settings.lease_seconds)
        if not mine:
            raise Lost
        return number

    async def _check(self, task: Task, section: Row) -> Validated:
        """The section as the worker reads it. Raises Skipped with what it says against it."""
        key = json.dumps(section, sort_keys=True, default=str)
        if key not in task.checked:
            try:
                task.checked[key] = await call(lambda: self._evaluator.validate(section), self._context.patience)
            except SpecError as error:
                task.checked[key] = error
        answer = task.checked[key]
        if isinstance(answer, MtfError):
            raise Skipped(f"{answer.message}" + (f" ({answer.fix})" if answer.fix else ""))
        return answer

    async def _compute(self, task: Task, position: int, found: Subject, asked: Work) -> tuple[JobResult, str]:
        """The job, tried again while it is the platform that fails."""
        context, worker, run_id = self._context, self._evaluator.worker, str(found.run["id"])
        question = FingerprintRequest(spec=asked.spec, inputs=asked.inputs, run_id=run_id)
        key = await call(lambda: worker.fingerprint(question), context.patience)
        for attempt in range(context.settings.attempt_limit):
            request = JobRequest(
                job_id=f"{task.lease.run_id}-{position}-{key.fingerprint[:12]}-{attempt}",
                epoch=task.lease.epoch,
                stage="evaluation",
                fingerprint=key.fingerprint,
                spec=asked.spec,
                inputs=asked.inputs,
                limits=context.limits(None),
                cacheable=key.cacheable,
                run_id=run_id,
            )
            try:
                return await follow(worker, request, patience=context.patience), key.fingerprint
            except asyncio.CancelledError:
                await asyncio.shield(worker.cancel(request.job_id, request.epoch))
                raise
            except MtfError as error:
                if not _passing(error) or attempt + 1 == context.settings.attempt_limit:
                    raise
            await asyncio.sleep(context.settings.retry_seconds * 2**attempt)
        raise PlatformError("no attempt was made")

    async def _failed(self, task: Task, position: int, error: MtfError) -> None:
        problem = error.problem()
        result = {"reason": problem.detail, "problem": problem.model_dump(mode="json")}
        await self._record(task, position, {"status": "failed", "result": result})

    async def _record(self, task: Task, position: int, values: Row) -> None:
        seconds = self._context.settings.lease_seconds
        if await self._context.database.write(lambda c: reevaluations.record(c, task.lease, position, values), patience=seconds) is None:
            raise Lost


def _passing(error: MtfError) -> bool:
    """Whether another attempt may succeed: the platform failed, or the job ended as cancelled although nobody asked."""
    problem = error.problem()
    return problem.retryable or problem.cause == "cancelled"


@dataclass(frozen=True)
class _After:
    """What the job came to."""

    result: JobResult
    fingerprint: str
    section: Row

    def item(self, found: Subject) -> Row:
        """The line of the re-evaluation's list."""
        facts, run = self.result.facts, found.run
        gates = gate_changes(run["gates"], facts.get("gates") or [])
        metrics = metric_changes(run["metrics"], facts.get("metrics") or {}, found.versions, self.result.versions)
        verdict = facts.get("verdict")
        return {
            "status": "done",
            "verdict_changed": verdict != run["verdict"],
            "gates_changed": len(gates),
            "result": {
                "unchanged": self.fingerprint == found.fingerprint,
                "cached": self.result.cached,
                "verdict_before": run["verdict"],
                "verdict_after": verdict,
                "gates": [one.model_dump(mode="json") for one in gates],
                "metrics": [one.model_dump(mode="json") for one in metrics],
            },
        }

    def revision(self, found: Subject, task: Task) -> Row:
        """The row of the new revision."""
        facts = self.result.facts
        return {
            "created_by": task.created_by,
            "reevaluation": task.lease.run_id,
            "evaluation": self.section,
            "fingerprint": self.fingerprint,
            "verdict": facts.get("verdict"),
            "metrics": dict(facts.get("metrics") or {}),
            "gates": list(facts.get("gates") or []),
            "warnings": list(dict.fromkeys([*found.warnings, *self.result.warnings])),
            "versions": self.result.versions,
            "report": {name: reference.model_dump(mode="json") for name, reference in self.result.outputs.items()},
        }
