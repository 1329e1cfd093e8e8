"""Folders of attempts: locked while their worker lives, so that whoever finds one without a holder may remove it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mtf.contracts.reference import Manifest, Reference, StageName
from mtf.errors import StageCrashError
from mtf.storage.publication import PREFIX, Attempt, read_manifest
from mtf.storage.store import LocalStore

YOUNG = 10.0
"""Seconds in which a folder without a lock may still belong to somebody who is about to lock it."""


class HeldAttempt:
    """An attempt whose folder this process holds a lock on; the kernel lets go of it when the process dies."""

    def __init__(self, store: LocalStore, stage: StageName, fingerprint: str, epoch: int) -> None:
        self._attempt = Attempt(store, stage, fingerprint, epoch)
        self.folder = self._attempt.folder
        self._lock = os.open(self.folder, os.O_RDONLY)
        with contextlib.suppress(OSError):  # a file system without locks: its dead folders stay
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def publish(self, outputs: Mapping[str, str], **fields: Any) -> tuple[Manifest, Reference]:
        """Publish, or remove everything when that fails. Raises StageCrashError for an output that is no plain file of the folder."""
        for name, file in outputs.items():
            path = self.folder / file
            if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(self.folder.resolve()):
                raise StageCrashError(f"the stage named an output `{name}` that it did not write", found=file)
        try:
            return self._attempt.publish(outputs, **fields)
        except BaseException:  # also a cancel: files that no manifest names must not stay
            shutil.rmtree(self.folder.with_name(self._attempt.nonce), ignore_errors=True)
            raise

    def close(self) -> None:
        """Remove what was not published, and let go."""
        self._attempt.discard()
        os.close(self._lock)
        with contextlib.suppress(OSError):  # holds something
            self.folder.parent.rmdir()


def record_start(store: LocalStore, fingerprint: str, **fields: Any) -> None:
    """Append one line per started child to `logs:starts/<fingerprint>`: how often a key was computed can be counted from outside."""
    path = store.path(f"logs:starts/{fingerprint}")
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"at": time.time(), "pid": os.getpid(), **fields}).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def sweep(store: LocalStore, stage: StageName, fingerprint: str | None = None, *, young: float = YOUNG) -> int:
    """Remove folders that dead workers left, of one fingerprint or of the whole stage. Returns how many went."""
    area, folder = PREFIX[stage]
    root = store.path(f"{area}:{folder}")
    keys = [fingerprint] if fingerprint else sorted(path.name for path in root.glob("*")) if root.is_dir() else []
    return sum(_sweep_key(store, stage, root, key, young) for key in keys)


def _sweep_key(store: LocalStore, stage: StageName, root: Path, key: str, young: float) -> int:
    gone = 0
    for path in (root / key).glob("*") if (root / key).is_dir() else ():
        if path.is_dir() and _old(path, young) and not _named(store, stage, key, path) and _free(path):
            shutil.rmtree(path, ignore_errors=True)
            gone += 1
    return gone


def _old(path: Path, young: float) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > young
    return False


def _named(store: LocalStore, stage: StageName, key: str, path: Path) -> bool:
    """Whether the manifest names files of this folder."""
    if path.name.startswith(".attempt-"):
        return False
    published = read_manifest(store, stage, key)
    return published is not None and any(f"/{path.name}/" in one.ref for one in published[0].outputs.values())


def _free(path: Path) -> bool:
    """Whether no living process holds the folder."""
    with contextlib.suppress(OSError), _opened(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
