"""Datasets: named series of immutable versions. A version is registered by its content digest, after acquisition has read it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection, RowMapping

from mtf.contracts.job import JobResult
from mtf.contracts.reference import Reference
from mtf.contracts.registry import DatasetVersionView, Page
from mtf.contracts.stages import Roles
from mtf.errors import ConflictError, NotFoundError
from mtf_gateway.db import registry as sql
from mtf_gateway.db.engine import Database
from mtf_gateway.db.registry import DATASET_VERSIONS, DATASETS
from mtf_gateway.registry.fields import outside_a_run
from mtf_gateway.registry.names import check_name, from_cursor, from_number_cursor, stamp, to_cursor

Acquire = Callable[[dict[str, Any]], Awaitable[JobResult]]
"""Runs the acquisition of a section `{source, types, expect}` to its end. Raises what went wrong."""


def dataset_view(row: RowMapping) -> DatasetVersionView:
    """A row as the API shows it."""
    return DatasetVersionView(
        name=row["name"],
        version=row["version"],
        digest=row["digest"],
        rows=row["rows"],
        created_by=row["created_by"],
        created_at=stamp(row["created_at"]),
        roles=row["roles"],
        data=Reference.model_validate(row["data"]),
        facts=row["facts"],
    )


class Datasets:
    """The dataset registry of one database."""

    def __init__(self, database: Database, acquire: Acquire) -> None:
        self._database, self._acquire = database, acquire

    async def create(self, name: str, section: dict[str, Any], roles: Roles, *, created_by: str) -> tuple[DatasetVersionView, bool]:
        """Acquire a source and register what was read; the flag tells whether that made a new version.

        The same content with the same roles as the newest version is that version.
        """
        check_name(name)
        with outside_a_run("dataset."):
            result = await self._acquire(section)
        said = roles.model_dump(mode="json", exclude_defaults=True)
        values = {
            "digest": result.facts["digest"],
            "rows": result.facts["rows"],
            "roles": said,
            "source": result.facts.get("provenance", {}),
            "data": result.outputs["data"].model_dump(mode="json"),
            "facts": result.facts,
            "manifest": result.manifest.model_dump(mode="json"),
            "created_by": created_by,
            "created_at": time.time(),
        }
        row, created = await self._database.write(lambda connection: _register(connection, name, values))
        return dataset_view(row), created

    async def find(self, name: str, version: int | None = None) -> DatasetVersionView:
        """One version, the newest by default. Raises NotFoundError."""

        def work(connection: Connection) -> RowMapping | None:
            if version is None:
                return sql.newest(connection, DATASET_VERSIONS, name)
            return sql.find_version(connection, DATASET_VERSIONS, name, version)

        check_name(name)
        row = await self._database.read(work)
        if row is None:
            what = name if version is None else f"{name}@{version}"
            raise NotFoundError(f"there is no dataset `{what}`", field="name", found=what, fix="GET /v1/datasets lists what there is")
        return dataset_view(row)

    async def list_newest(self, *, cursor: str | None, limit: int) -> Page[DatasetVersionView]:
        """The newest version of every dataset, by name."""
        after = from_cursor(cursor)
        rows = await self._database.read(lambda c: sql.list_newest(c, DATASET_VERSIONS, after=after, limit=limit + 1))
        items = [dataset_view(row) for row in rows[:limit]]
        return Page(items=items, cursor=to_cursor(items[-1].name) if len(rows) > limit else None)

    async def list_versions(self, name: str, *, cursor: str | None, limit: int) -> Page[DatasetVersionView]:
        """Versions of one dataset, newest first. Raises NotFoundError for a dataset without any."""
        await self.find(name)
        below = from_number_cursor(cursor)
        rows = await self._database.read(lambda c: sql.list_versions(c, DATASET_VERSIONS, name, below=below, limit=limit + 1))
        items = [dataset_view(row) for row in rows[:limit]]
        return Page(items=items, cursor=to_cursor(items[-1].version) if len(rows) > limit else None)

    async def delete(self, name: str, version: int) -> None:
        """Forget a version; its number is not given again. Raises ConflictError while a run names it."""
        await self.find(name, version)
        label = f"{name}@{version}"

        def work(connection: Connection) -> None:
            sql.lock_series(connection, DATASETS, name)
            count, ids = sql.runs_that_name(connection, "dataset", label)
            if count:
                raise ConflictError(
                    f"{count} {'run uses' if count == 1 else 'runs use'} {label}",
                    field="version",
                    found=", ".join(ids),
                    fix="delete those runs first, or keep the version",
                )
            sql.delete_version(connection, DATASET_VERSIONS, name, version)

        await self._database.write(work)


def _register(connection: Connection, name: str, values: dict[str, Any]) -> tuple[RowMapping, bool]:
    sql.open_series(connection, DATASETS, name, created_by=values["created_by"], now=values["created_at"])
    newest = sql.newest(connection, DATASET_VERSIONS, name)
    if newest is not None and newest["digest"] == values["digest"] and newest["roles"] == values["roles"]:
        return newest, False
    row = sql.add_version(connection, DATASETS, DATASET_VERSIONS, name, values)
    return row, True
