"""Server-sent events: one run's history as a stream that ends when the run does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from fastapi.responses import StreamingResponse

from mtf.contracts.registry import RunEvent

KEEP_ALIVE = b": still here\n\n"
RETRY = b"retry: 1000\n\n"
"""Milliseconds after which a browser that was cut off comes back, with `Last-Event-ID`."""


class EventStream(StreamingResponse):
    """Events as they come; a comment after `keep_alive` seconds of silence, so that no proxy takes the line for dead."""

    media_type = "text/event-stream"
    documented: ClassVar[dict[str, Any]] = {
        "description": "A stream of events",
        "content": {
            "text/event-stream": {"schema": {"type": "string"}, "example": 'id: 3\nevent: status\ndata: {"seq": 3, "kind": "status"}\n\n'}
        },
    }

    def __init__(self, events: AsyncIterator[RunEvent], *, keep_alive: float, closing: asyncio.Event) -> None:
        # X-Accel-Buffering tells nginx to pass every event on at once.
        super().__init__(lines(events, keep_alive, closing), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def encode(event: RunEvent) -> bytes:
    """One event. JSON holds no line break, so that one `data:` line is enough."""
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {event.model_dump_json()}\n\n".encode()


async def lines(events: AsyncIterator[RunEvent], keep_alive: float, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """The bytes of a stream, until the events end or the service closes. A keep-alive never interrupts the reading of an event."""
    yield RETRY
    waiting, closed = asyncio.ensure_future(anext(events, None)), asyncio.ensure_future(closing.wait())
    try:
        while not closing.is_set():
            done, _ = await asyncio.wait({waiting, closed}, timeout=keep_alive, return_when=asyncio.FIRST_COMPLETED)
            if waiting in done:
                event = waiting.result()
                if event is None:
                    return
                yield encode(event)
                waiting = asyncio.ensure_future(anext(events, None))
            elif not done:
                yield KEEP_ALIVE
    finally:
        for task in (waiting, closed):
            task.cancel()
        await asyncio.gather(waiting, closed, return_exceptions=True)
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
