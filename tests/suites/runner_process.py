"""A gateway's runner as a process that a test can kill: `python -m tests.suites.runner_process DATABASE_URL FOLDER WORKER_PORT`."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from mtf.cache import Cache
from mtf.contracts.reference import STAGES
from mtf.jobs.remote import RemoteWorker
from mtf.storage.store import LocalStore
from mtf_gateway.core import Gateway
from mtf_gateway.db.engine import connect
from mtf_gateway.settings import GatewaySettings

LEASE = 2.0


def open_gateway(url: str, folder: Path, port: int, *, runner: bool = True) -> Gateway:
    """A gateway over the workers of `tests.suites.worker_host`."""
    settings = GatewaySettings(
        lease_seconds=LEASE, poll_seconds=0.1, reconnect_seconds=20, silence_seconds=5, retry_seconds=0.2, runner=runner
    )
    return Gateway(
        database=connect(url),
        store=LocalStore({area: folder / area for area in ("data", "artifacts", "models", "logs")}),
        workers={stage: RemoteWorker(f"http://127.0.0.1:{port}/{stage}", None, name=stage) for stage in STAGES},
        settings=settings,
        cache=Cache(),
    )


async def main(url: str, folder: str, port: str) -> None:
    """Drive runs until killed."""
    gateway = open_gateway(url, Path(folder), int(port))
    await gateway.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*sys.argv[1:4]))
