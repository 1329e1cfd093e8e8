"""`mtf serve all`: the whole stack as processes of this machine, for a look around without containers."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from mtf.cli.session import find_home
from mtf.cli.show import console
from mtf.plugins import Service, load, names

STOP_SECONDS = 20


def serve_all() -> int:
    """Start every service on loopback with one random token and SQLite; stop all when one ends or on Ctrl-C."""
    home = find_home()
    services: list[Service] = [load("service", name) for name in names("service")]
    environment = _environment(home, services)
    children = {
        service.name: subprocess.Popen([sys.executable, "-m", "mtf", "serve", service.name], env=environment)
        for service in sorted(services, key=lambda each: each.name == "gateway")
    }
    console(stderr=True).print(f"gateway: http://127.0.0.1:8000/docs   files: {home}   Ctrl-C stops")
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        while all(child.poll() is None for child in children.values()):
            time.sleep(0.3)
    except KeyboardInterrupt:
        return 0
    else:
        ended = next(name for name, child in children.items() if child.poll() is not None)
        console(stderr=True).print(f"{ended} ended with code {children[ended].returncode}; stopping the others")
        return 4
    finally:
        _stop(list(children.values()))


def _environment(home: Path, services: list[Service]) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    areas = {f"MTF_{area.upper()}_URL": (home / area).as_uri() for area in ("data", "artifacts", "models", "logs")}
    workers = {f"MTF_{service.name.upper()}_URL": f"http://127.0.0.1:{service.port}" for service in services if service.stage}
    ours = {
        **areas,
        **workers,
        "MTF_INFERENCE_REMOTE_URL": "http://127.0.0.1:8003",
        "MTF_DATABASE_URL": f"sqlite:///{home / 'mtf.db'}",
        "MTF_TOKEN": secrets.token_hex(32),
        "MTF_HTTP_ALLOW": "loopback,private,public",
        "MTF_SANDBOX": "prefer",
    }
    return {**ours, **os.environ, "MTF_SERVICE": ""}


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
