"""The parent's view of one child: its events, its deadline, its memory, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtf.contracts.job import Limits
from mtf.errors import CancelledError, LimitError, LostError, MtfError, UnavailableError
from mtf.zygote import tree
from mtf.zygote.trouble import death_of

SAMPLE = 0.15
"""Seconds between two looks at a job's memory."""
LINE = 64 << 20
"""Longest event line in bytes; the facts of a wide dataset are the largest."""
OUTPUT = 256 << 10
"""Bytes of standard output and error that are passed on; the rest is read and dropped."""
GRACE = 5.0
"""Seconds that a killed tree gets to disappear before its end is reported all the same."""
BLOCK = 1 << 16


@dataclass(frozen=True)
class Pipes:
    """The parent's ends: two pipes to read, and the leash."""

    events: int
    output: int
    leash: socket.socket


class ChildProcess:
    """A running child. Iterate `events` to the end, or call `wait`; `kill` ends the child and all it forked."""

    def __init__(self, limits: Limits, oom_kills: Callable[[], int] | None = None) -> None:
        self.limits = limits
        self.pid = self.keeper = 0
        self.peak = 0
        """Most bytes of memory that the job's processes were seen to hold together."""
        self.stragglers = 0
        """Processes that were still alive when the child had ended."""
        self._status: int | None = None
        self._stop: MtfError | None = None
        self._last: dict[str, Any] | None = None
        self._queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(256)
        self._tasks: list[asyncio.Task[None]] = []
        self._oom_kills = oom_kills or _oom_kills
        self._final: dict[str, Any] | None = None

    async def attach(self, pipes: Pipes) -> bool:
        """Wait until the keeper says that the child runs. False when the leash closed before. Raises UnavailableError."""
        self._reader, self._writer = await asyncio.open_unix_connection(sock=pipes.leash)
        try:
            line = await self._reader.readline()
        except OSError:
            line = b""
        hello = json.loads(line) if line else {}
        if "pid" not in hello:
            os.close(pipes.events)
            os.close(pipes.output)
            await self._drop_leash()
            if "error" in hello:
                raise UnavailableError(hello["error"])
            return False
        self.pid, self.keeper = hello["pid"], hello["keeper"]
        self._oom_before = self._oom_kills()
        start = asyncio.create_task
        readers = [start(self._read_events(pipes.events)), start(self._read_output(pipes.output))]
        self._tasks = [*readers, start(self._watch()), start(self._finish(readers))]
        return True

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Every event as it came, and as the last one `{"type": "outcome", ...}` or `{"type": "problem", "problem": {...}}`."""
        while (event := await self._queue.get()) is not None:
            yield event
        await self._close()
        yield self._answer()

    async def wait(self) -> dict[str, Any]:
        """The last event; the others are dropped."""
        async for event in self.events():
            last = event
        return last

    async def kill(self, reason: MtfError | None = None) -> None:
        """End the child and everything it forked; `reason` becomes its problem. Returns when nothing is left, or after 5 s."""
        self._end(reason or CancelledError("the job was cancelled"))
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(self._tasks[-1]), GRACE)

    def abandon(self) -> None:
        """Let go of the leash without waiting: the keeper ends everything. For a parent that is leaving."""
        self._end(LostError("the service is shutting down"))

    def _end(self, reason: MtfError) -> None:
        if self._stop is None and self._final is None:
            self._stop = reason
        with contextlib.suppress(OSError, RuntimeError):
            if self._writer.can_write_eof() and not self._writer.is_closing():
                self._writer.write_eof()

    async def _read_events(self, descriptor: int) -> None:
        async with _pipe(descriptor) as reader:
            rest = b""
            while chunk := await reader.read(BLOCK):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    await self._take(line)
                if len(rest) > LINE:
                    self._end(LimitError(f"the job's answer is longer than {LINE >> 20} MiB"))
                    rest = b""
            if rest:
                await self._take(rest)

    async def _take(self, line: bytes) -> None:
        """One line of the event pipe: an event, the last line, or garbage that is shown as what it is."""
        try:
            event = json.loads(line)
            kind = event["type"]
        except (ValueError, TypeError, KeyError):
            if line.strip():
                await self._queue.put(_said(line, "warning"))
            return
        if kind in {"outcome", "problem"}:
            self._last = event
        else:
            await self._queue.put(event)

    async def _read_output(self, descriptor: int) -> None:
        """Pass on what the child printed, up to a cap; beyond it the pipe is read and the bytes are dropped."""
        async with _pipe(descriptor) as reader:
            room, rest = OUTPUT, b""
            while chunk := await reader.read(BLOCK):
                if room <= 0:
                    continue
                *lines, rest = (rest + chunk[:room]).split(b"\n")
                room -= len(chunk)
                for line in filter(None, map(bytes.strip, lines)):
                    await self._queue.put(_said(line, "info"))
                if len(rest) > BLOCK:
                    await self._queue.put(_said(rest, "info"))
                    rest = b""
            if rest.strip():
                await self._queue.put(_said(rest, "info"))
            if room <= 0:
                await self._queue.put(_said(f"... output beyond {OUTPUT >> 10} KiB was dropped".encode(), "warning"))

    async def _watch(self) -> None:
        """Sample memory and keep the deadline until the tree is gone."""
        limit, deadline = self.limits.memory, time.monotonic() + self.limits.timeout
        while True:
            await asyncio.sleep(min(SAMPLE, max(deadline - time.monotonic(), 0.001)))
            if time.monotonic() >= deadline:
                return self._end(LimitError(f"the job took longer than {self.limits.timeout:g} s", field="timeout", fix="raise `timeout`"))
            used = tree.memory(self.keeper, limit)
            self.peak = max(self.peak, used)
            if used > limit:
                return self._end(
                    LimitError(
                        f"the job used {_size(used)} of memory; the limit is {_size(limit)}",
                        field="memory",
                        found=_size(used),
                        fix="raise MTF_JOB_MEMORY, or use fewer rows or columns",
                    )
                )

    async def _finish(self, readers: list[asyncio.Task[None]]) -> None:
        """Hear how the child ended, wait until its pipes are empty, then close the queue."""
        end = {}
        with contextlib.suppress(OSError, ValueError):
            end = json.loads(await self._reader.readline() or b"{}")
        self._status, self.stragglers = end.get("status"), end.get("stragglers", 0)
        self._tasks[2].cancel()
        if self._status is None:  # the keeper was killed: its child died with it, and the zygote ends the rest
            _, late = await asyncio.wait(readers, timeout=GRACE)
            for task in late:
                task.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        await self._drop_leash()
        self._final = self._judge()
        await self._queue.put(None)

    def _judge(self) -> dict[str, Any]:
        """One answer from the child's last line, its exit status, and whether it was stopped."""
        clean = self._status == 0 and self._last is not None
        if clean and self._last is not None:
            return self._last
        if self._stop is None and self._last is not None and self._last["type"] == "problem":
            return self._last
        error = self._stop or death_of(self._status, out_of_memory=self._oom_kills() > self._oom_before)
        return {"type": "problem", "problem": error.problem().model_dump(mode="json")}

    def _answer(self) -> dict[str, Any]:
        return self._final or {"type": "problem", "problem": death_of(None).problem().model_dump(mode="json")}

    async def _close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drop_leash(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def _pipe(descriptor: int) -> AsyncIterator[asyncio.StreamReader]:
    """A reader over a pipe, closed at the end."""
    reader = asyncio.StreamReader(limit=BLOCK * 4)
    file = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    try:
        yield reader
    finally:
        transport.close()


def _said(line: bytes, level: str) -> dict[str, Any]:
    """Printed bytes as a log event: control characters escaped, so that they cannot play with a terminal."""
    text = line[:2000].decode("utf-8", "replace")
    return {"type": "log", "level": level, "message": "".join(c if c.isprintable() or c == "\t" else "�" for c in text)}


def _size(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB" if count < 2**30 else f"{count / 2**30:,.2f} GiB"


def _oom_kills() -> int:
    """How many processes of this control group the kernel has ended for memory."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        with contextlib.suppress(OSError, ValueError):
            fields = dict(line.split(" ", 1) for line in Path(path).read_text().splitlines())
            return int(fields.get("oom_kill", 0))
    return 0
