"""First-wins publication: attempts write beside each other, a manifest written last says which one counts.

artifacts:inference/<fingerprint>/.attempt-<epoch>-<nonce>/   what one attempt writes
artifacts:inference/<fingerprint>/<nonce>/test.scored.parquet where the winner's files lie
artifacts:inference/<fingerprint>/manifest.json               created with link(2), which fails when it exists: the first one wins
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mtf.contracts.reference import Manifest, Reference, StageName
from mtf.storage.store import LocalStore, hash_file

PREFIX: Mapping[StageName, tuple[str, str]] = {
    "acquisition": ("data", "raw"),
    "processing": ("data", "processed"),
    "inference": ("artifacts", "inference"),
    "evaluation": ("artifacts", "evaluation"),
}
"""Where each stage publishes: area and first folder."""


def manifest_ref(stage: StageName, fingerprint: str) -> str:
    """The reference of the manifest that publishes `fingerprint`."""
    area, folder = PREFIX[stage]
    return f"{area}:{folder}/{fingerprint}/manifest.json"


def read_manifest(store: LocalStore, stage: StageName, fingerprint: str) -> tuple[Manifest, Reference] | None:
    """The published manifest and its own reference, or None. A manifest whose outputs are gone does not count."""
    ref = manifest_ref(stage, fingerprint)
    path = store.path(ref)
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    for output in manifest.outputs.values():
        try:
            if store.path(output.ref).stat().st_size != output.size:
                return None
        except FileNotFoundError:
            return None
    sha256, size = hash_file(path)
    return manifest, Reference(ref=ref, sha256=sha256, size=size)


class Attempt:
    """One try at one fingerprint: a folder to write into, then `publish` or `discard`."""

    def __init__(self, store: LocalStore, stage: StageName, fingerprint: str, epoch: int) -> None:
        self.store, self.stage, self.fingerprint = store, stage, fingerprint
        self.area, folder = PREFIX[stage]
        self.key = f"{folder}/{fingerprint}"
        self.nonce = f"{epoch}-{secrets.token_hex(4)}"
        self.folder: Path = store.folder(self.area, self.key) / f".attempt-{self.nonce}"
        self.folder.mkdir(parents=True)

    def publish(self, outputs: Mapping[str, str], **fields: Any) -> tuple[Manifest, Reference]:
        """Publish the named files of the folder. When another attempt was first, its manifest is returned and ours is discarded."""
        references = {}
        for name, file in outputs.items():
            path = self.folder / file
            _sync(path)
            sha256, size = hash_file(path)
            references[name] = Reference(ref=f"{self.area}:{self.key}/{self.nonce}/{file}", sha256=sha256, size=size)
        final = self.folder.with_name(self.nonce)
        self.folder.replace(final)
        manifest = Manifest(stage=self.stage, fingerprint=self.fingerprint, outputs=references, **fields)
        target = self.store.path(manifest_ref(self.stage, self.fingerprint))
        draft = target.with_name(f".manifest-{self.nonce}")
        draft.write_bytes(manifest.model_dump_json(indent=1).encode())
        _sync(draft)
        try:
            won = self._link(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        if not won:
            shutil.rmtree(final, ignore_errors=True)
        _sync(target.parent)
        published = read_manifest(self.store, self.stage, self.fingerprint)
        if published is None:
            raise FileNotFoundError(target)
        return published

    def _link(self, draft: Path, target: Path) -> bool:
        try:
            os.link(draft, target)
        except FileExistsError:
            if read_manifest(self.store, self.stage, self.fingerprint) is not None:
                return False
            draft.replace(target)  # the manifest that stands there names files that are gone: it publishes nothing
        return True

    def discard(self) -> None:
        """Forget what was written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _sync(path: Path) -> None:
    """Force a file or a folder to the disk, so that a manifest never survives what it names."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
