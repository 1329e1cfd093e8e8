"""The frames between a job and its model process."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf_inference import wire


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    """A connected pair; the first end does not block, as the parent's."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours.fileno(), theirs.fileno()


def soon() -> float:
    return time.monotonic() + 0.3


def test_a_frame_arrives_as_it_was_sent(pair: tuple[int, int]) -> None:
    """Header and body come back byte for byte, larger than any socket buffer."""
    body = os.urandom(3 << 20)
    sender = threading.Thread(target=wire.send, args=(pair[1], b'{"x":1}', [body[:5], memoryview(body)[5:]]))
    sender.start()
    header, size = wire.receive(pair[0], deadline=time.monotonic() + 10)
    assert (header, size) == (b'{"x":1}', len(body))
    assert bytes(wire.read(pair[0], size, deadline=time.monotonic() + 10)) == body
    sender.join()


@given(st.binary(max_size=200))
def test_any_bytes_give_a_reply_or_a_wire_error(data: bytes) -> None:
    """No input makes the reader raise anything but WireError, or wait beyond the end of the stream."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        theirs.sendall(data)
        theirs.close()
        with contextlib.suppress(wire.WireError):
            header, _ = wire.receive(ours.fileno(), deadline=time.monotonic() + 5)
            wire.parse(header)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one, max_size=4),
        max_leaves=20,
    )
)
def test_any_json_is_a_reply_or_a_wire_error(value: object) -> None:
    """Parsing raises WireError alone."""
    import json

    with contextlib.suppress(wire.WireError):
        wire.parse(json.dumps(value).encode())


def test_an_announced_size_allocates_nothing(pair: tuple[int, int]) -> None:
    """A header length above the bound is refused before it is read; a body is read as it comes."""
    os.write(pair[1], wire.HEAD.pack(wire.MAGIC, wire.MAX_HEADER + 1, 0))
    with pytest.raises(wire.WireError, match="header of"):
        wire.receive(pair[0], deadline=soon())
    with pytest.raises(wire.DeadlineError):
        wire.read(pair[0], 1 << 62, deadline=soon())


def test_silence_meets_the_deadline_and_an_end_is_told(pair: tuple[int, int]) -> None:
    """Nothing to read, nothing to write into, and a closed peer are three different things."""
    with pytest.raises(wire.DeadlineError):
        wire.receive(pair[0], deadline=soon())
    with pytest.raises(wire.DeadlineError):
        wire.send(pair[0], b"{}", [bytes(64 << 20)], deadline=soon())
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(wire.ClosedError):
        wire.receive(ours.fileno(), deadline=soon())


def test_the_size_of_an_answer_follows_from_its_header() -> None:
    """Codes take 4 bytes, values 8, scores 8 a column."""
    assert wire.Predicted(rows=3, kind="codes", columns=2, seconds=0).size == 3 * (4 + 16)
    assert wire.Predicted(rows=3, kind="float64", seconds=0).size == 24
    assert wire.Predicted(rows=3, kind="none", columns=1, seconds=0).size == 24
