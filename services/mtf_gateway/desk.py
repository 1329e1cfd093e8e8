"""What the embedded form offers besides runs: registries, leaderboards, histories and recipes, over the same classes as the routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from mtf.contracts.job import JobResult, Limits
from mtf.contracts.reference import StageName
from mtf.contracts.registry import DatasetVersionView, ModelVersionView
from mtf.contracts.stages import Roles
from mtf.errors import DataError, UnavailableError
from mtf.jobs.worker import Worker
from mtf.storage.store import BLOCK
from mtf_gateway.core import Gateway
from mtf_gateway.importing import local_path
from mtf_gateway.memory.board import Board
from mtf_gateway.memory.looks import LookCounter
from mtf_gateway.memory.past import Past
from mtf_gateway.registry.acquire import Acquirer
from mtf_gateway.registry.datasets import Datasets
from mtf_gateway.registry.files import ModelFiles
from mtf_gateway.registry.models import Models
from mtf_gateway.registry.records import UploadTable
from mtf_gateway.registry.uploads import Uploads

ME = "local"
"""The principal of the embedded form: whoever may read the folder."""


class Desk:
    """Registries of one embedded gateway."""

    def __init__(self, gateway: Gateway, workers: Mapping[StageName, Worker]) -> None:
        self.gateway, self.workers = gateway, workers
        self.models = Models(gateway.database)
        self.board = Board(gateway.database, gateway.cache, gateway.evaluator)
        self.past = Past(gateway.database, gateway.cache, gateway.evaluator)
        self.looks = LookCounter(gateway.database)

    @property
    def datasets(self) -> Datasets:
        """The dataset registry; making a version needs the acquisition worker."""
        worker = self.workers.get("acquisition")
        return Datasets(self.gateway.database, Acquirer(worker, Limits()) if worker is not None else _nobody)

    async def add_dataset(self, name: str, source: dict[str, Any], base: Path, roles: dict[str, Any], **more: Any) -> DatasetVersionView:
        """Read a source and register the version."""
        if source.get("type") == "file":
            source = {**source, "path": str(local_path(base, str(source.get("path"))))}
        section = {"source": source, "types": more.get("types") or {}, "expect": more.get("expect")}
        view, _ = await self.datasets.create(name, section, Roles.model_validate(roles), created_by=ME)
        return view

    async def add_model(self, name: str, source: dict[str, Any], base: Path, settings: dict[str, Any]) -> ModelVersionView:
        """Register a model file or an endpoint."""
        gateway = self.gateway
        records = UploadTable(gateway.database)
        uploads = Uploads(gateway.store, records, limit=gateway.settings.upload_limit)
        inference = self.workers["inference"]
        files = ModelFiles(gateway.store, uploads, inference, inference)
        rest = {key: value for key, value in source.items() if key not in {"type", "path"}}
        if source.get("type") == "file":
            path = local_path(base, str(source.get("path")))
            upload = await uploads.receive(_blocks(path), name=path.name, created_by=ME)
            new = await files.from_upload(upload.digest, declared=rest.get("format"), settings=settings)
        else:
            new = await files.from_endpoint(rest, settings=settings)
        view, _ = await self.models.create(name, new, created_by=ME)
        return view


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror}", field="source.path", found=str(path), fix="name an existing file"
        ) from None


async def _nobody(section: dict[str, Any]) -> JobResult:
    raise UnavailableError("no acquisition worker was prepared for this", found=section)
