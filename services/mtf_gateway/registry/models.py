"""Models: named series of immutable versions, and aliases that move between them by compare-and-swap."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping

from mtf.contracts.reference import Reference
from mtf.contracts.registry import ModelVersionView, Page
from mtf.errors import ConflictError, NotFoundError
from mtf_gateway.db import registry as sql
from mtf_gateway.db.engine import Database
from mtf_gateway.db.registry import MODEL_VERSIONS, MODELS
from mtf_gateway.registry.names import check_name, from_cursor, from_number_cursor, stamp, to_cursor


@dataclass(frozen=True)
class NewModel:
    """What a model version is made of: a file by reference, or an endpoint, which has none."""

    format: str
    source: dict[str, Any]
    artifact: Reference | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """`labels`, `threshold` and the like, as a run file's model section names them."""


def model_view(row: RowMapping, aliases: dict[str, int]) -> ModelVersionView:
    """A row as the API shows it, with the aliases that name it."""
    return ModelVersionView(
        name=row["name"],
        version=row["version"],
        format=row["format"],
        created_by=row["created_by"],
        created_at=stamp(row["created_at"]),
        aliases=sorted(alias for alias, version in aliases.items() if version == row["version"]),
        source=row["source"],
        artifact=None if row["artifact"] is None else Reference.model_validate(row["artifact"]),
    )


class Models:
    """The model registry of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, new: NewModel, *, created_by: str) -> tuple[ModelVersionView, bool]:
        """Register a version; the flag tells whether it is new. The newest version's very file and settings again are that version."""
        check_name(name)
        values = {
            "format": new.format,
            "source": new.source,
            "artifact": None if new.artifact is None else new.artifact.model_dump(mode="json"),
            "settings": new.settings,
            "created_by": created_by,
            "created_at": time.time(),
        }
        return await self._database.write(lambda connection: _register(connection, name, values))

    async def find(self, name: str, which: int | str | None = None) -> ModelVersionView:
        """One version by its number or by an alias, the newest by default. Raises NotFoundError."""

        def work(connection: Connection) -> tuple[RowMapping | None, dict[str, int]]:
            aliases = sql.aliases_of(connection, name)
            if which is None:
                return sql.newest(connection, MODEL_VERSIONS, name), aliases
            version = aliases.get(which) if isinstance(which, str) else which
            return (None if version is None else sql.find_version(connection, MODEL_VERSIONS, name, version)), aliases

        check_name(name)
        row, aliases = await self._database.read(work)
        if row is None:
            what = name if which is None else f"{name}@{which}"
            raise NotFoundError(f"there is no model `{what}`", field="name", found=what, fix="GET /v1/models lists what there is")
        return model_view(row, aliases)

    async def list_newest(self, *, cursor: str | None, limit: int) -> Page[ModelVersionView]:
        """The newest version of every model, by name."""
        after = from_cursor(cursor)

        def work(connection: Connection) -> list[ModelVersionView]:
            rows = sql.list_newest(connection, MODEL_VERSIONS, after=after, limit=limit + 1)
            return [model_view(row, sql.aliases_of(connection, row["name"])) for row in rows]

        views = await self._database.read(work)
        return Page(items=views[:limit], cursor=to_cursor(views[limit - 1].name) if len(views) > limit else None)

    async def list_versions(self, name: str, *, cursor: str | None, limit: int) -> Page[ModelVersionView]:
        """Versions of one model, newest first. Raises NotFoundError for a model without any."""
        await self.find(name)
        below = from_number_cursor(cursor)

        def work(connection: Connection) -> list[ModelVersionView]:
            aliases = sql.aliases_of(connection, name)
            rows = sql.list_versions(connection, MODEL_VERSIONS, name, below=below, limit=limit + 1)
            return [model_view(row, aliases) for row in rows]

        views = await self._database.read(work)
        return Page(items=views[:limit], cursor=to_cursor(views[limit - 1].version) if len(views) > limit else None)

    async def point(self, name: str, alias: str, version: int, *, expected: int | None, anywhere: bool, by: str) -> ModelVersionView:
        """Point an alias at a version. `expected` is where it must stand now (None: it must not exist); `anywhere` waives that.

        Raises NotFoundError for a version that is not there, ConflictError when the alias stands elsewhere.
        """
        check_name(alias, "alias")
        await self.find(name, version)

        def work(connection: Connection) -> int | None:
            sql.lock_series(connection, MODELS, name)
            now = sql.aliases_of(connection, name).get(alias)
            before = now if anywhere else expected
            if now != before:
                return now or 0
            sql.move_alias(connection, name, alias, version, expected=before, by=by, now=time.time())
            return None

        stands = await self._database.write(work)
        if stands is not None:
            raise ConflictError(
                f"`{name}@{alias}` stands at {f'version {stands}' if stands else 'no version'}, not where you expected it",
                field="expected",
                found=str(stands or None),
                fix="read the alias again and decide anew",
            )
        return await self.find(name, version)

    async def drop_alias(self, name: str, alias: str) -> None:
        """Forget an alias. Raises NotFoundError."""
        check_name(name)
        check_name(alias, "alias")
        if not await self._database.write(lambda connection: sql.delete_alias(connection, name, alias)):
            raise NotFoundError(f"there is no alias `{name}@{alias}`", field="alias", found=alias, fix="GET /v1/models lists what there is")

    async def delete(self, name: str, version: int) -> None:
        """Forget a version; its number is not given again. Raises ConflictError while an alias or a run names it."""
        view = await self.find(name, version)
        label = f"{name}@{version}"
        if view.aliases:
            raise ConflictError(
                f"an alias names {label}", field="version", found=", ".join(view.aliases), fix="move or delete the alias first"
            )

        def work(connection: Connection) -> None:
            sql.lock_series(connection, MODELS, name)
            count, ids = sql.runs_that_name(connection, "model", label)
            if count:
                raise ConflictError(
                    f"{count} {'run uses' if count == 1 else 'runs use'} {label}",
                    field="version",
                    found=", ".join(ids),
                    fix="delete those runs first, or keep the version",
                )
            sql.delete_version(connection, MODEL_VERSIONS, name, version)

        await self._database.write(work)


def _register(connection: Connection, name: str, values: dict[str, Any]) -> tuple[ModelVersionView, bool]:
    sql.open_series(connection, MODELS, name, created_by=values["created_by"], now=values["created_at"])
    newest = sql.newest(connection, MODEL_VERSIONS, name)
    aliases = sql.aliases_of(connection, name)
    if newest is not None and all(newest[key] == values[key] for key in ("format", "source", "artifact", "settings")):
        return model_view(newest, aliases), False
    row = sql.add_version(connection, MODELS, MODEL_VERSIONS, name, values)
    return model_view(row, aliases), True
