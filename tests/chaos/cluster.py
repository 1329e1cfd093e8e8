"""Two gateways and four workers as real processes on real PostgreSQL, with a supervisor that starts again what dies, and hooks to hurt them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

STAGES = ("acquisition", "processing", "inference", "evaluation")
GATEWAYS = ("gateway-a", "gateway-b")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cluster:
    """The processes, their ports and how often each died."""

    folder: Path
    database_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in (*STAGES, *GATEWAYS)})
    deaths: Counter[str] = field(default_factory=Counter)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        for area in ("data", "artifacts", "models", "logs"):
            (self.folder / area).mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "mtf", "db", "upgrade"], env=self.environment("gateway-a"), check=True, capture_output=True)
        for name in (*STAGES, *GATEWAYS):
            self.start(name)
        self._closing = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()
        for name in GATEWAYS:
            self.wait_ready(name)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._supervisor.join()
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def environment(self, name: str) -> dict[str, str]:
        areas = {f"MTF_{area.upper()}_URL": (self.folder / area).as_uri() for area in ("data", "artifacts", "models", "logs")}
        workers = {f"MTF_{stage.upper()}_URL": self.url(stage) for stage in STAGES}
        return {
            **os.environ,
            **areas,
            **workers,
            "MTF_DATABASE_URL": self.database_url,
            "MTF_TOKEN": "chaos",
            "MTF_PORT": str(self.ports[name]),
            "MTF_INSTANCE_URL": self.url(name),
            "MTF_SANDBOX": "prefer",
            "MTF_LEASE_SECONDS": "5",
            "MTF_JOB_MEMORY": str(1 << 30),
            "MTF_LOG_LEVEL": "WARNING",
            **self.settings,
        }

    def start(self, name: str) -> None:
        service = "gateway" if name in GATEWAYS else name
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "mtf", "serve", service], env=self.environment(name), stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def kill(self, name: str) -> None:
        """Kill -9; the supervisor starts it again."""
        self.deaths[name] += 1
        self.processes[name].send_signal(signal.SIGKILL)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP for a while, then SIGCONT: a pause longer than the lease, which the owner does not notice."""
        process = self.processes[name]
        self.frozen.add(name)
        process.send_signal(signal.SIGSTOP)

        def thaw() -> None:
            time.sleep(seconds)
            process.send_signal(signal.SIGCONT)
            self.frozen.discard(name)

        threading.Thread(target=thaw, daemon=True).start()

    def wait_ready(self, name: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url(name)}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.2)
        raise AssertionError(f"{name} did not become ready\n{(self.folder / f'{name}.log').read_text()[-4000:]}")

    def _supervise(self) -> None:
        while not self._closing.wait(0.2):
            for name, process in list(self.processes.items()):
                if process.poll() is not None and not self._closing.is_set():
                    self.start(name)
