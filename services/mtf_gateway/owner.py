"""Who holds a lease: a text that names the process, from which the same machine can tell whether it still lives."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path


def this_process() -> str:
    """`host:pid:start:nonce`. The start time tells a process from a later one that got the same number."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}:{secrets.token_hex(4)}"


def is_dead(owner: str | None) -> bool:
    """Whether the owner was a process of this machine that is gone. False for one of another machine, which only its lease can tell."""
    if owner is None:
        return True
    host, pid, started, _ = ([*owner.split(":"), "", "", ""])[:4]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks since boot; empty where there is no such process, or no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _alive(pid)
    # The command's name stands in parentheses and may hold spaces; field 22 is counted from behind it. A zombie is dead.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _alive(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
