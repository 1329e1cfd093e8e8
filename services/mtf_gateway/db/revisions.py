"""SQL of a run's evaluations. Functions of one open connection: the caller owns the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, insert, select, update

from mtf_gateway.db.engine import clock
from mtf_gateway.db.runs import newest_revision
from mtf_gateway.db.tables import RUN_EVENTS, RUN_REVISIONS, RUN_STAGES, RUNS

Row = dict[str, Any]
RESULT = ("verdict", "metrics", "gates", "warnings", "report")
"""What a run's row and a revision both hold."""


def newest(connection: Connection, run_id: str) -> RowMapping | None:
    """The newest stored revision; None for a run that was never evaluated again."""
    statement = select(RUN_REVISIONS).where(RUN_REVISIONS.c.run_id == run_id).order_by(RUN_REVISIONS.c.number.desc()).limit(1)
    return connection.execute(statement).mappings().one_or_none()


def find(connection: Connection, run_id: str, number: int) -> RowMapping | None:
    """One stored revision."""
    where = and_(RUN_REVISIONS.c.run_id == run_id, RUN_REVISIONS.c.number == number)
    return connection.execute(select(RUN_REVISIONS).where(where)).mappings().one_or_none()


def list_of(connection: Connection, run_id: str, *, below: int | None, limit: int) -> Sequence[RowMapping]:
    """Stored revisions of a run, newest first, with numbers under `below`."""
    statement = select(RUN_REVISIONS).where(RUN_REVISIONS.c.run_id == run_id)
    if below is not None:
        statement = statement.where(RUN_REVISIONS.c.number < below)
    return connection.execute(statement.order_by(RUN_REVISIONS.c.number.desc()).limit(limit)).mappings().all()


def versions_in_use(connection: Connection, run_ids: Sequence[str]) -> dict[str, Row]:
    """Versions that each run's newest evaluation was made with, by run."""
    ids = list(run_ids)
    first = select(RUN_STAGES.c.run_id, RUN_STAGES.c.versions).where(RUN_STAGES.c.run_id.in_(ids), RUN_STAGES.c.stage == "evaluation")
    found = {row.run_id: dict(row.versions) for row in connection.execute(first)}
    again = select(RUN_REVISIONS.c.run_id, RUN_REVISIONS.c.versions).where(RUN_REVISIONS.c.run_id.in_(ids))
    found |= {row.run_id: dict(row.versions) for row in connection.execute(again.order_by(RUN_REVISIONS.c.number))}
    return found


def add(connection: Connection, run_id: str, first: Row, values: Row) -> int | None:
    """Store an evaluation as the newest revision, and bring the run's row to it; its number. None for a run that is no more.

    `first` describes the evaluation that came with the run; it is kept as revision 1 when the second one is stored. The run's row is
    changed first, which locks it: two that store at once get two numbers.
    """
    where = and_(RUNS.c.id == run_id, RUNS.c.status == "succeeded", RUNS.c.deleted_at.is_(None))
    locked = update(RUNS).where(where).values(version=RUNS.c.version + 1, last_seq=RUNS.c.last_seq + 1).returning(RUNS)
    run = connection.execute(locked).mappings().one_or_none()
    if run is None:
        return None
    highest = connection.execute(select(func.max(RUN_REVISIONS.c.number)).where(RUN_REVISIONS.c.run_id == run_id)).scalar_one()
    if highest is None:
        highest = 1
        came = {name: run[name] for name in RESULT}
        made = {"created_by": run["created_by"], "created_at": run["finished_at"] or run["created_at"]}
        connection.execute(insert(RUN_REVISIONS).values(run_id=run_id, number=1, **came, **made, **first))
    number = int(highest) + 1
    connection.execute(insert(RUN_REVISIONS).values(run_id=run_id, number=number, created_at=clock(), **values))
    connection.execute(update(RUNS).where(RUNS.c.id == run_id).values({name: values[name] for name in RESULT}))
    said = {"level": "info", "message": f"evaluated again: revision {number}, verdict {values['verdict'] or 'none'}"}
    event = {"run_id": run_id, "seq": run["last_seq"], "at": clock(), "kind": "log", "stage": "evaluation", "data": said}
    connection.execute(insert(RUN_EVENTS).values(**event))
    return number


def subject(connection: Connection, run_id: str) -> tuple[RowMapping | None, dict[str, RowMapping], RowMapping | None]:
    """What an evaluation of a run starts from: its row, its stages by name, and its newest stored revision."""
    statement = select(RUNS, newest_revision()).where(RUNS.c.id == run_id, RUNS.c.deleted_at.is_(None))
    run = connection.execute(statement).mappings().one_or_none()
    rows = connection.execute(select(RUN_STAGES).where(RUN_STAGES.c.run_id == run_id).order_by(RUN_STAGES.c.position)).mappings().all()
    return run, {row["stage"]: row for row in rows}, newest(connection, run_id)
