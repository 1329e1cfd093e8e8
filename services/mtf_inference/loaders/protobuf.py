"""Just enough of protobuf's wire format to look into an ONNX file: fields by number, without a schema compiler."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an integer, or the bytes of a string, a message or a packed list. Raises ValueError."""
    position = 0
    while position < len(data):
        key, position = varint(data, position)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, position = varint(data, position)
            yield number, value
            continue
        if wire == BYTES:
            size, position = varint(data, position)
        elif wire in {FIXED64, FIXED32}:
            size = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if position + size > len(data):
            raise ValueError("the message is cut off")
        yield number, data[position : position + size]
        position += size


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """One variable-length integer and the position behind it. Raises ValueError."""
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:  # noqa: PLR2004 - 64 bits at most
            raise ValueError("the number is cut off")
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position


def text(value: int | memoryview) -> str:
    """A string field."""
    return "" if isinstance(value, int) else bytes(value).decode(errors="replace")
