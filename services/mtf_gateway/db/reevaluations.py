"""SQL of re-evaluations: what was asked, who works at it, and what came of each run.

As with runs, the row is its place in the queue and its lease as well, and every change by an owner carries the epoch of its claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, case, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from mtf_gateway.db.engine import clock
from mtf_gateway.db.registry import insert_once
from mtf_gateway.db.runs import Lease, tagged
from mtf_gateway.db.tables import REEVALUATION_ITEMS, REEVALUATIONS, RUNS

Row = dict[str, Any]
ITEMS, WHOLE = REEVALUATION_ITEMS, REEVALUATIONS
CHUNK = 500
"""Rows that are inserted, or ids that are asked for, in one statement: below what any driver allows as parameters."""


def select_runs(connection: Connection, spec: Mapping[str, Any]) -> Sequence[RowMapping]:
    """Succeeded runs that a selection means, oldest first: id, name, model, dataset and metrics."""
    columns = (RUNS.c.id, RUNS.c.name, RUNS.c.model, RUNS.c.dataset, RUNS.c.metrics)
    where = [RUNS.c.status == "succeeded", RUNS.c.deleted_at.is_(None)]
    if spec.get("name"):
        where.append(RUNS.c.name == spec["name"])
    where += [series(RUNS.c[key], spec[key]) for key in ("model", "dataset") if spec.get(key)]
    where += [tagged(tag) for tag in spec.get("tags") or []]
    ids = list(spec.get("runs") or [])
    parts = [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)] if ids else [None]
    rows: list[RowMapping] = []
    for part in parts:
        also = [] if part is None else [RUNS.c.id.in_(part)]
        rows += connection.execute(select(*columns).where(*where, *also).order_by(RUNS.c.id)).mappings().all()
    return sorted(rows, key=lambda row: str(row["id"]))


def series(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Rows of `name@3`, or of every version of `name`."""
    return column == text if "@" in text else or_(column == text, column.startswith(f"{text}@", autoescape=True))


def add(connection: Connection, row: Row, run_ids: Sequence[str]) -> bool:
    """Store a queued re-evaluation of these runs; False when its id, or the idempotency key of this principal, is known."""
    if not insert_once(connection, WHOLE, {"created_at": clock(), **row}):
        return False
    items = [{"reevaluation_id": row["id"], "position": position, "run_id": run_id} for position, run_id in enumerate(run_ids)]
    for at in range(0, len(items), CHUNK):
        connection.execute(insert(ITEMS), items[at : at + CHUNK])
    return True


def find(connection: Connection, key: str) -> RowMapping | None:
    """One re-evaluation; `expired` tells whether its owner fell silent."""
    return connection.execute(select(WHOLE, expired().label("expired")).where(WHOLE.c.id == key)).mappings().one_or_none()


def find_by_key(connection: Connection, principal: str, key: str) -> RowMapping | None:
    """The re-evaluation that this principal asked for under an idempotency key."""
    statement = select(WHOLE).where(WHOLE.c.created_by == principal, WHOLE.c.idempotency_key == key)
    return connection.execute(statement).mappings().one_or_none()


def list_newest(connection: Connection, *, before: str | None, limit: int) -> Sequence[RowMapping]:
    """Re-evaluations, newest first, older than the id `before`."""
    statement = select(WHOLE, expired().label("expired"))
    if before is not None:
        statement = statement.where(WHOLE.c.id < before)
    return connection.execute(statement.order_by(WHOLE.c.id.desc()).limit(limit)).mappings().all()


def counts(connection: Connection, keys: Sequence[str]) -> dict[str, Row]:
    """Of each re-evaluation: runs by state, runs whose verdict changed, and gates that did."""
    columns = (ITEMS.c.reevaluation_id, ITEMS.c.status, func.count(), func.sum(case((ITEMS.c.verdict_changed, 1), else_=0)))
    statement = select(*columns, func.sum(ITEMS.c.gates_changed)).where(ITEMS.c.reevaluation_id.in_(list(keys)))
    found: dict[str, Row] = {key: {"counts": {}, "verdicts": 0, "gates": 0} for key in keys}
    for key, status, number, verdicts, gates in connection.execute(statement.group_by(ITEMS.c.reevaluation_id, ITEMS.c.status)):
        found[key]["counts"][status] = int(number)
        found[key]["verdicts"] += int(verdicts or 0)
        found[key]["gates"] += int(gates or 0)
    return found


def items(connection: Connection, key: str, *, after: int, limit: int, status: str | None = None) -> Sequence[RowMapping]:
    """Runs of a re-evaluation behind a position, in order, each with what its run is called."""
    names = (RUNS.c.name, RUNS.c.model, RUNS.c.dataset)
    joined = ITEMS.outerjoin(RUNS, RUNS.c.id == ITEMS.c.run_id)
    where = [ITEMS.c.reevaluation_id == key, ITEMS.c.position > after]
    if status is not None:
        where.append(ITEMS.c.status == status)
    statement = select(ITEMS, *names).select_from(joined).where(*where)
    return connection.execute(statement.order_by(ITEMS.c.position).limit(limit)).mappings().all()


def expired() -> ColumnElement[bool]:
    """Whether a re-evaluation says `running` and its owner stopped saying so."""
    return and_(WHOLE.c.status == "running", WHOLE.c.lease_until < clock())


def claim(connection: Connection, owner: str, seconds: float, *, only: str | None = None) -> RowMapping | None:
    """Take the oldest one that waits, or whose owner fell silent, in one statement; None: nothing to do. The epoch rises."""
    ready = or_(WHOLE.c.status == "queued", expired())
    if only is not None:
        ready = and_(ready, WHOLE.c.id == only)
    oldest = select(WHOLE.c.id).where(ready).order_by(WHOLE.c.id).limit(1).with_for_update(skip_locked=True).scalar_subquery()
    values = {
        "status": "running", "owner": owner, "lease_until": clock() + seconds, "epoch": WHOLE.c.epoch + 1, "version": WHOLE.c.version + 1,
        "takeovers": WHOLE.c.takeovers + case((WHOLE.c.status == "running", 1), else_=0),
    }  # fmt: skip
    statement = update(WHOLE).where(WHOLE.c.id == oldest, ready).values(values).returning(WHOLE)
    return connection.execute(statement).mappings().one_or_none()


def renew(connection: Connection, lease: Lease, seconds: float) -> bool | None:
    """Keep the lease; whether a cancel was asked for, None when somebody else owns it."""
    statement = update(WHOLE).where(_mine(lease)).values(lease_until=clock() + seconds).returning(WHOLE.c.cancel_requested)
    found: bool | None = connection.execute(statement).scalar_one_or_none()
    return found


def record(connection: Connection, lease: Lease, position: int, values: Row) -> bool | None:
    """Store what came of one run, as the owner. False when it was stored before, None when somebody else is the owner."""
    if not _change(connection, _mine(lease), {"takeovers": 0}):
        return None
    where = and_(ITEMS.c.reevaluation_id == lease.run_id, ITEMS.c.position == position, ITEMS.c.status == "waiting")
    return connection.execute(update(ITEMS).where(where).values(**values)).rowcount == 1


def number(connection: Connection, lease: Lease, position: int, result: Row) -> None:
    """Complete what was recorded in the same transaction."""
    where = and_(ITEMS.c.reevaluation_id == lease.run_id, ITEMS.c.position == position)
    connection.execute(update(ITEMS).where(where).values(result=result))


def finish(connection: Connection, lease: Lease, status: str, problem: Row | None = None) -> bool:
    """Bring it to its end as its owner."""
    values = {"status": status, "owner": None, "lease_until": None, "finished_at": clock(), "problem": problem}
    return _change(connection, _mine(lease), values)


def let_go(connection: Connection, lease: Lease, status: str) -> bool:
    """Give it back unfinished: `queued`, or `interrupted` until somebody resumes it."""
    return _change(connection, _mine(lease), {"status": status, "owner": None, "lease_until": None})


def request_cancel(connection: Connection, key: str) -> None:
    """Cancel at once where nobody works at it, else ask its owner."""
    idle = and_(WHOLE.c.id == key, WHOLE.c.status.in_(("queued", "interrupted")))
    if not _change(connection, idle, {"status": "cancelled", "finished_at": clock(), "epoch": WHOLE.c.epoch + 1}):
        _change(connection, and_(WHOLE.c.id == key, WHOLE.c.status == "running"), {"cancel_requested": True})


def requeue(connection: Connection, key: str) -> bool:
    """Take up one that was interrupted or cancelled, where it stood; runs that failed are tried again. False in any other state.

    One that ended can be taken up for its failed runs alone.
    """
    failed = and_(ITEMS.c.reevaluation_id == key, ITEMS.c.status == "failed")
    unfinished = WHOLE.c.status.in_(("interrupted", "cancelled"))
    again = and_(WHOLE.c.status == "succeeded", select(ITEMS.c.position).where(failed).exists())
    fresh = {"status": "queued", "finished_at": None, "problem": None, "cancel_requested": False, "takeovers": 0}
    if not _change(connection, and_(WHOLE.c.id == key, or_(unfinished, again)), fresh):
        return False
    connection.execute(update(ITEMS).where(failed).values(status="waiting", result=None))
    return True


def _mine(lease: Lease) -> ColumnElement[bool]:
    return and_(WHOLE.c.id == lease.run_id, WHOLE.c.epoch == lease.epoch, WHOLE.c.status == "running")


def _change(connection: Connection, where: ColumnElement[bool], values: Row) -> bool:
    statement = update(WHOLE).where(where).values(version=WHOLE.c.version + 1, **values).returning(WHOLE.c.id)
    return connection.execute(statement).scalar_one_or_none() is not None
