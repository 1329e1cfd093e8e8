"""Brings a model file where the inference worker reads models, and asks that worker which loader opens it. Nothing is loaded here."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from mtf.contracts.reference import Reference
from mtf.jobs.worker import Worker
from mtf.storage.store import LocalStore
from mtf_gateway.importing import head_of, move_upload
from mtf_gateway.registry.fields import outside_a_run
from mtf_gateway.registry.models import NewModel
from mtf_gateway.registry.uploads import Uploads

DEFAULTS: dict[str, Any] = {"labels": None, "threshold": 0.5, "missing": "error"}
"""What a run's model section says when it says nothing."""


class ModelFiles:
    """Makes model versions out of uploads and endpoints. `remote` is the worker that may call out."""

    def __init__(self, store: LocalStore, uploads: Uploads, inference: Worker, remote: Worker) -> None:
        self._store, self._uploads, self._inference, self._remote = store, uploads, inference, remote

    async def from_upload(self, digest: str, *, declared: str | None, settings: dict[str, Any]) -> NewModel:
        """A version from an uploaded file. Raises SpecError when no loader knows its header, UnavailableError when the worker is down."""
        upload = await self._uploads.find(digest)
        return await self.from_file(self._uploads.reference(upload), upload.name, declared=declared, settings=settings)

    async def from_file(self, reference: Reference, name: str | None, *, declared: str | None, settings: dict[str, Any]) -> NewModel:
        """A version from a file that the store holds in any area."""
        source: dict[str, Any] = {"type": "upload", "digest": reference.sha256}
        if declared is not None:
            source["format"] = declared
        head = await asyncio.to_thread(head_of, self._store, reference)
        said = {"source": source, "head": base64.b64encode(head).decode(), "name": name}
        with outside_a_run("model."):
            answer = await self._inference.validate({**DEFAULTS, **settings, **said})
        artifact = await asyncio.to_thread(move_upload, self._store, reference, "model")
        return NewModel(answer.spec["loader"]["name"], {**source, "name": name}, artifact, settings)

    async def from_endpoint(self, endpoint: dict[str, Any], *, settings: dict[str, Any]) -> NewModel:
        """A version that is an address. Raises SpecError for arguments that the loader refuses."""
        source = {**endpoint, "type": "endpoint"}
        section = {**DEFAULTS, **settings, "source": source, "head": None, "name": None}
        with outside_a_run("model."):
            answer = await self._remote.validate(section)
        return NewModel(answer.spec["loader"]["name"], source, None, settings)
