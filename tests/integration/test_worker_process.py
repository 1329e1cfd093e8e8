"""A worker as its container runs it: one process that is asked to stop, or killed."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mtf.health import check

HERE = Path(__file__).parents[1] / "unit" / "shared"
PROGRAM = f"""
import sys
sys.path.insert(0, {str(HERE.parents[2])!r})
from mtf.plugins import Service
from mtf.service import create_worker_app, serve
from mtf.settings import WorkerSettings
from mtf.zygote import Zygote
from tests.unit.shared.conftest import TinyStage
SERVICE = Service(name="processing", port=8002, summary="For tests.", app="__main__:create_app")
def create_app():
    return create_worker_app(SERVICE, WorkerSettings(), stage=TinyStage(), zygote=Zygote(path=({str(HERE)!r},)))
serve(SERVICE)
"""
JOB: dict[str, Any] = {
    "job_id": "j",
    "epoch": 1,
    "stage": "processing",
    "fingerprint": "a" * 64,
    "spec": {"text": "x", "times": 600, "pause": 0.1},
}


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running worker and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    areas = {f"MTF_{area.upper()}_URL": str(tmp_path / area) for area in ("data", "artifacts", "models", "logs")}
    environment = {"PATH": "/usr/bin:/bin", "MTF_INSECURE": "true", "MTF_PORT": str(port), **areas}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 30
        while check(f"{address}/readyz") is not None:
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield process, address
    finally:
        process.kill()
        process.wait()


def family(pid: int) -> list[int]:
    """Every process below one."""
    below = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return below + [one for child in below for one in family(child)]


def gone(pids: list[int], seconds: float = 3.0) -> bool:
    """Whether all of them end in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(_runs(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def reading(address: str) -> Any:
    """A stream of events that is open."""
    return httpx2.stream("POST", f"{address}/v1/jobs", json=JOB, timeout=20)


def test_a_worker_that_is_asked_to_stop_leaves_quickly_and_clean(worker: tuple[subprocess.Popen[bytes], str]) -> None:
    """SIGTERM ends an open stream without a last event, the job's processes and the worker, long before the grace is over."""
    process, address = worker
    with reading(address) as response:
        lines = response.iter_lines()
        assert '"started"' in next(lines)
        assert '"progress"' in next(lines)
        below = family(process.pid)
        assert len(below) >= 3
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        rest = list(lines)
    process.wait(timeout=8)
    assert time.monotonic() - began < 5
    assert not any('"result"' in line or '"problem"' in line for line in rest)
    assert gone(below)


def test_a_killed_worker_takes_its_jobs_along(worker: tuple[subprocess.Popen[bytes], str]) -> None:
    """After SIGKILL nothing of it computes any more, and the reader's connection breaks at once."""
    process, address = worker
    with reading(address) as response:
        lines = response.iter_lines()
        next(lines)
        next(lines)
        below = family(process.pid)
        process.kill()
        with pytest.raises(httpx2.TransportError):
            list(lines)
    assert gone(below)


def test_health_is_answered_while_a_job_computes(worker: tuple[subprocess.Popen[bytes], str]) -> None:
    """The service's own process stays free: 99 of 100 checks within 100 ms."""
    _, address = worker
    with reading(address) as response, httpx2.Client() as client:
        next(response.iter_lines())
        times = []
        for _ in range(100):
            began = time.perf_counter()
            assert client.get(f"{address}/healthz").status_code == 200
            times.append(time.perf_counter() - began)
        client.delete(f"{address}/v1/jobs/j", params={"epoch": 1})
    assert sorted(times)[98] < 0.1
