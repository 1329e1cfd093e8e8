"""The gateway's application over a fake core and a real SQLite file."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from mtf.cache import Cache
from mtf.contracts.job import Validated
from mtf.storage.store import LocalStore
from mtf_gateway.app import create_app
from mtf_gateway.db.engine import Database, connect
from mtf_gateway.db.schema import create
from mtf_gateway.lookup import Lookup
from mtf_gateway.memory.board import Board
from mtf_gateway.memory.looks import LookCounter
from mtf_gateway.memory.past import Past
from mtf_gateway.principals import Callers
from mtf_gateway.reevaluation.desk import Reevaluations
from mtf_gateway.registry.datasets import Datasets
from mtf_gateway.registry.files import ModelFiles
from mtf_gateway.registry.models import Models
from mtf_gateway.registry.records import UploadTable
from mtf_gateway.registry.uploads import Uploads
from mtf_gateway.routes.parts import Parts
from mtf_gateway.runner.context import Context
from mtf_gateway.settings import GatewaySettings
from tests.unit.gateway.fakes import FakeRuns, acquire
from tests.unit.gateway.judges import Judge

ANN, BOB = "ann-has-this-token", "bob-has-that-token"


class Inference:
    """The one question that the model registry asks of a worker."""

    async def validate(self, section: dict[str, Any]) -> Validated:
        """Every file is of the format that was declared, else skops."""
        name = "endpoint" if section["source"]["type"] == "endpoint" else section["source"].get("format", "skops")
        return Validated(spec={"loader": {"name": name, "args": {}}})


@dataclass(frozen=True)
class Bench:
    """A client of the application, and what lies behind it."""

    http: TestClient
    runs: FakeRuns
    parts: Parts
    database: Database
    lookups: list[tuple[str, str]]
    judge: Judge


@contextmanager
def bench(folder: Path, *, tokens: dict[str, str] | None = None, rate_limit: int = 0, upload_limit: int = 1000) -> Iterator[Bench]:
    """An application that has started."""
    database = connect(f"sqlite:///{folder}/mtf.db")
    create(database)
    store = LocalStore({area: folder / area for area in ("data", "artifacts", "models", "logs")})
    lookups: list[tuple[str, str]] = []
    cache = Cache(observe=lambda stage, result: lookups.append((stage, result)))
    runs, inference, judge = FakeRuns(store), Inference(), Judge()
    context = Context(
        database=database,
        workers={},
        lookup=Lookup(database),
        settings=GatewaySettings(insecure=True),
        wake=lambda _run_id: None,
        owner="nobody",
    )
    uploads = Uploads(store, UploadTable(database), limit=upload_limit)
    parts = Parts(
        runs=runs,
        tag=runs.tag,
        board=Board(database, cache, judge),
        past=Past(database, cache, judge),
        looks=LookCounter(database),
        reevaluations=Reevaluations(context, judge, lambda: None),
        datasets=Datasets(database, acquire),
        models=Models(database),
        model_files=ModelFiles(store, uploads, inference, inference),  # type: ignore[arg-type]  # asks one question only
        uploads=uploads,
        store=store,
        cache=cache,
        callers=Callers(tokens or {}, cache, rate_limit=rate_limit),
        health=runs.health,
        closing=asyncio.Event(),
        spec_limit=10_000,
        keep_alive=0.05,
    )
    app = create_app(GatewaySettings(insecure=True), parts=parts)
    with TestClient(app, raise_server_exceptions=False) as http:
        yield Bench(http, runs, parts, database, lookups, judge)
    database.close()
