"""Real processes, killed: every run ends with its true state, one publication per key, starts per key = 1 + deaths of the worker that held it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mtf.contracts.registry import RunView
from mtf.errors import UnavailableError
from mtf_gateway.core import Gateway
from mtf_gateway.db.engine import connect
from mtf_gateway.db.schema import create
from tests.servers import postgres
from tests.suites.driving import SPEC
from tests.suites.runner_process import open_gateway

ROOT = Path(__file__).resolve().parents[2]
FINAL = {"succeeded", "failed", "cancelled"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Machine:
    """A worker host and gateway processes over one database."""

    url: str
    folder: Path
    port: int
    seconds: float = 0.5
    gateways: list[subprocess.Popen[bytes]] = field(default_factory=list)
    host: subprocess.Popen[bytes] | None = None
    deaths: int = 0

    def start_host(self) -> None:
        """Start the workers and wait until they answer."""
        self.host = self._spawn("worker_host", str(self.port), str(self.folder), str(self.seconds))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the workers did not start")

    def start_gateway(self) -> subprocess.Popen[bytes]:
        """Start one more gateway process."""
        process = self._spawn("runner_process", self.url, str(self.folder), str(self.port))
        self.gateways.append(process)
        return process

    def kill_host(self) -> None:
        """Kill -9 the workers, then start them again."""
        assert self.host is not None
        self.host.kill()
        self.host.wait()
        self.deaths += 1
        self.start_host()

    def starts(self) -> dict[str, list[dict[str, Any]]]:
        """Starts by key."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        path = self.folder / "starts"
        for line in path.read_text().splitlines() if path.exists() else ():
            found[json.loads(line)["key"]].append(json.loads(line))
        return found

    def close(self) -> None:
        """End everything."""
        for process in [*self.gateways, *([self.host] if self.host else [])]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def _spawn(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{module}.log").open("ab")
        try:
            return subprocess.Popen([sys.executable, "-m", f"tests.suites.{module}", *arguments], cwd=ROOT, stdout=log, stderr=log)
        finally:
            log.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """Processes over a fresh database of each kind."""
    url = f"sqlite:///{tmp_path / 'mtf.db'}" if request.param == "sqlite" else request.getfixturevalue("fresh_url")
    database = connect(url)
    create(database)
    database.close()
    machine = Machine(url, tmp_path, free_port())
    try:
        machine.start_host()
        yield machine
    finally:
        machine.close()


async def submitted(gateway: Gateway, count: int) -> list[str]:
    """Queue runs of different seeds, so that each has an evaluation of its own."""
    return [(await gateway.submit({**SPEC, "name": f"run-{seed}", "seed": seed}, base=None, principal="me")).id for seed in range(count)]


async def ended(gateway: Gateway, ids: list[str], seconds: float) -> list[RunView]:
    """Wait until every run is final."""
    deadline = time.monotonic() + seconds
    while True:
        views = [await gateway.get(run_id) for run_id in ids]
        if all(view.status in FINAL for view in views):
            return views
        open_ones = [(view.name, view.status, [stage.status for stage in view.stages]) for view in views if view.status not in FINAL]
        assert time.monotonic() < deadline, f"never ended: {open_ones}"
        await asyncio.sleep(0.1)


async def patiently_ended(gateway: Gateway, ids: list[str]) -> list[RunView]:
    """`ended`, while the database comes and goes."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await ended(gateway, ids, 60)
        except UnavailableError:
            assert time.monotonic() < deadline, "the database did not come back"
            await asyncio.sleep(0.2)


async def with_gateway(machine: Machine, scenario: Any) -> Any:
    """Run a scenario with a gateway of this process that only looks on."""
    gateway = open_gateway(machine.url, machine.folder, machine.port, runner=False)
    try:
        return await scenario(gateway)
    finally:
        await gateway.close()
        for worker in gateway.workers.values():
            await worker.close()  # type: ignore[attr-defined]  # these are RemoteWorkers
        gateway.database.close()


def check(machine: Machine, views: list[RunView]) -> None:
    """The invariant."""
    assert Counter(view.status for view in views) == {"succeeded": len(views)}, [view.problem for view in views if view.problem]
    starts = machine.starts()
    for view in views:
        assert [stage.status for stage in view.stages] == ["succeeded"] * 4
        for stage in view.stages:
            assert stage.fingerprint is not None
            records = starts[stage.fingerprint]
            holders = Counter((record["pid"], record["job"]) for record in records)
            assert max(holders.values()) == 1, f"one worker was asked twice for the same job: {records}"


def test_a_killed_gateway_is_replaced_in_each_stage(machine: Machine) -> None:
    """Kill -9 of the only gateway while each stage computes: its successor attaches, and every key was started exactly once."""

    async def scenario(gateway: Gateway) -> None:
        process = machine.start_gateway()
        [run_id] = await submitted(gateway, 1)
        for index in range(4):
            deadline = time.monotonic() + 30
            while (await gateway.get(run_id)).stages[index].status != "running":
                assert time.monotonic() < deadline, (await gateway.get(run_id)).stages
                await asyncio.sleep(0.02)
            process.kill()
            process.wait()
            process = machine.start_gateway()
        [view] = await ended(gateway, [run_id], 60)
        check(machine, [view])
        assert view.attempts == 1
        assert {key: len(records) for key, records in machine.starts().items()} == {stage.fingerprint: 1 for stage in view.stages}
        seqs = [event.seq async for event in gateway.events(run_id)]
        assert seqs == list(range(1, len(seqs) + 1))
        ends = [event async for event in gateway.events(run_id) if event.kind == "status" and event.data["status"] == "succeeded"]
        assert len(ends) == 1

    machine.seconds = 1.0
    asyncio.run(with_gateway(machine, scenario))


def test_a_killed_worker_starts_its_job_once_more(machine: Machine) -> None:
    """Kill -9 of the workers while a stage computes: the key has two starts, one for each process that held it, and the run succeeds."""

    async def scenario(gateway: Gateway) -> None:
        machine.start_gateway()
        [run_id] = await submitted(gateway, 1)
        deadline = time.monotonic() + 30
        while (await gateway.get(run_id)).stages[1].status != "running" or not any(
            record["stage"] == "processing" for records in machine.starts().values() for record in records
        ):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await asyncio.to_thread(machine.kill_host)
        [view] = await ended(gateway, [run_id], 60)
        check(machine, [view])
        counts = {records[0]["stage"]: len(records) for records in machine.starts().values()}
        assert counts == {"acquisition": 1, "processing": 2, "inference": 1, "evaluation": 1}

    asyncio.run(with_gateway(machine, scenario))


def test_a_restart_of_the_database_loses_nothing(tmp_path: Path) -> None:
    """PostgreSQL is stopped as by a crash and started again, twice, while runs compute: each ends as if nothing had been."""

    async def scenario(gateway: Gateway) -> None:
        machine.start_gateway()
        ids = await submitted(gateway, 4)
        for _ in range(2):
            await asyncio.sleep(1.5)
            await asyncio.to_thread(server.restart)
        views = await patiently_ended(gateway, ids)
        check(machine, views)
        jobs = Counter(record["job"] for records in machine.starts().values() for record in records)
        assert set(jobs.values()) == {1}

    with tempfile.TemporaryDirectory(prefix="mtf-pg-") as folder, postgres(Path(folder) / "data") as server:
        database = connect(server.url)
        create(database)
        database.close()
        machine = Machine(server.url, tmp_path, free_port())
        try:
            machine.start_host()
            asyncio.run(with_gateway(machine, scenario))
        finally:
            machine.close()


@pytest.mark.slow
def test_two_gateways_killed_and_stopped_at_random_lose_nothing(machine: Machine) -> None:
    """Ten runs through two gateways that are killed and stopped again and again: the invariant holds for every key."""
    dice = random.Random(7)

    async def scenario(gateway: Gateway) -> None:
        alive = [machine.start_gateway(), machine.start_gateway()]
        ids = await submitted(gateway, 10)
        for blow in range(8):
            await asyncio.sleep(dice.uniform(0.3, 1.2))
            index = dice.randrange(2)
            if blow % 3 == 2:
                os.kill(alive[index].pid, signal.SIGSTOP)
                await asyncio.sleep(3.0)
                os.kill(alive[index].pid, signal.SIGCONT)
            else:
                alive[index].kill()
                alive[index].wait()
                alive[index] = machine.start_gateway()
        views = await ended(gateway, ids, 120)
        check(machine, views)
        jobs = Counter(record["job"] for records in machine.starts().values() for record in records)
        assert set(jobs.values()) == {1}, "no worker died, so that no job was started twice"

    asyncio.run(with_gateway(machine, scenario))
