"""The process between zygote and child: it outlives the child, and ends whatever the child leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from typing import Any, NoReturn

from mtf.zygote import linux, tree

TICK = 0.5
"""Seconds between two looks at whether the parent is still there, in case a closed leash went unnoticed."""


@dataclass(frozen=True)
class Job:
    """File descriptors of one job, as the zygote received them."""

    entry: str
    limits: dict[str, Any]
    leash: int
    events: int
    output: int
    payload: int


def keep(job: Job) -> NoReturn:
    """Fork the child, wait for it or for the leash to close, end what is left below, tell the parent how the child ended."""
    code = 1
    try:
        code = _keep(job)
    finally:
        os._exit(code)


def _keep(job: Job) -> int:
    from mtf.zygote.child import compute

    linux.become_subreaper()
    wake = _wake_on_child_exit()
    leash = socket.socket(fileno=job.leash)
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        compute(job, keeper)
    for descriptor in (job.events, job.output, job.payload):
        os.close(descriptor)
    _say(leash, {"pid": child, "keeper": keeper})
    status = _wait(child, leash, wake)
    stragglers = end_everything(child)
    _say(leash, {"status": stragglers.get(child) if status is None else status, "stragglers": len(stragglers.keys() - {child})})
    return 0


def _wake_on_child_exit() -> int:
    """A descriptor that becomes readable when a child exits."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def _say(leash: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a parent that died hears nothing
        leash.sendall(json.dumps(message).encode() + b"\n")


def _wait(child: int, leash: socket.socket, wake: int) -> int | None:
    """The child's wait status, or None when the leash closed first. Orphans that ended are reaped on the way."""
    watch = select.poll()
    watch.register(leash, select.POLLIN)
    watch.register(wake, select.POLLIN)
    while True:
        for descriptor, _ in watch.poll(TICK * 1000):
            if descriptor == leash.fileno():
                return None
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 512)
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                return status
            if pid == 0:
                break


def end_everything(child: int) -> dict[int, int]:
    """Kill and reap all that is below this process; wait statuses by process. Orphans surface here as their parents die."""
    ended: dict[int, int] = {}
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        for pid in tree.descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                ended[found[0]] = found[1]
        except ChildProcessError:
            return ended
        time.sleep(0.002)
