"""The parent's half: start the zygote, keep it running, ask it for children."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mtf.contracts.job import Limits
from mtf.errors import UnavailableError
from mtf.zygote.launch import FORKS, Launched, environment, launch, launch_once, preload_message
from mtf.zygote.process import ChildProcess, Pipes

TRIES = 3
"""Zygotes that one request may meet dying."""
RESTARTS, WINDOW = 5, 60.0
"""More deaths than this within as many seconds mean that starting again does not help."""
HEADROOM = 4 * 1024**3
"""Address space that allocators reserve without using it; the backstop must not forbid it."""


class Zygote:
    """A warm process that forks children. `start` returns at once; `spawn` waits until the zygote can serve.

    Args:
        preload: Modules to import, in order. Requests are served between two of them, so light ones go first.
        cpus: CPU quota of a child; its libraries start this many threads.
        env: Variables that children see beside the bare minimum. Never secrets.
        path: Folders where else modules are looked for.
        early: What `launch()` started already.
        fork: Whether a warm process forks children; otherwise each child is a process of its own. Default: on Linux.
    """

    def __init__(
        self,
        preload: Sequence[str] = (),
        cpus: float = 1.0,
        *,
        env: Mapping[str, str] | None = None,
        path: Sequence[str] = (),
        early: Launched | None = None,
        fork: bool = FORKS,
    ) -> None:
        self.preload, self.cpus, self.env, self.path, self.fork = tuple(preload), cpus, env, tuple(path), fork
        self.failed: dict[str, str] = {}
        """Modules that could not be imported, with the reason."""
        self.seconds: float | None = None
        """How long the imports took; None until they are done."""
        self._launched = early
        self._running = False
        self._ready = asyncio.Event()
        self._deaths: list[float] = []
        self._watcher: asyncio.Task[None] | None = None
        self._children: set[ChildProcess] = set()
        self._closing = False
        self._words: str | None = None

    @property
    def pid(self) -> int | None:
        """The zygote's process, while there is one."""
        return self._launched.process.pid if self._launched and self._running else None

    def require(self, *modules: str) -> None:
        """Add modules to the preload, behind those that are there. A zygote that runs already is told."""
        added = tuple(module for module in dict.fromkeys(modules) if module not in self.preload)
        self.preload += added
        if added and self._running and self._launched is not None:
            with contextlib.suppress(OSError):  # dead: the next one is told from the start
                self._launched.control.send(preload_message(added, self.path))

    async def start(self) -> None:
        """Start the process and return; nothing is waited for. Safe to call again."""
        if self._running or not self.fork or self._closing:
            return
        self._ready.clear()
        self._launched = self._launched or launch(cpus=self.cpus, env=self.env)
        self._launched.control.setblocking(False)
        with contextlib.suppress(OSError):  # dead already: the watcher will see it
            self._launched.control.send(preload_message(self.preload, self.path))
        self._running = True
        self._watcher = asyncio.create_task(self._watch(self._launched))

    async def ready(self, timeout: float = 60.0) -> None:  # noqa: ASYNC109 - callers ask with a bound, not with a scope
        """Return when everything is imported. Raises UnavailableError."""
        await self.start()
        if self.fork:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ready.wait(), timeout)
            if not self._running:
                raise UnavailableError("the process that starts jobs is not running", fix="the service starts it again by itself")

    async def revive(self) -> None:
        """Start, also again after a death, unless deaths come too fast. Raises UnavailableError."""
        if self._closing:
            raise UnavailableError("the service is shutting down")
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < WINDOW]
        if len(self._deaths) > RESTARTS:
            raise UnavailableError("the process that starts jobs dies again and again", fix="see the service's log", found=self._words)
        await self.start()

    async def spawn(self, entry: str, payload: Mapping[str, Any], limits: Limits | None = None) -> ChildProcess:
        """Start `module:function`, which gets the payload and the descriptor to write events to. Raises UnavailableError."""
        data = json.dumps(payload).encode()
        for _ in range(TRIES):
            await self.revive()
            child = ChildProcess(limits or Limits())
            if await child.attach(await self._request(entry, data, child.limits)):
                self._children.add(child)
                self._children = {one for one in self._children if one._final is None}  # noqa: SLF001 - the two halves of one thing
                return child
        raise UnavailableError("the process that starts jobs dies again and again", fix="see the service's log", found=self._words)

    async def close(self) -> None:
        """End every child and the zygote."""
        self._closing = True
        for child in self._children:
            child.abandon()
        await asyncio.gather(*(child._close() for child in self._children))  # noqa: SLF001 - see `spawn`
        if self._launched is not None:
            await self._stop(self._launched)
        if self._watcher is not None:
            await self._watcher

    async def _request(self, entry: str, data: bytes, limits: Limits) -> Pipes:
        """Hand a job over. Descriptors of ours are closed here, so that a zygote that dies closes the leash."""
        events, events_write = os.pipe()
        output, output_write = os.pipe()
        leash, leash_theirs = socket.socketpair()
        leash.setblocking(False)
        head = {"type": "spawn", "entry": entry, "limits": {"data": 2 * limits.memory + HEADROOM}, "path": self.path}
        with (
            tempfile.TemporaryFile() if not hasattr(os, "memfd_create") else os.fdopen(os.memfd_create("payload"), "w+b") as file,
            leash_theirs,
        ):
            file.write(data)
            file.flush()
            file.seek(0)
            descriptors = [events_write, output_write, file.fileno(), leash_theirs.fileno()]
            try:
                await self._send(head, descriptors)
            finally:
                os.close(events_write)
                os.close(output_write)
        return Pipes(events, output, leash)

    async def _send(self, head: dict[str, Any], descriptors: list[int]) -> None:
        if not self.fork:
            process = launch_once(head, descriptors, environment(self.cpus, self.env))
            asyncio.get_running_loop().run_in_executor(None, process.wait)
            return
        assert self._launched is not None  # noqa: S101 - `revive` came before
        message = json.dumps(head).encode()
        while True:
            try:
                socket.send_fds(self._launched.control, [message], descriptors)
            except BlockingIOError:
                await asyncio.sleep(0.005)
            except OSError:  # it died; the closed leash tells
                return
            else:
                return

    async def _watch(self, launched: Launched) -> None:
        """Read what the zygote says until it ends; then start it again."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(launched.control, 1 << 16):
                message = json.loads(data)
                self.failed, self.seconds = message["failed"], message["seconds"]
                self._ready.set()
        self._running, self._launched = False, None
        self._ready.clear()
        self._deaths.append(time.monotonic())
        await asyncio.to_thread(launched.process.wait)
        launched.control.close()
        self._words = _tail(launched)
        launched.stderr.close()
        if not self._closing and len(self._deaths) <= RESTARTS:
            await self.start()

    async def _stop(self, launched: Launched) -> None:
        """Close the control socket, at which the zygote leaves; kill it when it does not at once: its children are gone already."""
        with contextlib.suppress(OSError):
            launched.control.shutdown(socket.SHUT_RDWR)
        try:
            await asyncio.to_thread(launched.process.wait, 0.05)
        except subprocess.TimeoutExpired:  # it is in the middle of an import
            launched.process.kill()


def _tail(launched: Launched, size: int = 500) -> str:
    """The end of what a zygote wrote to its standard error."""
    end = launched.stderr.seek(0, os.SEEK_END)
    launched.stderr.seek(max(0, end - size))
    return launched.stderr.read().decode("utf-8", "replace").strip()
