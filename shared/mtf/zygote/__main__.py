"""`python -I -m mtf.zygote FD`: import, then fork a keeper for each request that arrives on the control socket FD.

`python -I -m mtf.zygote --once EVENTS OUTPUT PAYLOAD LEASH` keeps one job without forking from a warm process: the form for systems other than Linux.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from typing import Any

from mtf.zygote import linux, tree
from mtf.zygote.keeper import Job, keep

BASE = ("mtf.zygote.child",)
"""What every child needs; imported before anything that a service asks for."""
MESSAGE = 1 << 18
"""Longest control message in bytes."""
DESCRIPTORS = 4
TICK_MS = 1000


class Server:
    """Reads the control socket between two imports and, when all is imported, whenever something arrives."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.parent = os.getppid()
        self.queue: deque[str] = deque(BASE)
        self.failed: dict[str, str] = {}
        self.keepers: set[int] = set()
        self.began = time.monotonic()
        self.configured = self.announced = False
        self.wake, self._wake_write = os.pipe()

    def serve(self) -> None:
        """Run until the parent closes the socket or dies."""
        gc.disable()  # importing makes garbage of its own kind, and a later collection would unshare pages
        linux.become_subreaper()
        for descriptor in (self.wake, self._wake_write):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        watch = select.poll()
        watch.register(self.control, select.POLLIN)
        watch.register(self.wake, select.POLLIN)
        while os.getppid() == self.parent:
            self.announce()
            for descriptor, _ in watch.poll(0 if self.queue else TICK_MS):
                if descriptor == self.wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 512)
                elif not self.receive():
                    return
            self.reap()
            if self.queue:
                self.load(self.queue.popleft())

    def announce(self) -> None:
        """Say once that everything is imported, and what could not be."""
        if self.queue or not self.configured or self.announced:
            return
        gc.collect()
        gc.freeze()
        self.announced = True
        ready = {"type": "ready", "seconds": time.monotonic() - self.began, "failed": self.failed}
        with contextlib.suppress(OSError):
            self.control.send(json.dumps(ready).encode())

    def load(self, module: str) -> None:
        """Import one module. One that fails is reported: the child that needs it will fail with the reason."""
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything while it is imported
            self.failed[module] = f"{type(error).__name__}: {error}"[:500]

    def receive(self) -> bool:
        """Act on one message. False when the parent is gone."""
        data, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE, DESCRIPTORS)
        if not data:
            return False
        message = json.loads(data)
        if message["type"] == "preload":
            sys.path[:0] = [path for path in message["path"] if path not in sys.path]
            self.queue.extend(message["modules"])
            self.configured = True
        elif message["type"] == "spawn":
            self.spawn(message, descriptors)
        return True

    def spawn(self, message: dict[str, Any], descriptors: list[int]) -> None:
        """Fork a keeper, which forks the child."""
        events, output, payload, leash = descriptors
        job = Job(message["entry"], message["limits"], leash, events, output, payload)
        try:
            pid = os.fork()
        except OSError as error:
            os.write(leash, json.dumps({"error": f"no process could be started: {error}"}).encode() + b"\n")
        else:
            if pid == 0:
                for descriptor in (self.control.detach(), self.wake, self._wake_write):
                    os.close(descriptor)
                keep(job)
            self.keepers.add(pid)
        for descriptor in descriptors:
            os.close(descriptor)

    def reap(self) -> None:
        """Collect keepers that ended. Any other child is what a killed keeper left behind, and is ended too."""
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self.keepers.discard(pid)
        for pid in tree.children(os.getpid()):
            if pid not in self.keepers:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


def once(arguments: list[str]) -> None:
    """Keep one job; `arguments` are the limits, the entry, further import paths as JSON, and the four descriptors."""
    head = json.loads(arguments[0])
    sys.path[:0] = head["path"]
    events, output, payload, leash = map(int, arguments[1:])
    keep(Job(head["entry"], head["limits"], leash, events, output, payload))


def main() -> None:
    """Choose the form by the first argument."""
    if sys.argv[1] == "--once":
        once(sys.argv[2:])
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
