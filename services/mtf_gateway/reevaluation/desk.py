"""What people ask of re-evaluations: to begin, to look, to stop, to go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping

from mtf.contracts.problem import FieldProblem, Problem
from mtf.contracts.reevaluation import ReevaluationItem, ReevaluationSpec, ReevaluationView, RevisionView
from mtf.contracts.registry import Page
from mtf.errors import ConflictError, NotFoundError, SpecError
from mtf_gateway.db import reevaluations as sql
from mtf_gateway.db import revisions
from mtf_gateway.db.runs import Lease, find_run
from mtf_gateway.ids import new_id
from mtf_gateway.memory.evaluator import Evaluator
from mtf_gateway.owner import is_dead
from mtf_gateway.reevaluation.changes import outdated
from mtf_gateway.reevaluation.driver import Driver
from mtf_gateway.registry.names import from_cursor, from_number_cursor, stamp, to_cursor
from mtf_gateway.runner.context import Context

STATES = ("waiting", "done", "skipped", "failed")


class Reevaluations:
    """Re-evaluations of one database.

    Args:
        context: What the drivers of runs share too.
        evaluator: The evaluation worker.
        ring: Wakes the drivers of every gateway: something was queued or is to be stopped.
    """

    def __init__(self, context: Context, evaluator: Evaluator, ring: Callable[[], None]) -> None:
        self._context, self._evaluator, self._ring = context, evaluator, ring
        self.driver = Driver(context, evaluator)

    async def submit(self, spec: Mapping[str, Any], *, principal: str, idempotency_key: str | None = None) -> ReevaluationView:
        """Queue a re-evaluation. The same key of the same principal gives the same one.

        Raises SpecError for what cannot be asked, NotFoundError for a run that is not there or did not succeed, ConflictError for a key that
        came with something else before.
        """
        asked = _parsed(spec)
        digest = hashlib.sha256(json.dumps(asked.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
        if idempotency_key is not None and (known := await self._by_key(principal, idempotency_key, digest)) is not None:
            return known
        await self._checked(asked)
        run_ids = await self._selected(asked)
        key = new_id()
        row = {
            "id": key,
            "created_by": principal,
            "spec": asked.model_dump(mode="json", exclude_defaults=True),
            "idempotency_key": idempotency_key,
            "idempotency_hash": digest if idempotency_key is not None else None,
        }
        stored = await self._context.database.write(lambda c: sql.add(c, row, run_ids) or sql.find(c, key) is not None)
        if not stored and idempotency_key is not None and (known := await self._by_key(principal, idempotency_key, digest)) is not None:
            return known
        self._queued(key)
        return await self.get(key)

    async def get(self, key: str) -> ReevaluationView:
        """One, and how far it is. Raises NotFoundError."""

        def work(connection: Connection) -> ReevaluationView | None:
            row = sql.find(connection, key)
            return None if row is None else _view(row, sql.counts(connection, [key])[key], self._status(row))

        view = await self._context.database.read(work)
        if view is None:
            fix = "`GET /v1/reevaluations` lists what there is"
            raise NotFoundError(f"there is no re-evaluation `{key[:100]}`", field="reevaluation_id", found=key, fix=fix)
        return view

    async def list_newest(self, *, cursor: str | None = None, limit: int = 50) -> Page[ReevaluationView]:
        """Re-evaluations, newest first."""
        before = from_cursor(cursor)

        def work(connection: Connection) -> list[ReevaluationView]:
            rows = sql.list_newest(connection, before=before, limit=limit + 1)
            counts = sql.counts(connection, [row["id"] for row in rows])
            return [_view(row, counts[row["id"]], self._status(row)) for row in rows]

        found = await self._context.database.read(work)
        return Page(items=found[:limit], cursor=to_cursor(found[limit - 1].id) if len(found) > limit else None)

    async def items(self, key: str, *, cursor: str | None = None, limit: int = 50, status: str | None = None) -> Page[ReevaluationItem]:
        """The runs of a re-evaluation in order, each with what changed."""
        after = from_number_cursor(cursor)
        await self.get(key)
        start = -1 if after is None else after
        rows = await self._context.database.read(lambda c: sql.items(c, key, after=start, limit=limit + 1, status=status))
        shown = rows[:limit]
        return Page(items=[_item(row) for row in shown], cursor=to_cursor(shown[-1]["position"]) if len(rows) > limit else None)

    async def cancel(self, key: str) -> ReevaluationView:
        """Stop: runs that were measured stay measured. Raises NotFoundError, ConflictError for one that ended."""
        view = await self.get(key)
        if view.status == "succeeded":
            raise ConflictError("it is over already", field="reevaluation_id", found=view.status)
        await self._release_dead(key)
        await self._context.database.write(lambda c: sql.request_cancel(c, key))
        self.driver.poke()
        self._ring()
        return await self.get(key)

    async def resume(self, key: str) -> ReevaluationView:
        """Take up one that was interrupted or cancelled, or the failed runs of one that ended. Raises NotFoundError, ConflictError."""
        view = await self.get(key)
        await self._release_dead(key)
        if not await self._context.database.write(lambda c: sql.requeue(c, key)):
            fix = "only one that stopped, or of which runs failed, can be resumed"
            raise ConflictError(f"it is {view.status}", field="reevaluation_id", found=view.status, fix=fix)
        self._queued(key)
        return await self.get(key)

    async def revisions(self, run_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[RevisionView]:
        """Every evaluation of a run, newest first. Raises NotFoundError."""
        below = from_number_cursor(cursor)

        def work(connection: Connection) -> tuple[RowMapping | None, list[RowMapping], dict[str, str]]:
            run = find_run(connection, run_id)
            rows = list(revisions.list_of(connection, run_id, below=below, limit=limit + 1))
            return run, rows, revisions.versions_in_use(connection, [run_id]).get(run_id, {})

        run, rows, versions = await self._context.database.read(work)
        if run is None:
            raise NotFoundError(f"there is no run `{run_id}`", field="run_id", found=run_id, fix="`mtf runs list` shows what there is")
        if not rows and below is None and run["status"] == "succeeded":
            return Page(items=[_only(run, versions)])
        shown = [_revision(row, newest=row["number"] == run["revision"]) for row in rows[:limit]]
        return Page(items=shown, cursor=to_cursor(shown[-1].revision) if len(rows) > limit else None)

    async def _checked(self, asked: ReevaluationSpec) -> None:
        """Misspelt metrics and gates are told at once, not by every run. What depends on a run's task or baseline is told by that run."""
        if asked.metrics:
            await self._evaluator.validate({"metrics": asked.metrics})
        if asked.gates:
            # With some baseline named: whether a run has one is its own affair.
            await self._evaluator.validate({"gates": asked.gates, "baseline": "any"})
        if asked.replace and not asked.metrics and not asked.gates:
            raise SpecError("nothing is given to take the place of a run's own", field="replace", fix="name metrics or gates")

    async def _selected(self, asked: ReevaluationSpec) -> list[str]:
        spec = asked.model_dump(mode="json")
        rows = await self._context.database.read(lambda c: sql.select_runs(c, spec))
        if missing := sorted(set(asked.runs) - {row["id"] for row in rows}):
            message = f"{len(missing)} of the runs named are not there, did not succeed, or are not of this selection"
            raise NotFoundError(message, field="runs", found=", ".join(missing[:5]), fix="`mtf runs list --status succeeded` shows them")
        if not asked.outdated:
            return [row["id"] for row in rows]
        current = {name: view.version for name, view in (await self._evaluator.metrics()).items()}
        found: list[str] = []
        for at in range(0, len(rows), sql.CHUNK):
            part = rows[at : at + sql.CHUNK]
            ids = [row["id"] for row in part]
            versions = await self._context.database.read(partial(revisions.versions_in_use, run_ids=ids))
            found += [row["id"] for row in part if outdated(row["metrics"], versions.get(row["id"], {}), current)]
        return found

    async def _by_key(self, principal: str, key: str, digest: str) -> ReevaluationView | None:
        row = await self._context.database.read(lambda c: sql.find_by_key(c, principal, key))
        if row is None:
            return None
        if row["idempotency_hash"] != digest:
            fix = "use a new key for another request"
            raise ConflictError("this key came with another request before", field="Idempotency-Key", found=key, fix=fix)
        return await self.get(row["id"])

    def _status(self, row: RowMapping) -> str:
        """`interrupted` where nobody will go on: an embedded one whose process is gone."""
        orphaned = self._context.embedded and row["status"] == "running" and (row["expired"] or is_dead(row["owner"]))
        return "interrupted" if orphaned else str(row["status"])

    async def _release_dead(self, key: str) -> None:
        row = await self._context.database.read(lambda c: sql.find(c, key))
        if row is not None and self._status(row) != row["status"]:
            await self._context.database.write(lambda c: sql.let_go(c, Lease(key, row["epoch"]), "interrupted"))

    def _queued(self, key: str) -> None:
        if self._context.embedded:
            self.driver.own(key)
        self.driver.poke()
        self._ring()


def _parsed(spec: Mapping[str, Any]) -> ReevaluationSpec:
    try:
        return ReevaluationSpec.model_validate(dict(spec))
    except ValidationError as error:
        problems = [
            FieldProblem(field=".".join(map(str, one["loc"])), found=repr(one["input"])[:200], message=one["msg"])
            for one in error.errors(include_url=False)
        ]
        first = problems[0]
        raise SpecError(first.message, field=first.field, found=first.found, errors=problems) from None


def _view(row: RowMapping, found: Mapping[str, Any], status: str) -> ReevaluationView:
    counts = {state: int(found["counts"].get(state, 0)) for state in STATES}
    return ReevaluationView(
        id=row["id"],
        status=status,
        created_by=row["created_by"],
        created_at=stamp(row["created_at"]),
        finished_at=None if row["finished_at"] is None else stamp(row["finished_at"]),
        spec=row["spec"],
        total=sum(counts.values()),
        counts=counts,
        verdicts_changed=found["verdicts"],
        gates_changed=found["gates"],
        problem=None if row["problem"] is None else Problem.model_validate(row["problem"]),
        version=row["version"],
    )


def _item(row: RowMapping) -> ReevaluationItem:
    names = {name: row[name] or "" for name in ("name", "model", "dataset")}
    return ReevaluationItem.model_validate({"run": row["run_id"], "status": row["status"], **names, **(row["result"] or {})})


def _revision(row: RowMapping, *, newest: bool) -> RevisionView:
    plain = {name: row[name] for name in ("created_by", "reevaluation", "verdict", "metrics", "gates", "versions")}
    return RevisionView(run=row["run_id"], revision=row["number"], created_at=stamp(row["created_at"]), newest=newest, **plain)


def _only(run: RowMapping, versions: dict[str, str]) -> RevisionView:
    plain = {name: run[name] for name in ("created_by", "verdict", "metrics", "gates")}
    made = stamp(run["finished_at"] or run["created_at"])
    return RevisionView(run=run["id"], revision=1, created_at=made, versions=versions, newest=True, **plain)
