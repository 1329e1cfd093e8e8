"""Uploads as rows of the database."""

from __future__ import annotations

import time

from sqlalchemy import Connection, RowMapping

from mtf.contracts.registry import Upload
from mtf_gateway.db import registry as sql
from mtf_gateway.db.engine import Database
from mtf_gateway.db.registry import UPLOADS


class UploadTable:
    """The records of `Uploads` in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: str) -> Upload | None:
        """The upload of that digest, or None."""
        row = await self._database.read(lambda connection: sql.find_upload(connection, digest))
        return None if row is None else _view(row)

    async def add(self, upload: Upload, *, ref: str, created_by: str) -> Upload:
        """Remember an upload; the first one of a digest stays."""
        values = {**upload.model_dump(), "ref": ref, "created_by": created_by, "created_at": time.time()}

        def work(connection: Connection) -> Upload:
            sql.insert_once(connection, UPLOADS, values)
            row = sql.find_upload(connection, upload.digest)
            return upload if row is None else _view(row)

        return await self._database.write(work)


def _view(row: RowMapping) -> Upload:
    return Upload(digest=row["digest"], size=row["size"], name=row["name"], kind=row["kind"])
