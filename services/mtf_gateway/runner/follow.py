"""One job from its first request to its last event, over as many connections as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mtf.contracts.job import AnyEvent, Failed, Heartbeat, JobRequest, JobResult, Result, Started
from mtf.errors import BusyError, ProblemError, UnavailableError
from mtf.jobs.worker import Worker

OnEvent = Callable[[AnyEvent], Awaitable[None]]
OnWait = Callable[[BusyError], Awaitable[None]]

BUSY_PAUSE = (0.2, 30.0)
"""Shortest and longest pause before a full worker is asked again, in seconds; in between it says itself."""


@dataclass(frozen=True)
class Patience:
    """How long a worker may be away, in seconds."""

    reconnect: float = 60.0
    silence: float = 20.0
    first_pause: float = 0.2
    longest_pause: float = 5.0


async def follow(
    worker: Worker,
    request: JobRequest,
    *,
    instance: str | None = None,
    patience: Patience | None = None,
    on_event: OnEvent | None = None,
    on_busy: OnWait | None = None,
) -> JobResult:
    """Start the job or attach to it, and return its result.

    A worker that is full is asked again for as long as it takes. One that is gone, or silent, is called again with growing pauses; the job goes
    on where its events were last seen.

    Raises ProblemError with what the job failed of, FencedError when somebody newer owns the job, UnavailableError when the worker stayed away.
    """
    patience = patience or Patience()
    reader = _Reader(worker, request, instance, patience.silence)
    away_since: float | None = None
    pause = patience.first_pause
    while True:
        began = time.monotonic()
        try:
            return await _read(reader, on_event)
        except BusyError as error:
            away_since = None
            if on_busy is not None:
                await on_busy(error)
            await asyncio.sleep(min(max(error.retry_after, BUSY_PAUSE[0]), BUSY_PAUSE[1]))
        except (UnavailableError, TimeoutError) as error:
            now = time.monotonic()
            if reader.heard > began:
                away_since, pause = None, patience.first_pause
            away_since = now if away_since is None else away_since
            if now - away_since + pause > patience.reconnect:
                raise UnavailableError(f"the {request.stage} worker did not come back", stage=request.stage) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, patience.longest_pause)


async def _read(reader: _Reader, on_event: OnEvent | None) -> JobResult:
    """Read one stream to the result. Raises UnavailableError when it ends before."""
    async with contextlib.aclosing(reader.events()) as events:
        async for event in events:
            if isinstance(event, Result):
                return event.result
            if isinstance(event, Failed):
                raise ProblemError(event.problem)
            if on_event is not None and not isinstance(event, Heartbeat):
                await on_event(event)
    raise UnavailableError("the worker closed the stream before the end")


class _Reader:
    """Remembers where the events were last seen."""

    def __init__(self, worker: Worker, request: JobRequest, instance: str | None, silence: float) -> None:
        self._worker, self._request, self._instance, self._silence = worker, request, instance, silence
        self._seen = request.after_seq
        self.heard = 0.0
        """When the worker last said anything, on the monotonic clock."""

    async def events(self) -> AsyncGenerator[AnyEvent]:
        """Open one stream and yield what is new. Raises TimeoutError after too long a silence."""
        request = self._request.model_copy(update={"after_seq": self._seen})
        stream: Any = self._worker.run(request, instance=self._instance)
        try:
            while True:
                async with asyncio.timeout(self._silence):
                    event = await anext(stream, None)
                if event is None:
                    return
                self.heard = time.monotonic()
                if isinstance(event, Started):
                    # Another instance counts from 1 again; so does a job that was started anew.
                    self._instance, self._seen = event.instance, event.seq
                elif not isinstance(event, Heartbeat):
                    self._seen = event.seq
                yield event
        finally:
            await stream.aclose()


async def call(work: Callable[[], Awaitable[Any]], patience: Patience) -> Any:
    """A short call to a worker, repeated while it is away. Raises UnavailableError after the patience."""
    give_up, pause = time.monotonic() + patience.reconnect, patience.first_pause
    while True:
        try:
            return await work()
        except (UnavailableError, BusyError):
            if time.monotonic() + pause > give_up:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, patience.longest_pause)
