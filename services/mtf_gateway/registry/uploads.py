"""Files by digest: written beside the target, published by rename when the digest holds, so that nothing half-written is ever seen."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from mtf.contracts.reference import Reference
from mtf.contracts.registry import Upload
from mtf.errors import DataError, LimitError, NotFoundError, SpecError
from mtf.storage.store import LocalStore
from mtf_gateway.registry.sniff import HEAD, sniff

FOLDER = "uploads"
DRAFT = ".draft-"
BLOCK = 1 << 20
DRAFT_LIFE = 24 * 3600.0
"""Seconds after which a draft has been left behind by a process that died."""


class UploadRecords(Protocol):
    """Where uploads are remembered."""

    async def find(self, digest: str) -> Upload | None:
        """The upload of that digest, or None."""
        ...

    async def add(self, upload: Upload, *, ref: str, created_by: str) -> Upload:
        """Remember an upload; the first one of a digest stays."""
        ...


def safe_name(name: str | None) -> str | None:
    """A file name that can be shown and logged: its last part, without control or path characters, at most 200 characters."""
    if name is None:
        return None
    last = re.split(r"[/\\]", name)[-1]
    clean = re.sub(r"[^\w. ()+@=-]", "_", last).strip(". ")
    return clean[:200] or None


def check_digest(digest: str, field: str = "digest") -> str:
    """The digest in lower case. Raises SpecError when it is no SHA-256."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise SpecError(
            "that is no SHA-256 digest", field=field, found=digest, fix="give 64 hexadecimal characters, as `sha256sum FILE` prints them"
        )
    return digest.lower()


@dataclass
class _Draft:
    """A file on its way in."""

    path: Path
    file: BinaryIO
    digest: hashlib._Hash
    size: int = 0
    head: bytes = b""

    def write(self, block: bytes) -> None:
        self.file.write(block)
        self.digest.update(block)
        self.size += len(block)
        if len(self.head) < HEAD:
            self.head += block[: HEAD - len(self.head)]

    def close(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


class Uploads:
    """Uploaded files of one store. `limit` is the largest size of one file in bytes."""

    def __init__(self, store: LocalStore, records: UploadRecords, *, limit: int) -> None:
        self._store, self._records, self.limit = store, records, limit

    async def find(self, digest: str) -> Upload:
        """The upload of a digest whose bytes are there. Raises NotFoundError."""
        digest = check_digest(digest)
        upload = await self._records.find(digest)
        if upload is None or not await asyncio.to_thread(self._store.exists, self.reference(upload).ref):
            raise NotFoundError(
                "no file with this digest was uploaded", field="digest", found=digest, fix="upload it: PUT /v1/uploads/DIGEST"
            )
        return upload

    @staticmethod
    def reference(upload: Upload) -> Reference:
        """Where the bytes of an upload lie."""
        return Reference(ref=f"data:{FOLDER}/{upload.digest}", sha256=upload.digest, size=upload.size)

    async def receive(
        self,
        chunks: AsyncIterable[bytes],
        *,
        created_by: str,
        digest: str | None = None,
        name: str | None = None,
        announced: int | None = None,
    ) -> Upload:
        """Store a stream. Raises LimitError as soon as it passes the limit, and DataError when it has another digest than `digest`."""
        self._within(announced or 0)
        folder = await asyncio.to_thread(self._store.folder, "data", FOLDER)
        path = folder / f"{DRAFT}{secrets.token_hex(8)}"
        try:
            draft = await self._write(path, chunks)
            found = draft.digest.hexdigest()
            if digest is not None and found != check_digest(digest):
                raise DataError(
                    "the bytes that arrived have another digest", field="digest", found=found, fix="upload the file again, unchanged"
                )
            if draft.size == 0:
                raise DataError("the upload is empty", field="body", found="0 bytes", fix="send the file's bytes as the request body")
            await asyncio.to_thread(path.replace, folder / found)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        upload = Upload(digest=found, size=draft.size, name=safe_name(name), kind=sniff(draft.head))
        return await self._records.add(upload, ref=self.reference(upload).ref, created_by=created_by)

    def _within(self, size: int) -> None:
        if size > self.limit:
            raise LimitError(
                "the file is larger than uploads may be",
                field="body",
                found=f"{size:,} bytes or more",
                fix=f"the limit is {self.limit:,} bytes; raise MTF_UPLOAD_LIMIT, or let acquisition read it from MTF_IMPORT_DIR",
            )

    async def _write(self, path: Path, chunks: AsyncIterable[bytes]) -> _Draft:
        """Write in blocks of a mebibyte, each in a thread, so that the loop never waits for the disk."""
        draft = _Draft(path, await asyncio.to_thread(path.open, "xb"), hashlib.sha256())
        buffer = bytearray()
        try:
            async for chunk in chunks:
                buffer += chunk
                self._within(draft.size + len(buffer))
                if len(buffer) >= BLOCK:
                    await asyncio.to_thread(draft.write, bytes(buffer))
                    buffer.clear()
            await asyncio.to_thread(draft.write, bytes(buffer))
            await asyncio.to_thread(draft.close)
        finally:
            draft.file.close()
        return draft

    async def sweep(self) -> int:
        """Remove drafts that dead processes left behind; the number of them."""

        def remove() -> int:
            removed, oldest = 0, time.time() - DRAFT_LIFE
            for path in self._store.folder("data", FOLDER).glob(f"{DRAFT}*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()
                        removed += 1
            return removed

        return await asyncio.to_thread(remove)
