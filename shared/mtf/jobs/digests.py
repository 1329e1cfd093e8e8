"""Inputs are trusted by digest: the size is looked at each time, the bytes are hashed once per state of the file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from mtf.contracts.reference import Reference
from mtf.errors import PlatformError
from mtf.storage.store import Store, hash_file

CAPACITY = 10_000


class Digests:
    """SHA-256 by path, remembered for as long as size, modification time and inode stay. Safe to share between engines."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[tuple[int, int, int], str]] = OrderedDict()

    def of(self, path: Path) -> tuple[str, int]:
        """Digest in hexadecimal and size in bytes. Raises FileNotFoundError."""
        stat = path.stat()
        state = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        known = self._known.get(str(path))
        if known is not None and known[0] == state:
            return known[1], stat.st_size
        sha256, size = hash_file(path)
        self._known[str(path)] = (state, sha256)
        while len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return sha256, size

    def resolve(self, store: Store, inputs: Mapping[str, Reference]) -> dict[str, Path]:
        """Local paths of a job's inputs, after their digests were checked. Raises PlatformError that names the input."""
        return {name: self._checked(store, name, reference) for name, reference in inputs.items()}

    def _checked(self, store: Store, name: str, reference: Reference) -> Path:
        path = store.path(reference.ref)
        try:
            size = path.stat().st_size
            found = self.of(path)[0] if size == reference.size else f"{size:,} bytes instead of {reference.size:,}"
        except FileNotFoundError:
            raise PlatformError(
                f"the stored input `{name}` is gone",
                field=f"inputs.{name}",
                found=reference.ref,
                fix="run again: the stage before makes it anew",
            ) from None
        if found != reference.sha256:
            raise PlatformError(
                f"the stored input `{name}` is not what was stored: it was changed or is damaged",
                field=f"inputs.{name}",
                found=f"{reference.ref}: {found}",
                fix="delete the file and run again",
            )
        return path
