"""Content hashes of files, remembered by size, time of change and inode, so that a rerun does not read gigabytes to learn nothing is new."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from pathlib import Path

from mtf.plugins import SourceContext
from mtf.storage.store import hash_file

_KEEP = 1_000
_SETTLED = 2_000_000_000
"""Nanoseconds: a file changed more recently may change again within the same tick of its clock, so its hash is not remembered."""

_known: dict[str, str] = {}


def content_hash(path: Path, context: SourceContext) -> str:
    """SHA-256 of the file in hexadecimal."""
    found = path.stat()
    key = f"{path.resolve()}|{found.st_size}|{found.st_mtime_ns}|{found.st_ino}"
    if key in _known:
        return _known[key]
    memo = None if context.uploads is None else context.uploads.parent / "memo" / "file-hashes.json"
    digest = _load(memo).get(key)
    if digest is None:
        digest = hash_file(path)[0]
        if time.time_ns() - found.st_mtime_ns < _SETTLED or path.stat().st_mtime_ns != found.st_mtime_ns:
            return digest
        _store(memo, key, digest)
    _known[key] = digest
    return digest


def _load(memo: Path | None) -> dict[str, str]:
    if memo is None:
        return {}
    try:
        found = json.loads(memo.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _store(memo: Path | None, key: str, digest: str) -> None:
    """Add one entry and keep the newest thousand. A memo that cannot be written only costs time, so that is no error."""
    if memo is None:
        return
    entries = _load(memo)
    entries[key] = digest
    kept = dict(list(entries.items())[-_KEEP:])
    draft = memo.with_name(f".{memo.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        memo.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(kept))
        draft.replace(memo)
