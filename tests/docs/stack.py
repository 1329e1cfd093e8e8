"""The whole stack as processes of this machine on free ports, as `mtf serve all` starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVICES = ("acquisition", "processing", "inference", "evaluation", "gateway")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def serving(home: Path, seconds: float = 90) -> Iterator[str]:
    """Start every service over `home`, wait until the gateway is ready, give its address, and stop what was started."""
    ports = {name: _free_port() for name in SERVICES}
    shared = {
        **{f"MTF_{area.upper()}_URL": (home / area).as_uri() for area in ("data", "artifacts", "models", "logs")},
        **{f"MTF_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items() if name != "gateway"},
        "MTF_DATABASE_URL": f"sqlite:///{home / 'mtf.db'}",
        "MTF_TOKEN": "a-token-for-the-documentation",
        "MTF_HTTP_ALLOW": "loopback,private",
    }
    home.mkdir(parents=True, exist_ok=True)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, port in ports.items():
            environment = {**os.environ, **shared, "MTF_PORT": str(port), "MTF_SERVICE": ""}
            with (home / f"{name}.log").open("wb") as log:
                command = [sys.executable, "-m", "mtf", "serve", name]
                started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))
        url = f"http://127.0.0.1:{ports['gateway']}"
        deadline = time.monotonic() + seconds
        while not _ready(url):
            logs = "\n".join((home / f"{name}.log").read_text()[-1000:] for name in SERVICES)
            assert all(each.poll() is None for each in started), f"a service ended:\n{logs}"
            assert time.monotonic() < deadline, f"the stack is not ready after {seconds} s:\n{logs}"
            time.sleep(0.3)
        yield url
    finally:
        for each in started:
            each.terminate()
        for each in started:
            try:
                each.wait(20)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait(5)
