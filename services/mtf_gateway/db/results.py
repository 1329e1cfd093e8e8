"""SQL of what is read most: a run's tag."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from mtf_gateway.db.runs import expired
from mtf_gateway.db.tables import RUNS


@cache
def _tag() -> Select[Any]:
    """Built once: it is asked at every look at a run, and building it costs more than running it."""
    return select(RUNS.c.version, expired()).where(RUNS.c.id == bindparam("run_id"), RUNS.c.deleted_at.is_(None))


def tag_of(connection: Connection, run_id: str) -> str | None:
    """A text that changes whenever the run as the API shows it changes: the row's version, marked while the lease is expired."""
    row = connection.execute(_tag(), {"run_id": run_id}).one_or_none()
    return None if row is None else f"{row[0]}{'i' if row[1] else ''}"
