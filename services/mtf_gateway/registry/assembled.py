"""The registries that belong to one core: the web form and the embedded form open the same ones."""

from __future__ import annotations

from dataclasses import dataclass

from mtf_gateway.core import Gateway
from mtf_gateway.memory.board import Board
from mtf_gateway.memory.looks import LookCounter
from mtf_gateway.memory.past import Past
from mtf_gateway.registry.acquire import Acquirer
from mtf_gateway.registry.datasets import Datasets
from mtf_gateway.registry.files import ModelFiles
from mtf_gateway.registry.models import Models
from mtf_gateway.registry.records import UploadTable
from mtf_gateway.registry.uploads import Uploads


@dataclass(frozen=True)
class Registries:
    """Datasets, models, uploads and rankings of one database."""

    datasets: Datasets
    models: Models
    model_files: ModelFiles
    uploads: Uploads
    board: Board
    past: Past
    looks: LookCounter


def registries(gateway: Gateway) -> Registries:
    """The registries of a core."""
    acquire = Acquirer(gateway.workers["acquisition"], gateway.context.limits(None), patience=gateway.settings.reconnect_seconds)
    uploads = Uploads(gateway.store, UploadTable(gateway.database), limit=gateway.settings.upload_limit)
    inference = gateway.workers["inference"]
    remote = gateway.workers.get("inference-remote", inference)
    return Registries(
        datasets=Datasets(gateway.database, acquire),
        models=Models(gateway.database),
        model_files=ModelFiles(gateway.store, uploads, inference, remote),
        uploads=uploads,
        board=Board(gateway.database, gateway.cache, gateway.evaluator),
        past=Past(gateway.database, gateway.cache, gateway.evaluator),
        looks=LookCounter(gateway.database),
    )
