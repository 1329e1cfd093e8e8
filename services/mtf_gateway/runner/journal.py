"""What a job says while it computes, brought to the database at most once a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Self

from mtf.contracts.job import AnyEvent, Log, Progress, Started
from mtf.errors import BusyError

Row = dict[str, Any]
Write = Callable[[Row, list[Row]], Awaitable[None]]
"""Stores changes of the stage's row and events of the run."""

INTERVAL = 1.0
LOG_LINES = 1000
"""Log lines of one job that are kept as events; the job's own log file has the rest."""


class Journal:
    """Collects a job's events. `save` brings them out; so does a clock, while the journal is open."""

    def __init__(self, stage: str, write: Write, *, at_once: bool) -> None:
        self._stage, self._write, self._at_once = stage, write, at_once
        self._values: Row = {}
        self._events: list[Row] = []
        self._progress: Row | None = None
        self._lines = 0
        self._clock: asyncio.Task[None] | None = None
        self._saving = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start the clock."""
        self._clock = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the clock; what was not saved is with the caller, in `take`."""
        if self._clock is None:
            return
        async with self._saving:  # a write that was cut off would go on in its thread, behind the back of the next one
            self._clock.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._clock

    async def on_event(self, event: AnyEvent) -> None:
        """Take an event. The instance that holds the job is stored at once, so that whoever takes over finds the way to it."""
        self._values["after_seq"] = event.seq
        if isinstance(event, Started):
            self._values["instance"] = event.instance
            if self._at_once:
                await self.save()
        elif isinstance(event, Progress):
            self._tell({"done": event.done, "total": event.total, "unit": event.unit, "message": event.message})
        elif isinstance(event, Log):
            self._lines += 1
            if self._lines <= LOG_LINES:
                self._events.append(self._row("log", {"level": event.level, "message": event.message}))

    async def on_busy(self, error: BusyError) -> None:
        """Tell why nothing happens."""
        self._tell({"done": 0, "total": None, "unit": "", "message": f"waiting: {error.message}"})

    def take(self) -> tuple[Row, list[Row]]:
        """What was not saved yet; the journal is empty after it."""
        values, events = self._values, self._events
        if self._progress is not None:
            values["progress"] = self._progress
            events.append(self._row("progress", self._progress))
        self._values, self._events, self._progress = {}, [], None
        return values, events

    async def save(self) -> None:
        """Write what is there."""
        async with self._saving:
            values, events = self.take()
            if values or events:
                await self._write(values, events)

    def _tell(self, progress: Row) -> None:
        self._progress = progress

    def _row(self, kind: str, data: Row) -> Row:
        return {"kind": kind, "stage": self._stage, "data": data}

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            await self.save()
