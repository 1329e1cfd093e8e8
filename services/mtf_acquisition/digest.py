r"""The content digest of a dataset version: what the table says, not how some file spells it.

    version = sha256( header , block digests in row order , rows )
    header  = b"mtf-content-1\n" + JSON [[name, type], ...]      type: int64, float64, utf8, bool, timestamp or decimal(38,s)
    block   = sha256( column digests in order )                  of 65,536 rows; the last one may be shorter
    column  = sha256( rows, validity bits, canonical values )

Canonical values are little-endian and zero where missing, so that whatever lies under a null in a buffer does not count:

    int64, timestamp   8 bytes each (timestamp: microseconds since 1970 in UTC)
    float64            8 bytes each; every NaN is the quiet NaN 0x7ff8000000000000, and -0.0 is 0.0, because it equals it
    bool               1 bit each, lowest bit first
    decimal(38,s)      16 bytes each, two's complement of the unscaled value
    utf8               lengths in bytes as 8 bytes each, then all UTF-8 bytes one behind the other

Nothing of Parquet enters, nor offsets, slices or chunks: a digest survives a new writer and another batch size.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

BLOCK_ROWS = 65_536
"""Rows of one hashed block, one Parquet row group and one profiled batch."""

_DOMAIN = b"mtf-content-1\n"


class ContentDigest:
    """Folds blocks of canonical columns, in row order, into the digest of a version.

    Every block but the last must have `BLOCK_ROWS` rows; `add` refuses a table cut otherwise, whose digest would depend on the cut.
    """

    def __init__(self, schema: pa.Schema) -> None:
        header = json.dumps([[field.name, type_name(field.type)] for field in schema], ensure_ascii=False, separators=(",", ":"))
        self._hash = hashlib.sha256(_DOMAIN + header.encode() + b"\n")
        self._rows, self._closed = 0, False

    def add(self, block: pa.RecordBatch) -> None:
        """Fold in the next block. Raises ValueError behind a short block or for one that is too long."""
        if self._closed or block.num_rows > BLOCK_ROWS:
            raise ValueError(f"blocks have {BLOCK_ROWS} rows, and only the last may be shorter")
        self._closed = block.num_rows < BLOCK_ROWS
        if block.num_rows:
            self._hash.update(hashlib.sha256(b"".join(column_digest(column) for column in block.columns)).digest())
            self._rows += block.num_rows

    def hexdigest(self) -> str:
        """The digest of what was added so far, 64 hexadecimal digits."""
        final = self._hash.copy()
        final.update(_int64(self._rows))
        return final.hexdigest()


def type_name(kind: pa.DataType) -> str:
    """The canonical name of a canonical Arrow type. Raises TypeError for any other type."""
    if pa.types.is_decimal128(kind):
        return f"decimal(38,{kind.scale})"
    name = {pa.int64(): "int64", pa.float64(): "float64", pa.string(): "utf8", pa.bool_(): "bool", pa.timestamp("us", "UTC"): "timestamp"}
    if kind not in name:
        raise TypeError(f"{kind} is not a canonical type")
    return name[kind]


def column_digest(column: pa.Array) -> bytes:
    """SHA-256 of one column of one block, 32 bytes."""
    rows = len(column)
    valid = _bits(column.buffers()[0], column.offset, rows) if column.null_count else None
    digest = hashlib.sha256(_int64(rows))
    digest.update(np.packbits(np.ones(rows, bool) if valid is None else valid, bitorder="little").data)
    for part in _values(column, valid):
        digest.update(part)
    return digest.digest()


def _values(column: pa.Array, valid: NDArray[np.bool_] | None) -> list[Any]:
    """The canonical value bytes of a column, as buffers."""
    kind, rows, start = column.type, len(column), column.offset
    if pa.types.is_string(kind):
        return _text(column, valid)
    data = column.buffers()[1]
    if pa.types.is_boolean(kind):
        bits = _bits(data, start, rows)
        return [np.packbits(bits if valid is None else bits & valid, bitorder="little").data]
    if pa.types.is_decimal128(kind):
        words = np.frombuffer(data, "<i8", count=2 * rows, offset=16 * start).reshape(rows, 2)
        return [np.ascontiguousarray(words if valid is None else np.where(valid[:, None], words, 0)).data]
    dtype = "<f8" if pa.types.is_float64(kind) else "<i8"
    values: NDArray[Any] = np.frombuffer(data, dtype, count=rows, offset=8 * start)
    if valid is not None:
        values = np.where(valid, values, values.dtype.type(0))
    if dtype == "<f8":
        values = values + 0.0  # -0.0 + 0.0 is 0.0; every other value stays as it is
        unknown = np.isnan(values)
        if unknown.any():
            values.view("<u8")[unknown] = 0x7FF8_0000_0000_0000
    return [values.data]


def _text(column: pa.Array, valid: NDArray[np.bool_] | None) -> list[Any]:
    """Lengths, then bytes. Text under a null, which Arrow allows, is dropped first."""
    offsets = _offsets(column)
    if valid is not None and (np.diff(offsets)[~valid] != 0).any():
        column = column.fill_null("")
        offsets = _offsets(column)
    data = column.buffers()[2]
    lengths = np.diff(offsets).astype("<i8")
    return [lengths.data, memoryview(data)[offsets[0] : offsets[-1]] if data is not None and len(offsets) else b""]


def _offsets(column: pa.Array) -> NDArray[np.int32]:
    """The (rows + 1,) byte offsets of a string column's slice."""
    if not len(column):
        return np.zeros(1, "<i4")
    return np.frombuffer(column.buffers()[1], "<i4", count=len(column) + 1, offset=4 * column.offset)


def _bits(buffer: pa.Buffer, start: int, rows: int) -> NDArray[np.bool_]:
    """(rows,) booleans of a bitmap, from bit `start` on."""
    first, last = start // 8, (start + rows + 7) // 8
    packed = np.frombuffer(buffer, np.uint8, count=last - first, offset=first)
    return np.unpackbits(packed, bitorder="little", count=start % 8 + rows)[start % 8 :].astype(bool, copy=False)


def _int64(number: int) -> bytes:
    return number.to_bytes(8, "little")
