"""Brings a model file where the inference worker reads models, and asks that worker which loader opens it. Nothing is loaded here."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from mtf.jobs.worker import Worker
from mtf.storage.store import LocalStore
from mtf_gateway.importing import move_upload
from mtf_gateway.registry.models import NewModel
from mtf_gateway.registry.uploads import Uploads


class ModelFiles:
    """Makes model versions out of uploads and endpoints. `remote` is the worker that may call out."""

    def __init__(self, store: LocalStore, uploads: Uploads, inference: Worker, remote: Worker) -> None:
        self._store, self._uploads, self._inference, self._remote = store, uploads, inference, remote

    async def from_upload(self, digest: str, *, declared: str | None, settings: dict[str, Any]) -> NewModel:
        """A version from an uploaded file. Raises SpecError when no loader knows its header, UnavailableError when the worker is down."""
        upload = await self._uploads.find(digest)
        source: dict[str, Any] = {"type": "upload", "digest": upload.digest}
        if declared is not None:
            source["format"] = declared
        head = base64.b64encode(await self._uploads.head(upload)).decode()
        section = {"labels": None, "threshold": 0.5, "missing": "error", **settings, "source": source, "head": head, "name": upload.name}
        answer = await self._inference.validate(section)
        artifact = await asyncio.to_thread(move_upload, self._store, self._uploads.reference(upload), "model")
        return NewModel(answer.spec["loader"]["name"], {**source, "name": upload.name}, artifact, settings)

    async def from_endpoint(self, endpoint: dict[str, Any], *, settings: dict[str, Any]) -> NewModel:
        """A version that is an address. Raises SpecError for arguments that the loader refuses."""
        source = {**endpoint, "type": "endpoint"}
        section = {"labels": None, "threshold": 0.5, "missing": "error", **settings, "source": source, "head": None, "name": None}
        answer = await self._remote.validate(section)
        return NewModel(answer.spec["loader"]["name"], source, None, settings)
