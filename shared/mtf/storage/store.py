"""The four areas behind one interface, and the local one. S3 joins as another Store; nothing above asks which one it has."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from mtf.contracts.reference import Reference
from mtf.errors import NotFoundError, SpecError

BLOCK = 1 << 20


class Store(Protocol):
    """Bytes by reference."""

    def path(self, ref: str) -> Path:
        """A local path of what `area:key` names; where the area is remote, of a copy."""
        ...

    def folder(self, area: str, key: str) -> Path:
        """A local folder to write into, made when it is missing."""
        ...

    def open(self, ref: str) -> BinaryIO:
        """The bytes. Raises NotFoundError."""
        ...

    def put(self, area: str, key: str, chunks: Iterable[bytes]) -> Reference:
        """Write a file under a temporary name and publish it by rename."""
        ...

    def exists(self, ref: str) -> bool:
        """Whether the bytes are there."""
        ...

    def delete(self, ref: str) -> None:
        """Remove the bytes; nothing happens when they are gone already."""
        ...


class LocalStore:
    """Areas as folders of this machine. Roots are absolute; keys never leave them."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        self.roots = {area: root.absolute() for area, root in roots.items()}

    @classmethod
    def from_urls(cls, urls: Mapping[str, str]) -> LocalStore:
        """Areas from `file://` URLs or plain paths. Raises SpecError for another scheme."""
        roots = {}
        for area, url in urls.items():
            parts = urlsplit(url)
            if parts.scheme not in {"", "file"}:
                raise SpecError(
                    f"storage scheme `{parts.scheme}` is not installed", field=f"MTF_{area.upper()}_URL", found=url, fix="use file:///path"
                )
            roots[area] = Path(unquote(parts.path) if parts.scheme else url)
        return cls(roots)

    def path(self, ref: str) -> Path:
        """The absolute path of `area:key`. Raises SpecError for an unknown area or a key that would leave it."""
        area, _, key = ref.partition(":")
        root = self.roots.get(area)
        if root is None or not key or key.startswith("/") or any(part in {"", ".", ".."} for part in key.split("/")) or "\0" in key:
            raise SpecError("not a reference inside a storage area", field="ref", found=ref, fix="references read `area:key`")
        return root / key

    def folder(self, area: str, key: str) -> Path:
        """The folder `area:key`, made when it is missing."""
        path = self.path(f"{area}:{key}")
        path.mkdir(parents=True, exist_ok=True)
        return path

    def open(self, ref: str) -> BinaryIO:
        """The bytes behind `ref`."""
        try:
            return self.path(ref).open("rb")
        except FileNotFoundError:
            raise NotFoundError("the stored file is gone", field="ref", found=ref) from None

    def put(self, area: str, key: str, chunks: Iterable[bytes]) -> Reference:
        """Write `chunks` beside the target, then rename: a reader sees all of it or nothing."""
        target = self.path(f"{area}:{key}")
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        digest, size = hashlib.sha256(), 0
        try:
            with draft.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return Reference(ref=f"{area}:{key}", sha256=digest.hexdigest(), size=size)

    def exists(self, ref: str) -> bool:
        """Whether a file stands there."""
        return self.path(ref).is_file()

    def delete(self, ref: str) -> None:
        """Remove the file."""
        self.path(ref).unlink(missing_ok=True)


def hash_file(path: Path) -> tuple[str, int]:
    """SHA-256 in hexadecimal and size in bytes of a file, read in blocks."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size
