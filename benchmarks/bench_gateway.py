"""CPU time of `GET /v1/runs/{id}` over a bare FastAPI route that returns the same bytes, both behind uvicorn on loopback.

    python benchmarks/bench_gateway.py [--requests 2000] [--rounds 5] [--database URL]

Each server is a process of its own; its CPU time (user + system, all threads) is read before and after a round of requests over one kept-alive
connection. Rounds of the two alternate, so that a busy machine slows both. The gateway runs as deployed: log lines, metrics, request ids, token
check; its runner is off, because claiming runs is not part of an answer. SQLite by default; give a PostgreSQL URL to measure that.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import psutil

BUDGET = 1.0
"""Milliseconds of CPU that the gateway may need more than the bare route."""
RUN = "01m7xwj8fv4x1a7kewjhtnwn38"


def serve_bare(port: int, body: bytes) -> None:
    """One route, no middleware, the bytes as they are."""
    import uvicorn
    from fastapi import FastAPI, Response

    app = FastAPI()

    @app.get("/v1/runs/{run_id}")
    async def get(run_id: str) -> Response:  # noqa: ARG001 - the path's parameter
        return Response(body, media_type="application/json")

    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


def serve_gateway(port: int, database: str, folder: Path) -> None:
    """The gateway as `mtf serve gateway` starts it, with one finished run."""
    from mtf.plugins import load
    from mtf.service import serve
    from mtf_gateway.settings import GatewaySettings

    fill(database)
    areas: dict[str, Any] = {f"{area}_url": (folder / area).as_uri() for area in ("data", "artifacts", "models", "logs")}
    serve(
        load("service", "gateway"),
        GatewaySettings(database_url=database, runner=False, insecure=True, port=port, log_format="json", **areas),
    )


def fill(database: str) -> None:
    """A run as an ordinary test leaves it: eleven metrics, three gates, four finished stages."""
    from sqlalchemy import Connection, delete

    from mtf_gateway.db import runs, schema
    from mtf_gateway.db.engine import connect
    from mtf_gateway.db.tables import RUN_STAGES, RUNS

    opened = connect(database)
    schema.upgrade(opened)
    value = {
        "value": 0.9123,
        "lower": 0.9012,
        "upper": 0.9234,
        "level": 0.95,
        "method": "wilson",
        "n": 16281,
        "n_effective": 16281.0,
        "reliable": True,
    }
    output = {"ref": "artifacts:inference/" + "a" * 64 + "/1-aaaaaaaa/out.parquet", "sha256": "a" * 64, "size": 123456}
    columns = [{"name": f"column_{i}", "type": "float64", "missing": 0, "distinct": 100, "top": [[1.0, 5]] * 5} for i in range(20)]
    run: dict[str, Any] = {
        "id": RUN, "name": "bench", "status": "succeeded", "verdict": "pass", "created_by": "bench", "spec": {"name": "bench"}, "plan": {},
        "dataset": "adult@1", "model": "forest@3", "max_runtime": 1.0, "metrics": {f"metric_{i}": value for i in range(11)},
        "gates": [{"expression": "metric_1 >= 0.9", "verdict": "pass", "observed": value, "reason": "the whole interval meets the bound"}] * 3,
    }  # fmt: skip
    stages = [
        {"stage": stage, "position": i, "status": "succeeded", "fingerprint": "b" * 64, "outputs": {"out": output}, "seconds": 1.0, "cached": False,
         "facts": {"columns": columns} if i == 0 else {}}
        for i, stage in enumerate(("acquisition", "processing", "inference", "evaluation"))
    ]  # fmt: skip

    def work(connection: Connection) -> None:
        connection.execute(delete(RUNS).where(RUNS.c.id == RUN))
        connection.execute(delete(RUN_STAGES).where(RUN_STAGES.c.run_id == RUN))
        runs.insert_run(connection, run, stages)

    opened.write_now(work)
    opened.close()


def start(*arguments: str) -> tuple[psutil.Process, str]:
    """A server of this file as a process, ready to answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "MTF_LOG_LEVEL": "INFO"}
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port), *arguments], env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            httpx2.get(f"{url}/openapi.json", timeout=1)
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return psutil.Process(process.pid), url
    raise SystemExit("the server did not start")


def measure(process: psutil.Process, http: httpx2.Client, requests: int) -> tuple[float, float]:
    """Milliseconds of the server's CPU and of wall time for each request."""
    before, began = process.cpu_times(), time.perf_counter()
    for _ in range(requests):
        response = http.get(f"/v1/runs/{RUN}")
        assert response.status_code == 200, response.text
    after, ended = process.cpu_times(), time.perf_counter()
    cpu = after.user + after.system - before.user - before.system
    return 1000 * cpu / requests, 1000 * (ended - began) / requests


def main() -> None:
    """Measure and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", default=None)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--body", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve and options.body:
        serve_bare(options.serve, options.body.read_bytes())
        return
    if options.serve:
        serve_gateway(options.serve, options.database, options.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), options)


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Alternate rounds of both servers."""
    database = options.database or f"sqlite:///{folder}/mtf.db"
    gateway, url = start("--database", database, "--folder", str(folder))
    body = httpx2.get(f"{url}/v1/runs/{RUN}").content
    (folder / "body.json").write_bytes(body)
    bare, bare_url = start("--body", str(folder / "body.json"))
    figures: dict[str, list[tuple[float, float]]] = {"gateway": [], "bare": []}
    try:
        with httpx2.Client(base_url=url) as one, httpx2.Client(base_url=bare_url) as other:
            assert other.get(f"/v1/runs/{RUN}").content == body
            for process, http in ((gateway, one), (bare, other)):
                measure(process, http, 200)
            for _ in range(options.rounds):
                figures["gateway"].append(measure(gateway, one, options.requests))
                figures["bare"].append(measure(bare, other, options.requests))
    finally:
        for process in (gateway, bare):
            process.terminate()
            process.wait(20)
    # Other work on the machine can only add to a round's CPU time (cold caches, a shared core): the least disturbed round is the nearest to the truth.
    cpu = {name: min(value for value, _ in rounds) for name, rounds in figures.items()}
    middle = {name: statistics.median(value for value, _ in rounds) for name, rounds in figures.items()}
    wall = {name: statistics.median(value for _, value in rounds) for name, rounds in figures.items()}
    more = cpu["gateway"] - cpu["bare"]
    print(json.dumps({
        "bytes": len(body), "requests": options.requests, "rounds": options.rounds, "database": database.partition(":")[0],
        "cpu_ms": {name: round(value, 3) for name, value in cpu.items()},
        "cpu_ms_median": {name: round(value, 3) for name, value in middle.items()}, "wall_ms": {name: round(value, 3) for name, value in wall.items()},
        "cpu_ms_more": round(more, 3), "budget_ms": BUDGET, "within": more <= BUDGET,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
