"""The gateway in the user's own process: SQLite and local files under one folder, workers of the same process, no server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import RowMapping

from mtf.cache import Cache
from mtf.contracts.reference import StageName
from mtf.jobs.worker import Worker
from mtf.storage.store import LocalStore
from mtf_gateway import results
from mtf_gateway.compose import Done
from mtf_gateway.core import Gateway
from mtf_gateway.db.engine import connect
from mtf_gateway.db.schema import open_or_create
from mtf_gateway.settings import GatewaySettings

AREAS = ("data", "artifacts", "models", "logs")


def areas(root: Path) -> dict[str, Path]:
    """The storage areas of an embedded root, as workers need them too."""
    return {area: root / area for area in AREAS}


def open_embedded(root: Path, workers: Mapping[StageName, Worker], *, settings: GatewaySettings | None = None) -> Gateway:
    """Open the gateway over `root` (made when it is missing). Call `start` before the first run and `close` after the last one.

    It drives the runs that this process submits or resumes, and writes `runs/<id>/report.html`, `report.json`, `junit.xml` and `scored.parquet`
    before a run counts as succeeded.
    """
    root = root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    path = root / "mtf.db"
    database = connect(f"sqlite:///{path}")
    open_or_create(database, path)
    store = LocalStore(areas(root))

    async def deliver(row: RowMapping, done: Mapping[str, Done]) -> None:
        # In this thread: the files are small, and a thread costs more than they do.
        results.deliver(store, folder_of(root, row["id"]), row, done["evaluation"], done["inference"].outputs["test.scored"])

    return Gateway(
        database=database,
        store=store,
        workers={str(name): worker for name, worker in workers.items()},
        settings=settings or GatewaySettings(poll_seconds=0.5),
        cache=Cache(),
        embedded=True,
        owns_database=True,
        deliver=deliver,
    )


def folder_of(root: Path, run_id: str) -> Path:
    """Where a run's report files lie."""
    return root / "runs" / run_id
