"""The gateway in the user's own process: SQLite and local files under one folder, workers of the same process, no server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, RowMapping

from mtf.cache import Cache
from mtf.contracts.reference import StageName
from mtf.jobs.worker import Worker
from mtf.storage.store import LocalStore
from mtf_gateway import results
from mtf_gateway.compose import Done
from mtf_gateway.core import Gateway
from mtf_gateway.db import revisions, runs
from mtf_gateway.db.engine import Database, connect
from mtf_gateway.db.schema import open_or_create
from mtf_gateway.memory.looks import LookCounter
from mtf_gateway.settings import GatewaySettings

AREAS = ("data", "artifacts", "models", "logs")


def areas(root: Path) -> dict[str, Path]:
    """The storage areas of an embedded root, as workers need them too."""
    return {area: root / area for area in AREAS}


def open_embedded(root: Path, workers: Mapping[StageName, Worker], *, settings: GatewaySettings | None = None) -> Gateway:
    """Open the gateway over `root` (made when it is missing). Call `start` before the first run and `close` after the last one.

    It drives the runs that this process submits or resumes, and writes `runs/<id>/report.html`, `.json`, `.md`, `.csv`, `junit.xml` and `scored.parquet`
    before a run counts as succeeded.
    """
    root = root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    path = root / "mtf.db"
    database = connect(f"sqlite:///{path}")
    open_or_create(database, path)
    store = LocalStore(areas(root))

    async def deliver(row: RowMapping, done: Mapping[str, Done]) -> None:
        looks = await LookCounter(database).of_run(row["id"])
        # In this thread: the files are small, and a thread costs more than they do.
        folder = folder_of(root, row["id"])
        results.deliver(store, folder, done["evaluation"].outputs, results.Stamp(row["id"], row["created_at"], 1, looks))
        results.deliver_scored(store, folder, done["inference"].outputs["test.scored"])

    async def deliver_again(run_id: str, number: int) -> None:
        await deliver_revision(database, store, root, run_id, number)

    return Gateway(
        database=database,
        store=store,
        workers={str(name): worker for name, worker in workers.items()},
        settings=settings or GatewaySettings(poll_seconds=0.5),
        cache=Cache(),
        embedded=True,
        owns_database=True,
        deliver=deliver,
        deliver_again=deliver_again,
    )


async def deliver_revision(database: Database, store: LocalStore, root: Path, run_id: str, number: int) -> Path:
    """Write the report files of a later evaluation beside those of the first, and return their folder; again does no harm."""

    def work(connection: Connection) -> tuple[RowMapping | None, RowMapping | None]:
        return runs.find_run(connection, run_id), revisions.find(connection, run_id, number)

    folder = folder_of(root, run_id, number)
    run, stored = await database.read(work)
    if run is not None and stored is not None:
        looks = await LookCounter(database).of_run(run_id)
        results.deliver(store, folder, stored["report"], results.Stamp(run_id, run["created_at"], number, looks))
    return folder


def folder_of(root: Path, run_id: str, revision: int = 1) -> Path:
    """Where the report files of a run's evaluation lie; those of the first one in the run's own folder."""
    folder = root / "runs" / run_id
    return folder if revision == 1 else folder / "revisions" / str(revision)
