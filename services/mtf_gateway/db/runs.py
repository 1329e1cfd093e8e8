"""SQL of runs, their stages and their events. Functions of one open connection: the caller owns the transaction.

A run's row is its place in the queue and its lease as well. Every change by an owner carries the epoch that its claim gave, so that an owner
that was paused or cut off writes nothing any more once somebody else has claimed the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, and_, case, func, insert, or_, select, text, true, update
from sqlalchemy.sql.elements import ColumnElement

from mtf.errors import CancelledError
from mtf_gateway.db.engine import clock
from mtf_gateway.db.registry import insert_once
from mtf_gateway.db.tables import OPEN, RUN_EVENTS, RUN_REVISIONS, RUN_STAGES, RUNS

Row = dict[str, Any]


class Lease(NamedTuple):
    """What makes somebody the owner of a run: the epoch that the claim gave."""

    run_id: str
    epoch: int


LIST_COLUMNS = [column for column in RUNS.c if column.name not in {"plan", "report", "base"}]


def insert_run(connection: Connection, run: Row, stages: Sequence[Row]) -> bool:
    """Store a queued run with its waiting stages; False when the id, or the idempotency key of this principal, is known already."""
    values = {"metrics": {}, "gates": [], "warnings": [], "tags": {}, "created_at": clock(), "last_seq": 1, **run}
    if not insert_once(connection, RUNS, values):
        return False
    rows = [{"run_id": run["id"], "outputs": {}, "facts": {}, "warnings": [], "versions": {}, **stage} for stage in stages]
    connection.execute(insert(RUN_STAGES), rows)
    event = {"run_id": run["id"], "seq": 1, "at": clock(), "kind": "status", "stage": None, "data": {"status": "queued"}}
    connection.execute(insert(RUN_EVENTS).values(**event))
    return True


def find_run(connection: Connection, run_id: str) -> RowMapping | None:
    """One run that was not deleted. `now` and `expired` tell how its lease stands by the database's clock, `revision` its newest evaluation."""
    columns = (RUNS, clock().label("now"), expired().label("expired"), newest_revision())
    statement = select(*columns).where(RUNS.c.id == run_id, RUNS.c.deleted_at.is_(None))
    return connection.execute(statement).mappings().one_or_none()


def find_by_key(connection: Connection, principal: str, key: str) -> RowMapping | None:
    """The run that this principal made under an idempotency key."""
    statement = select(RUNS).where(RUNS.c.created_by == principal, RUNS.c.idempotency_key == key)
    return connection.execute(statement).mappings().one_or_none()


def list_runs(
    connection: Connection,
    *,
    before: str | None,
    limit: int,
    name: str | None = None,
    statuses: Sequence[str] | None = None,
    tags: Sequence[str] = (),
) -> Sequence[RowMapping]:
    """Runs that were not deleted, newest first, older than the id `before`. A tag is `key=value`, or `key` for any value."""
    statement = select(*LIST_COLUMNS, expired().label("expired"), newest_revision()).where(RUNS.c.deleted_at.is_(None))
    if before is not None:
        statement = statement.where(RUNS.c.id < before)
    if name is not None:
        statement = statement.where(RUNS.c.name == name)
    if statuses is not None:
        statement = statement.where(RUNS.c.status.in_(statuses))
    for tag in tags:
        statement = statement.where(tagged(tag))
    return connection.execute(statement.order_by(RUNS.c.id.desc()).limit(limit)).mappings().all()


def succeeded_before(connection: Connection, name: str, before: str, limit: int) -> Sequence[RowMapping]:
    """Succeeded runs of a name that are older than `before`, newest first: the candidates for a baseline."""
    columns = (RUNS.c.id, RUNS.c.name, RUNS.c.data_digest, RUNS.c.rows_key, RUNS.c.task)
    where = and_(RUNS.c.name == name, RUNS.c.status == "succeeded", RUNS.c.id < before, RUNS.c.deleted_at.is_(None))
    return connection.execute(select(*columns).where(where).order_by(RUNS.c.id.desc()).limit(limit)).mappings().all()


def stages_of(connection: Connection, run_ids: Iterable[str]) -> Sequence[RowMapping]:
    """Stage rows of some runs, in order."""
    statement = select(RUN_STAGES).where(RUN_STAGES.c.run_id.in_(list(run_ids)))
    return connection.execute(statement.order_by(RUN_STAGES.c.run_id, RUN_STAGES.c.position)).mappings().all()


def newest_revision() -> ColumnElement[int]:
    """The number of a run's newest evaluation, as `revision`; 1 while it was never evaluated again."""
    newest = select(func.max(RUN_REVISIONS.c.number)).where(RUN_REVISIONS.c.run_id == RUNS.c.id).scalar_subquery()
    return func.coalesce(newest, 1).label("revision")


def tagged(tag: str) -> ColumnElement[bool]:
    """Whether a run has a tag: `key=value`, or `key` for any value."""
    key, has_value, value = tag.partition("=")
    found = RUNS.c.tags[key].as_string()
    holds: ColumnElement[bool] = found == value if has_value else found.is_not(None)
    return holds


def expired() -> ColumnElement[bool]:
    """Whether a run says `running` and its owner stopped saying so."""
    return and_(RUNS.c.status == "running", RUNS.c.lease_until < clock())


def claim(connection: Connection, owner: str, seconds: float, *, only: str | None = None) -> RowMapping | None:
    """Take the oldest run that waits, or whose owner fell silent, in one statement: of two that try, one gets it. None: nothing to do.

    `only` narrows it to one run. The epoch rises, which fences the owner before.
    """
    waiting = and_(RUNS.c.status == "queued", RUNS.c.next_try_at <= clock())
    # The condition of the index stands there literally: a planner cannot see behind parameters that it holds.
    ready = and_(text(OPEN), or_(waiting, expired()), RUNS.c.deleted_at.is_(None), true() if only is None else RUNS.c.id == only)
    # SKIP LOCKED lets two gateways claim two runs at once on PostgreSQL; SQLite has one writer and says nothing there.
    oldest = select(RUNS.c.id).where(ready).order_by(RUNS.c.id).limit(1).with_for_update(skip_locked=True).scalar_subquery()
    statement = (
        update(RUNS)
        .where(RUNS.c.id == oldest, ready)
        .values(
            status="running",
            owner=owner,
            lease_until=clock() + seconds,
            epoch=RUNS.c.epoch + 1,
            version=RUNS.c.version + 1,
            attempts=case((RUNS.c.attempts == 0, 1), else_=RUNS.c.attempts),
            takeovers=RUNS.c.takeovers + case((RUNS.c.status == "running", 1), else_=0),
            started_at=func.coalesce(RUNS.c.started_at, clock()),
            deadline=func.coalesce(RUNS.c.deadline, clock() + RUNS.c.max_runtime),
        )
        .returning(RUNS, clock().label("now"))
    )
    return connection.execute(statement).mappings().one_or_none()


def renew(connection: Connection, lease: Lease, seconds: float) -> RowMapping | None:
    """Keep the lease and learn what was asked meanwhile (`cancel_requested`, `overdue`); None when the run belongs to somebody else."""
    statement = (
        update(RUNS)
        .where(_mine(lease))
        .values(lease_until=clock() + seconds)
        .returning(RUNS.c.cancel_requested, (RUNS.c.deadline < clock()).label("overdue"))
    )
    return connection.execute(statement).mappings().one_or_none()


def change(connection: Connection, lease: Lease, values: Mapping[str, Any], events: Sequence[Row] = ()) -> bool:
    """Change a run as its owner and append events, or do nothing and answer False when the run belongs to somebody else."""
    return _change(connection, _mine(lease), lease.run_id, values, events)


def change_stage(
    connection: Connection,
    lease: Lease,
    stage: str,
    values: Mapping[str, Any],
    *,
    events: Sequence[Row] = (),
    run: Mapping[str, Any] | None = None,
) -> bool:
    """Change a stage, and the run besides, as the run's owner, and append events; False when the run belongs to somebody else."""
    if not change(connection, lease, run or {}, events):
        return False
    where = and_(RUN_STAGES.c.run_id == lease.run_id, RUN_STAGES.c.stage == stage)
    connection.execute(update(RUN_STAGES).where(where).values(**values))
    return True


def put_back(connection: Connection, lease: Lease, stage: str | None, pause: float, events: Sequence[Row]) -> bool:
    """Give a run back for another attempt after `pause` seconds, with its stage as if it had not begun; False when it is not ours."""
    later = {
        "status": "queued", "owner": None, "lease_until": None, "next_try_at": clock() + pause,
        "attempts": RUNS.c.attempts + 1, "strikes": RUNS.c.strikes + 1,
    }  # fmt: skip
    if stage is None:
        return change(connection, lease, later, events)
    blank = {"status": "waiting", "request": None, "fingerprint": None, "instance": None, "after_seq": 0, "progress": None}
    return change_stage(connection, lease, stage, blank, events=events, run=later)


def finish(connection: Connection, lease: Lease, values: Mapping[str, Any], events: Sequence[Row]) -> bool:
    """Bring a run into a final state as its owner. Stages that were under way end with it."""
    final = {"owner": None, "lease_until": None, "finished_at": clock(), **values}
    if not change(connection, lease, final, events):
        return False
    _end_stages(connection, lease.run_id, "cancelled" if values["status"] == "cancelled" else "failed")
    return True


def request_cancel(connection: Connection, run_id: str) -> str | None:
    """Cancel a run that nobody drives at once, ask the owner of a running one. The status after it; None when there is no such run."""
    idle = and_(RUNS.c.id == run_id, RUNS.c.status.in_(("queued", "interrupted")))
    event = {"kind": "status", "stage": None, "data": {"status": "cancelled"}}
    problem = CancelledError("the run was cancelled before it went on").problem().model_dump(mode="json")
    final = {"status": "cancelled", "problem": problem, "finished_at": clock(), "epoch": RUNS.c.epoch + 1, "cancel_requested": True}
    if _change(connection, idle, run_id, final, [event]):
        _end_stages(connection, run_id, "cancelled")
        return "cancelled"
    _change(connection, and_(RUNS.c.id == run_id, RUNS.c.status == "running"), run_id, {"cancel_requested": True}, [])
    found = find_run(connection, run_id)
    return None if found is None else str(found["status"])


def let_go(connection: Connection, lease: Lease, status: str) -> bool:
    """Give a run back unfinished: `queued`, so that anybody may claim it at once, or `interrupted`, until somebody resumes it."""
    event = {"kind": "status", "stage": None, "data": {"status": status}}
    return change(connection, lease, {"status": status, "owner": None, "lease_until": None, "next_try_at": 0.0}, [event])


def requeue(connection: Connection, run_id: str) -> bool:
    """Put an interrupted, failed or cancelled run back into the queue; its finished stages stay finished. False in any other state."""
    where = and_(RUNS.c.id == run_id, RUNS.c.status.in_(("interrupted", "failed", "cancelled")), RUNS.c.deleted_at.is_(None))
    event = {"kind": "status", "stage": None, "data": {"status": "queued"}}
    fresh = {
        "status": "queued", "problem": None, "finished_at": None, "deadline": None, "next_try_at": 0.0,
        "strikes": 0, "takeovers": 0, "cancel_requested": False,
    }  # fmt: skip
    if not _change(connection, where, run_id, fresh, [event]):
        return False
    again = and_(RUN_STAGES.c.run_id == run_id, RUN_STAGES.c.status.in_(("failed", "cancelled")))
    blank = {"status": "waiting", "request": None, "job_id": None, "instance": None, "after_seq": 0, "fingerprint": None, "progress": None}
    connection.execute(update(RUN_STAGES).where(again).values(**blank, tries=RUN_STAGES.c.tries + 1, finished_at=None))
    return True


def delete_run(connection: Connection, run_id: str) -> bool:
    """Hide a run in a final state; its idempotency key becomes free. False in any other state."""
    where = and_(RUNS.c.id == run_id, RUNS.c.status.in_(("succeeded", "failed", "cancelled", "interrupted")), RUNS.c.deleted_at.is_(None))
    return _change(connection, where, run_id, {"deleted_at": clock(), "idempotency_key": None}, [])


def append_events(connection: Connection, run_id: str, events: Sequence[Row]) -> bool:
    """Append to the history of a run, whoever owns it."""
    return _change(connection, RUNS.c.id == run_id, run_id, {}, events)


def events_after(connection: Connection, run_id: str, after: int, limit: int) -> Sequence[RowMapping]:
    """Events with a seq above `after`, oldest first."""
    statement = select(RUN_EVENTS).where(RUN_EVENTS.c.run_id == run_id, RUN_EVENTS.c.seq > after)
    return connection.execute(statement.order_by(RUN_EVENTS.c.seq).limit(limit)).mappings().all()


def logs_of(connection: Connection, run_id: str, limit: int) -> Sequence[RowMapping]:
    """The newest `limit` log and problem events, oldest first."""
    where = and_(RUN_EVENTS.c.run_id == run_id, RUN_EVENTS.c.kind.in_(("log", "problem")))
    newest = connection.execute(select(RUN_EVENTS).where(where).order_by(RUN_EVENTS.c.seq.desc()).limit(limit)).mappings().all()
    return list(reversed(newest))


def statuses(connection: Connection) -> tuple[dict[str, int], float]:
    """Runs by status, and the age in seconds of the oldest one that is queued (0 where none is)."""
    rows = connection.execute(select(RUNS.c.status, func.count()).where(RUNS.c.deleted_at.is_(None)).group_by(RUNS.c.status))
    oldest = select(clock() - func.min(RUNS.c.created_at)).where(RUNS.c.status == "queued", RUNS.c.deleted_at.is_(None))
    age = connection.execute(oldest).scalar_one()
    return {str(status): int(count) for status, count in rows}, float(age or 0.0)


def _mine(lease: Lease) -> ColumnElement[bool]:
    return and_(RUNS.c.id == lease.run_id, RUNS.c.epoch == lease.epoch, RUNS.c.status == "running")


def _change(connection: Connection, where: ColumnElement[bool], run_id: str, values: Mapping[str, Any], events: Sequence[Row]) -> bool:
    """One UPDATE that checks the condition, locks the row and reserves the events' numbers; then the events."""
    bumped = {"version": RUNS.c.version + 1, "last_seq": RUNS.c.last_seq + len(events), **values}
    last = connection.execute(update(RUNS).where(where).values(**bumped).returning(RUNS.c.last_seq)).scalar_one_or_none()
    if last is None:
        return False
    first = int(last) - len(events) + 1
    for seq, event in enumerate(events, first):
        connection.execute(insert(RUN_EVENTS).values(run_id=run_id, seq=seq, at=clock(), **event))
    return True


def _end_stages(connection: Connection, run_id: str, status: str) -> None:
    where = and_(RUN_STAGES.c.run_id == run_id, RUN_STAGES.c.status == "running")
    connection.execute(update(RUN_STAGES).where(where).values(status=status, finished_at=clock()))
