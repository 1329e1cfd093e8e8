"""Servers of test sessions that were killed: each session keeps its servers in a folder that names its process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

ROOT = Path(tempfile.gettempdir()) / f"mtf-test-servers-{os.getuid()}"


def session_folder() -> Path:
    """A folder for this session's servers. Servers of sessions whose process is gone are ended first, and their folders removed."""
    ROOT.mkdir(mode=0o755, exist_ok=True)
    for folder in ROOT.iterdir():
        if not _lives(folder.name):
            for pid in _servers(folder):
                _end(pid)
            shutil.rmtree(folder, ignore_errors=True)
    folder = ROOT / f"{os.getpid()}-{_started(os.getpid())}"
    folder.mkdir(exist_ok=True)
    return folder


def _lives(name: str) -> bool:
    pid, _, started = name.partition("-")
    return pid.isdigit() and _started(int(pid)) == started != ""


def _started(pid: int) -> str:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""


def _servers(folder: Path) -> list[int]:
    """Processes that were started on a data folder below `folder` and have no parent any more; only theirs carry its path."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                working = str((entry / "cwd").readlink())
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == "1" and (f"{folder}/" in f"{working}/" or f"{folder}/" in command):
                    found.append(int(entry.name))
    return found


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
        for _ in range(50):
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
