"""What a run file may name instead of giving it: registered versions, uploads, earlier runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from mtf.contracts.reference import Reference
from mtf.errors import SpecError
from mtf_gateway.db import registry, runs
from mtf_gateway.db.engine import Database
from mtf_gateway.db.tables import DATASET_VERSIONS, MODEL_VERSIONS


@dataclass(frozen=True)
class Earlier:
    """An earlier run, as a baseline sees it."""

    id: str
    name: str
    data_digest: str | None
    rows_key: str | None
    scored: Reference
    labels: list[Any] | None


class Lookup:
    """Questions to one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def dataset(self, text: str, field: str = "dataset") -> RowMapping:
        """A dataset version by `name@3`, or the newest by `name`. Raises SpecError."""
        name, number = _split(text, field)

        def work(connection: Connection) -> RowMapping | None:
            if number is None:
                return registry.newest(connection, DATASET_VERSIONS, name)
            return registry.find_version(connection, DATASET_VERSIONS, name, int(number)) if number.isdigit() else None

        found = await self._database.read(work)
        if found is None:
            raise SpecError(f"there is no dataset `{text[:200]}`", field=field, found=text, fix="`mtf datasets list` shows what there is")
        return found

    async def model(self, text: str, field: str = "model") -> RowMapping:
        """A model version by `name@3`, by `name@alias`, or the newest by `name`. Raises SpecError."""
        name, which = _split(text, field)

        def work(connection: Connection) -> RowMapping | None:
            if which is None:
                return registry.newest(connection, MODEL_VERSIONS, name)
            number = int(which) if which.isdigit() else registry.aliases_of(connection, name).get(which)
            return None if number is None else registry.find_version(connection, MODEL_VERSIONS, name, number)

        found = await self._database.read(work)
        if found is None:
            raise SpecError(f"there is no model `{text[:200]}`", field=field, found=text, fix="`mtf models list` shows what there is")
        return found

    async def upload(self, digest: object, field: str) -> tuple[Reference, str | None]:
        """An uploaded file by digest, and the name it came with. Raises SpecError."""
        row = None
        if isinstance(digest, str):
            row = await self._database.read(lambda connection: registry.find_upload(connection, digest.lower()))
        if row is None:
            raise SpecError("no file with this digest was uploaded", field=field, found=digest, fix="upload it: PUT /v1/uploads/DIGEST")
        return Reference(ref=row["ref"], sha256=row["digest"], size=row["size"]), row["name"]

    async def run(self, run_id: str, *, only_succeeded: bool = True) -> Earlier | None:
        """A run by id whose predictions are stored."""

        def work(connection: Connection) -> Earlier | None:
            row = runs.find_run(connection, run_id)
            if row is None or (only_succeeded and row["status"] != "succeeded"):
                return None
            return _earlier(connection, row)

        return await self._database.read(work)

    async def named(self, name: str, before: str, limit: int = 20) -> list[Earlier]:
        """Succeeded runs of a name that are older than the id `before`, newest first."""

        def work(connection: Connection) -> list[Earlier]:
            found = (_earlier(connection, row) for row in runs.succeeded_before(connection, name, before, limit))
            return [earlier for earlier in found if earlier is not None]

        return await self._database.read(work)

    async def output(self, run_id: str, stage: str, output: str) -> Reference | None:
        """An output of a run's stage."""
        rows = await self._database.read(lambda connection: runs.stages_of(connection, [run_id]))
        found = next((row["outputs"].get(output) for row in rows if row["stage"] == stage), None)
        return None if found is None else Reference.model_validate(found)


def _earlier(connection: Connection, row: RowMapping) -> Earlier | None:
    for stage in runs.stages_of(connection, [row["id"]]):
        scored = stage["outputs"].get("test.scored")
        if stage["stage"] == "inference" and scored is not None:
            reference, labels = Reference.model_validate(scored), stage["facts"].get("labels")
            return Earlier(row["id"], row["name"], row["data_digest"], row["rows_key"], reference, labels)
    return None


def _split(text: str, field: str) -> tuple[str, str | None]:
    """`name@version` in its two parts. A number of absurd length is no version, and no 64-bit integer either."""
    name, at, version = text.partition("@")
    if not name or (at and not version) or (version.isdigit() and len(version) > len("999999999")) or "\0" in text:
        raise SpecError("that names no version", field=field, found=text, fix="write `name`, `name@3` or `name@alias`")
    return name, version or None
