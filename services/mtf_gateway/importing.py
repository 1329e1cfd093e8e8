"""Files become references: copied into an area by the digest of their bytes, once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Literal

from mtf.contracts.reference import Reference
from mtf.errors import DataError, NotFoundError, UsageError
from mtf.storage.store import BLOCK, LocalStore, hash_file

Place = Literal["model", "upload"]
FOLDERS: dict[Place, tuple[str, str]] = {"model": ("models", "sha256"), "upload": ("data", "uploads")}


def local_path(base: Path, written: str) -> Path:
    """The file that a run file in the folder `base` means by a path; `~/` is the user's home."""
    home = written.startswith("~/")
    return (Path.home() / written[2:] if home else base / written).absolute()


def is_file(path: Path) -> bool:
    """Whether a file stands there; False too for a name that no disk can hold."""
    with contextlib.suppress(OSError):
        return path.is_file()
    return False


def import_file(store: LocalStore, path: Path, place: Place, *, field: str) -> Reference:
    """Copy a file of this machine into its area under its digest; nothing is copied when it is there already.

    Raises NotFoundError, UsageError for what is no readable file, DataError for an empty one; each names `field`.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path.name} is a folder", field=field, found=str(path), fix="name a file")
        digest, size = hash_file(path)
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no file {path.name}", field=field, found=str(path), fix="paths are relative to the run file"
        ) from None
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}", field=field, found=str(path)) from None
    if size == 0:
        raise DataError(f"{path.name} is empty", field=field, found="0 bytes")
    area, folder = FOLDERS[place]
    reference = Reference(ref=f"{area}:{folder}/{digest}", sha256=digest, size=size)
    if not _holds(store, reference):
        _copy(path, store.path(reference.ref), digest)
    return reference


def move_upload(store: LocalStore, upload: Reference, place: Place) -> Reference:
    """The same bytes in another area, for a room that sees that area alone. Links where one disk holds both, else copies."""
    area, folder = FOLDERS[place]
    reference = Reference(ref=f"{area}:{folder}/{upload.sha256}", sha256=upload.sha256, size=upload.size)
    if _holds(store, reference):
        return reference
    source, target = store.path(upload.ref), store.path(reference.ref)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        # Uploads never change, so that two names for one file are safe.
        os.link(source, target)
    if not _holds(store, reference):
        _copy(source, target, upload.sha256)
    return reference


def head_of(store: LocalStore, reference: Reference, size: int = 4096) -> bytes:
    """The first bytes of a stored file, from which a loader can tell its format."""
    with store.open(reference.ref) as file:
        return file.read(size)


def _holds(store: LocalStore, reference: Reference) -> bool:
    try:
        return store.path(reference.ref).stat().st_size == reference.size
    except FileNotFoundError:
        return False


def _copy(source: Path, target: Path, digest: str) -> None:
    """Copy under a temporary name and rename when the bytes are still those that were hashed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".draft-{secrets.token_hex(8)}")
    found = hashlib.sha256()
    try:
        with source.open("rb") as reader, draft.open("xb") as writer:
            while block := reader.read(BLOCK):
                found.update(block)
                writer.write(block)
            writer.flush()
            os.fsync(writer.fileno())
        if found.hexdigest() != digest:
            raise DataError(f"{source.name} changed while it was read", found=str(source), fix="run again when nothing writes to it")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def publish_copy(source: Path, target: Path) -> None:
    """Put a stored file where a person looks for it: a second name for the same bytes, or a copy on another disk."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.link(source, draft)
    except OSError:
        shutil.copyfile(source, draft)
    draft.replace(target)
