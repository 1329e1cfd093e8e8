"""A run's events as an iterator that comes back by itself when the line breaks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mtf.contracts.registry import RunEvent
from mtf.errors import UnavailableError

if TYPE_CHECKING:
    from mtf.client.transport import Transport

SILENCE = 45.0
"""Seconds; the gateway says something every 15."""


def follow(transport: Transport, path: str, after: int, *, patience: float) -> Iterator[RunEvent]:
    """Events behind `after` until the stream ends by itself. Raises UnavailableError after `patience` seconds without the gateway."""
    heard = time.monotonic()
    while True:
        try:
            with transport.stream(path, headers={"Accept": "text/event-stream", "Last-Event-ID": str(after)}, timeout=SILENCE) as lines:
                for event in parse(lines):
                    after, heard = event.seq, time.monotonic()
                    yield event
                return
        except UnavailableError:
            if time.monotonic() - heard > patience:
                raise
        time.sleep(0.5)


def parse(lines: Iterable[str]) -> Iterator[RunEvent]:
    """Events of a `text/event-stream`. Comments, and events of a kind that is not known yet, are passed over."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            event = _event("\n".join(data))
            data = []
            if event is not None:
                yield event


def _event(data: str) -> RunEvent | None:
    try:
        return RunEvent.model_validate_json(data)
    except ValidationError:
        return None  # a newer gateway may say what this client does not know
