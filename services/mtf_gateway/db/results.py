"""SQL of what is read often: a run's tag and the ranking of a dataset's runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, bindparam, func, select

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


def board_tag(connection: Connection, dataset: str) -> str:
    """A text that changes whenever a succeeded run of the dataset is added, changed or deleted."""
    where = and_(RUNS.c.dataset == dataset, RUNS.c.status == "succeeded", RUNS.c.deleted_at.is_(None))
    row = connection.execute(select(func.count(), func.max(RUNS.c.id), func.sum(RUNS.c.version)).where(where)).one()
    return f"{row[0]}-{row[1] or ''}-{row[2] or 0}"


def board(connection: Connection, dataset: str, metric: str, *, greater: bool, limit: int) -> Sequence[RowMapping]:
    """Succeeded runs of a dataset that have the metric, best first; of equals the older one first."""
    value = RUNS.c.metrics[metric]["value"].as_float()
    where = and_(RUNS.c.dataset == dataset, RUNS.c.status == "succeeded", RUNS.c.deleted_at.is_(None), value.is_not(None))
    columns = (
        RUNS.c.id,
        RUNS.c.name,
        RUNS.c.model,
        RUNS.c.verdict,
        RUNS.c.created_by,
        RUNS.c.created_at,
        RUNS.c.metrics[metric].label("metric"),
    )
    order = value.desc() if greater else value.asc()
    return connection.execute(select(*columns).where(where).order_by(order, RUNS.c.id).limit(limit)).mappings().all()
