"""Frames between a job and its model process: a fixed head, a bounded JSON header, raw bytes of announced size.

The parent is trusted, the child is not. So the parent validates every header by contract, computes from its own knowledge how
many bytes may follow, and reads exactly that many before its deadline; nothing that the child sends is ever unpickled or parsed as Arrow.
"""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from mtf.contracts.base import Contract

HEAD = struct.Struct("<4sIQ")
"""Magic, bytes of the header, bytes of the body."""
MAGIC = b"MTF1"
MAX_HEADER = 4 << 20
"""Bytes of JSON that a child may send: names of some 100,000 features, and no more."""
MAX_ABOUT = 1 << 16
"""Bytes of JSON that a model may say of itself; they end up in the run's facts."""
CHUNK = 1 << 20

Text = Annotated[str, Field(max_length=1000)]
Scalar = Text | bool | int | float


class WireError(Exception):
    """The other side broke the protocol; the message says how."""


class ClosedError(WireError):
    """The other side is gone."""


class DeadlineError(WireError):
    """The other side did not answer in time."""


class Ready(Contract):
    """First frame: the process has locked itself down, and has not touched the model."""

    type: Literal["ready"] = "ready"
    level: Literal["strict", "partial", "process"]
    lacking: list[Text] = Field(default_factory=list, max_length=20)


class Loaded(Contract):
    """The model is open."""

    type: Literal["loaded"] = "loaded"
    features: list[Text] | None = Field(default=None, max_length=200_000)
    width: int | None = Field(default=None, ge=0)
    labels: list[Scalar] | None = Field(default=None, max_length=10_000)
    about: dict[str, Any] = Field(default_factory=dict, description="At most `MAX_ABOUT` bytes as JSON.")
    seconds: float = Field(ge=0)
    attempts: list[Text] = Field(default_factory=list, max_length=20)


class Predicted(Contract):
    """What the model said of one batch. The body holds the labels (float64, or int32 codes into `values`), then the scores (float64)."""

    type: Literal["predicted"] = "predicted"
    rows: int = Field(ge=0)
    kind: Literal["none", "float64", "codes"]
    values: list[Scalar] = Field(default_factory=list, max_length=10_000)
    columns: int = Field(default=0, ge=0, description="Score columns; 0 where there are no scores.")
    seconds: float = Field(ge=0)
    attempts: list[Text] = Field(default_factory=list, max_length=20)

    @property
    def size(self) -> int:
        """Bytes that the body must have."""
        return self.rows * ({"none": 0, "float64": 8, "codes": 4}[self.kind] + 8 * self.columns)


class Failed(Contract):
    """The model, or its loader, raised."""

    type: Literal["failed"] = "failed"
    cause: Literal["model", "memory", "spec", "data"]
    message: str = Field(max_length=20_000)
    field: str | None = None
    found: str | None = None
    fix: str | None = None
    attempts: list[Text] = Field(default_factory=list, max_length=20)


Reply = Annotated[Ready | Loaded | Predicted | Failed, Field(discriminator="type")]
REPLY: TypeAdapter[Ready | Loaded | Predicted | Failed] = TypeAdapter(Reply)


def send(descriptor: int, header: bytes, body: Sequence[bytes | memoryview] = (), *, deadline: float | None = None) -> None:
    """Write one frame. Raises ClosedError, or DeadlineError when the reader does not take it before `deadline` (monotonic seconds)."""
    size = sum(memoryview(part).nbytes for part in body)
    for part in (HEAD.pack(MAGIC, len(header), size) + header, *body):
        view = memoryview(part).cast("B")
        while view:
            if deadline is not None:
                _wait(descriptor, select.POLLOUT, deadline)
            try:
                view = view[os.write(descriptor, view[:CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise ClosedError(str(error)) from None


def receive(descriptor: int, *, deadline: float | None = None) -> tuple[bytes, int]:
    """Read the head and the header of one frame; the body of the returned size is still to be read. Raises WireError."""
    magic, length, size = HEAD.unpack(bytes(read(descriptor, HEAD.size, deadline=deadline)))
    if magic != MAGIC:
        raise WireError("it sent bytes that are no message")
    if deadline is not None and length > MAX_HEADER:
        raise WireError(f"it announced a header of {length:,} bytes, more than {MAX_HEADER:,}")
    return bytes(read(descriptor, length, deadline=deadline)), size


def parse(header: bytes) -> Ready | Loaded | Predicted | Failed:
    """The validated reply of a child. Raises WireError."""
    try:
        return REPLY.validate_json(header)
    except (ValidationError, RecursionError) as error:
        # The text of a validation error may repeat what was sent; only its kind is shown.
        first = (
            error.errors(include_url=False, include_input=False, include_context=False)[0]["type"]
            if isinstance(error, ValidationError)
            else "too deep"
        )
        raise WireError(f"it sent a message that breaks the protocol ({first})") from None


def read(descriptor: int, size: int, *, deadline: float | None = None) -> memoryview:
    """Exactly `size` bytes. The buffer grows with what arrives, so that an announced size allocates nothing. Raises WireError."""
    buffer = bytearray()
    while len(buffer) < size:
        if deadline is not None:
            _wait(descriptor, select.POLLIN, deadline)
        try:
            data = os.read(descriptor, min(CHUNK, size - len(buffer)))
        except BlockingIOError:
            continue
        except OSError as error:
            raise ClosedError(str(error)) from None
        if not data:
            raise ClosedError("end of file")
        buffer += data
    return memoryview(buffer)


def readable(text: str, most: int = 2000) -> str:
    """Text of the other side as a person may see it: no control characters that play with a terminal, and an end."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in text[:most])


def _wait(descriptor: int, events: int, deadline: float) -> None:
    """Return when `descriptor` is ready or closed. Raises DeadlineError."""
    poll = select.poll()
    poll.register(descriptor, events)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise DeadlineError("no answer")
