"""SQL of uploads, datasets, models and aliases. Functions of one open connection: the caller owns the transaction.

A version number is given by one conditional UPDATE of the series' row, which both databases serialise; a number is never given twice,
because the row outlives its versions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, func, insert, literal, select, update

from mtf_gateway.db.tables import (
    DATASET_VERSIONS,
    DATASETS,
    MODEL_ALIASES,
    MODEL_VERSIONS,
    MODELS,
    RUNS,
    UPLOADS,
)

Row = dict[str, Any]


def insert_once(connection: Connection, table: Table, values: Row) -> bool:
    """Insert a row; False when one with its key stands there already."""
    insert = _insert_of(connection.dialect.name)
    # What comes back says whether a row was made; a driver's row count of an INSERT says nothing reliable.
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(statement).scalar_one_or_none() is not None


def _insert_of(dialect: str) -> Callable[[Table], Any]:
    """The INSERT that knows ON CONFLICT. Imported on use: the embedded form never pays for PostgreSQL's dialect."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert


def find_upload(connection: Connection, digest: str) -> RowMapping | None:
    """The upload of a digest."""
    return connection.execute(select(UPLOADS).where(UPLOADS.c.digest == digest)).mappings().one_or_none()


def add_version(connection: Connection, series: Table, versions: Table, name: str, values: Row) -> RowMapping:
    """Add a version under the next number of a series that is there. Locks the series until the transaction ends."""
    statement = update(series).where(series.c.name == name).values(latest=series.c.latest + 1).returning(series.c.latest)
    number = connection.execute(statement).scalar_one()
    return connection.execute(insert(versions).values(name=name, version=number, **values).returning(versions)).mappings().one()


def open_series(connection: Connection, series: Table, name: str, *, created_by: str, now: float) -> None:
    """Make the series where it is missing, and lock it: reading its newest version and adding one then happen as one."""
    insert_once(connection, series, {"name": name, "created_by": created_by, "created_at": now})
    lock_series(connection, series, name)


def lock_series(connection: Connection, series: Table, name: str) -> None:
    """Take the row lock of a series until the transaction ends."""
    connection.execute(update(series).where(series.c.name == name).values(latest=series.c.latest))


def newest(connection: Connection, versions: Table, name: str) -> RowMapping | None:
    """The version with the highest number."""
    statement = select(versions).where(versions.c.name == name).order_by(versions.c.version.desc()).limit(1)
    return connection.execute(statement).mappings().one_or_none()


def find_version(connection: Connection, versions: Table, name: str, version: int) -> RowMapping | None:
    """One version by its number."""
    statement = select(versions).where(versions.c.name == name, versions.c.version == version)
    return connection.execute(statement).mappings().one_or_none()


def list_versions(connection: Connection, versions: Table, name: str, *, below: int | None, limit: int) -> Sequence[RowMapping]:
    """Versions of a series, newest first, with numbers under `below`."""
    statement = select(versions).where(versions.c.name == name)
    if below is not None:
        statement = statement.where(versions.c.version < below)
    return connection.execute(statement.order_by(versions.c.version.desc()).limit(limit)).mappings().all()


def list_newest(connection: Connection, versions: Table, *, after: str | None, limit: int) -> Sequence[RowMapping]:
    """The newest version of every series that has one, by name, behind the name `after`."""
    top = select(versions.c.name, func.max(versions.c.version).label("version")).group_by(versions.c.name)
    if after is not None:
        top = top.where(versions.c.name > after)
    top_rows = top.order_by(versions.c.name).limit(limit).subquery()
    joined = versions.join(top_rows, (versions.c.name == top_rows.c.name) & (versions.c.version == top_rows.c.version))
    return connection.execute(select(versions).select_from(joined).order_by(versions.c.name)).mappings().all()


def delete_version(connection: Connection, versions: Table, name: str, version: int) -> bool:
    """Forget one version; whether it was there."""
    return connection.execute(delete(versions).where(versions.c.name == name, versions.c.version == version)).rowcount == 1


def runs_that_name(connection: Connection, column: str, label: str, limit: int = 3) -> tuple[int, list[str]]:
    """How many kept runs name this dataset or model version, and the newest few of them."""
    where = (RUNS.c[column] == label) & RUNS.c.deleted_at.is_(None)
    count = int(connection.execute(select(func.count()).select_from(RUNS).where(where)).scalar_one())
    ids = connection.execute(select(RUNS.c.id).where(where).order_by(RUNS.c.id.desc()).limit(limit)).scalars().all()
    return count, list(ids)


def aliases_of(connection: Connection, name: str) -> dict[str, int]:
    """Aliases of a model with the versions they name."""
    rows = connection.execute(select(MODEL_ALIASES.c.alias, MODEL_ALIASES.c.version).where(MODEL_ALIASES.c.name == name))
    return {row.alias: row.version for row in rows}


def move_alias(connection: Connection, name: str, alias: str, version: int, *, expected: int | None, by: str, now: float) -> bool:
    """Point an alias from the version `expected` (None: from nowhere) to `version` in one statement; False when it stood elsewhere."""
    if expected is None:
        values = {
            "name": name,
            "alias": alias,
            "version": version,
            "created_by": by,
            "created_at": now,
            "updated_by": by,
            "updated_at": now,
        }
        return insert_once(connection, MODEL_ALIASES, values)
    here = (MODEL_ALIASES.c.name == name) & (MODEL_ALIASES.c.alias == alias) & (MODEL_ALIASES.c.version == expected)
    return connection.execute(update(MODEL_ALIASES).where(here).values(version=version, updated_by=by, updated_at=now)).rowcount == 1


def delete_alias(connection: Connection, name: str, alias: str) -> bool:
    """Forget an alias; whether it was there."""
    where = (MODEL_ALIASES.c.name == name) & (MODEL_ALIASES.c.alias == alias)
    return connection.execute(delete(MODEL_ALIASES).where(where)).rowcount == 1


__all__ = [
    "DATASETS",
    "DATASET_VERSIONS",
    "MODELS",
    "MODEL_VERSIONS",
    "UPLOADS",
    "add_version",
    "aliases_of",
    "delete_alias",
    "delete_version",
    "find_upload",
    "find_version",
    "insert_once",
    "list_newest",
    "list_versions",
    "lock_series",
    "move_alias",
    "newest",
    "open_series",
    "runs_that_name",
]
