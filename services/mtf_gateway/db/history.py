"""SQL over many runs: the candidates of a leaderboard, the points of a history, the looks at a test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from mtf_gateway.db.reevaluations import series
from mtf_gateway.db.runs import newest_revision
from mtf_gateway.db.tables import RUN_STAGES, RUNS

_HEAD = (
    RUNS.c.id, RUNS.c.name, RUNS.c.model, RUNS.c.dataset, RUNS.c.verdict, RUNS.c.created_by, RUNS.c.created_at, RUNS.c.rows_key,
    RUNS.c.task, RUNS.c.version,
)  # fmt: skip


def _identity() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """What was scored: the files that came in, and how they are read. Who asks makes a name of it."""
    model = RUNS.c.plan["model"]
    return model["inputs"].label("model_inputs"), model["spec"].label("model_spec")


def _succeeded() -> ColumnElement[bool]:
    return and_(RUNS.c.status == "succeeded", RUNS.c.deleted_at.is_(None))


def board(connection: Connection, dataset: str, metric: str) -> Sequence[RowMapping]:
    """Succeeded runs of a dataset, newest first, each with its value of the metric, or null, and with what was scored."""
    columns = (*_HEAD, RUNS.c.metrics[metric].label("metric"), *_identity(), newest_revision())
    where = and_(_succeeded(), RUNS.c.dataset == dataset)
    return connection.execute(select(*columns).where(where).order_by(RUNS.c.id.desc())).mappings().all()


def board_tag(connection: Connection, dataset: str) -> str:
    """A text that changes whenever a succeeded run of the dataset is added, changed or deleted, or its rows are looked at elsewhere."""
    where = and_(_succeeded(), RUNS.c.dataset == dataset)
    row = connection.execute(select(func.count(), func.max(RUNS.c.id), func.sum(RUNS.c.version)).where(where)).one()
    keys = select(RUNS.c.rows_key).where(where).distinct()
    looked = and_(RUNS.c.rows_key.in_(keys), RUNS.c.status == "succeeded")
    seen = connection.execute(select(func.count(), func.max(RUNS.c.id)).where(looked)).one()
    return f"{row[0]}-{row[1] or ''}-{row[2] or 0}-{seen[0]}-{seen[1] or ''}"


def points(
    connection: Connection,
    metric: str,
    *,
    name: str | None,
    model: str | None,
    dataset: str | None,
    before: str | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Succeeded runs that have the metric, newest first, older than the id `before`."""
    value = RUNS.c.metrics[metric]
    where = [_succeeded(), value["n"].as_string().is_not(None)]
    if name is not None:
        where.append(RUNS.c.name == name)
    where += [series(RUNS.c[key], text) for key, text in (("model", model), ("dataset", dataset)) if text is not None]
    if before is not None:
        where.append(RUNS.c.id < before)
    columns = (*_HEAD, value.label("metric"), newest_revision())
    return connection.execute(select(*columns).where(*where).order_by(RUNS.c.id.desc()).limit(limit)).mappings().all()


def scored(connection: Connection, run_ids: Sequence[str]) -> dict[str, RowMapping]:
    """The inference stage of each run: where its predictions lie, and its labels."""
    columns = (RUN_STAGES.c.run_id, RUN_STAGES.c.outputs, RUN_STAGES.c.facts)
    where = and_(RUN_STAGES.c.run_id.in_(list(run_ids)), RUN_STAGES.c.stage == "inference")
    return {row["run_id"]: row for row in connection.execute(select(*columns).where(where)).mappings()}


def looks(connection: Connection, rows_key: str, *, also: str | None = None) -> Sequence[RowMapping]:
    """Every run that showed a result on these rows, oldest first; deleted ones too, and `also`, which is about to."""
    shown = or_(RUNS.c.status == "succeeded", RUNS.c.id == also) if also is not None else RUNS.c.status == "succeeded"
    where = and_(RUNS.c.rows_key == rows_key, shown)
    return connection.execute(select(RUNS.c.id, RUNS.c.created_at, *_identity()).where(where).order_by(RUNS.c.id)).mappings().all()


def rows_of(connection: Connection, rows_key: str) -> int | None:
    """How many test rows there are under a key."""
    joined = RUN_STAGES.join(RUNS, RUNS.c.id == RUN_STAGES.c.run_id)
    where = and_(RUNS.c.rows_key == rows_key, RUN_STAGES.c.stage == "processing")
    facts = connection.execute(select(RUN_STAGES.c.facts).select_from(joined).where(where).limit(1)).scalar_one_or_none()
    found = (facts or {}).get("rows", {}).get("test")
    return None if found is None else int(found)


def row_sets(connection: Connection, dataset: str) -> Sequence[RowMapping]:
    """Test rows that runs on a dataset were scored on, those looked at last first: the key and when the newest run was made."""
    columns = (RUNS.c.rows_key, func.max(RUNS.c.created_at).label("newest"))
    where = and_(RUNS.c.status == "succeeded", RUNS.c.rows_key.is_not(None), series(RUNS.c.dataset, dataset))
    statement = select(*columns).where(where).group_by(RUNS.c.rows_key).order_by(func.max(RUNS.c.created_at).desc())
    return connection.execute(statement).mappings().all()


def rows_key_of(connection: Connection, run_id: str) -> str | None:
    """The key of the rows that a run scored, or is scoring; None where its rows are not known yet."""
    found: str | None = connection.execute(select(RUNS.c.rows_key).where(RUNS.c.id == run_id)).scalar_one_or_none()
    return found


def looks_tag(connection: Connection, run_id: str) -> str:
    """A text that changes whenever the rows of a run are looked at once more."""
    key = select(RUNS.c.rows_key).where(RUNS.c.id == run_id).scalar_subquery()
    where = and_(RUNS.c.rows_key == key, RUNS.c.status == "succeeded")
    row = connection.execute(select(func.count(), func.max(RUNS.c.id)).where(where)).one()
    return f"{row[0]}-{row[1] or ''}"
