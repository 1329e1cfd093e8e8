"""`mtf serve all`: what its processes are told, and that all end together."""

import subprocess
import sys
from pathlib import Path

import pytest

from mtf.cli import stack
from mtf.plugins import load, names

LONG = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_the_environment_names_every_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Areas, addresses, a database and one random token; what the user set wins."""
    monkeypatch.setenv("MTF_SANDBOX", "require")
    services = [load("service", name) for name in names("service")]
    first, second = (stack._environment(tmp_path / "home", services) for _ in range(2))
    assert first["MTF_TOKEN"] != second["MTF_TOKEN"]
    assert len(first["MTF_TOKEN"]) == 64
    assert first["MTF_DATABASE_URL"] == f"sqlite:///{tmp_path / 'home' / 'mtf.db'}"
    assert {first[f"MTF_{name.upper()}_URL"] for name in ("acquisition", "processing", "inference", "evaluation")} == {
        f"http://127.0.0.1:{port}" for port in (8001, 8002, 8003, 8004)
    }
    assert first["MTF_DATA_URL"] == (tmp_path / "home" / "data").as_uri()
    assert first["MTF_SANDBOX"] == "require"


class Service:
    """What `serve_all` needs to know of a service."""

    def __init__(self, name: str) -> None:
        self.name, self.stage, self.port = name, None, 0


def test_one_that_ends_stops_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """When a service ends the stack ends: exit code 4, and nobody is left behind."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(command: list[str], **_: object) -> "subprocess.Popen[bytes]":
        started.append(real([sys.executable, "-c", "raise SystemExit(7)"] if command[-1] == "one" else LONG))
        return started[-1]

    monkeypatch.setenv("MTF_HOME", str(tmp_path))
    monkeypatch.setattr(stack, "names", lambda _: ("one", "gateway"))
    monkeypatch.setattr(stack, "load", lambda _, name: Service(name))
    monkeypatch.setattr(stack.subprocess, "Popen", start)
    monkeypatch.setattr(stack.signal, "signal", lambda *_: None)
    assert stack.serve_all() == 4
    assert "one ended with code 7" in capsys.readouterr().err
    assert all(child.poll() is not None for child in started)


def test_a_deaf_process_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not end in time is killed."""
    monkeypatch.setattr(stack, "STOP_SECONDS", 0.1)
    deaf = subprocess.Popen(
        [sys.executable, "-c", "import signal,time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
    )
    assert deaf.stdout is not None
    deaf.stdout.readline()
    stack._stop([deaf])
    assert deaf.wait(10) == -9
    deaf.stdout.close()
