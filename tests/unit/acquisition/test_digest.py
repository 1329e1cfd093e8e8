"""The content digest."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf_acquisition.digest import BLOCK_ROWS, ContentDigest, column_digest
from mtf_acquisition.write import blocks

UTC = pa.timestamp("us", "UTC")
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "float64": (pa.float64(), st.floats()),
    "utf8": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6)),
    "bool": (pa.bool_(), st.booleans()),
    "timestamp": (UTC, st.integers(-(2**50), 2**50)),
    "decimal": (pa.decimal128(38, 3), st.decimals(-(10**9), 10**9, places=3)),
}


def digest(table: pa.Table, rows: int = BLOCK_ROWS) -> str:
    """The digest of a table, cut into blocks."""
    folded = ContentDigest(table.schema)
    for block in blocks(iter(table.to_batches()), rows):
        folded.add(block)
    return folded.hexdigest()


def slow_digest(names: list[str], kinds: list[str], columns: list[list[Any]]) -> str:
    """The definition in the module's docstring, value by value; for tables of one block."""
    spelt = [kind if kind != "decimal" else "decimal(38,3)" for kind in kinds]
    header = json.dumps([[name, kind] for name, kind in zip(names, spelt, strict=True)], ensure_ascii=False, separators=(",", ":"))
    rows = len(columns[0])
    block = b"".join(slow_column(kind, values) for kind, values in zip(kinds, columns, strict=True))
    parts = [b"mtf-content-1\n", header.encode(), b"\n", hashlib.sha256(block).digest() if rows else b"", rows.to_bytes(8, "little")]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def slow_column(kind: str, values: list[Any]) -> bytes:
    out = len(values).to_bytes(8, "little") + bits([value is not None for value in values])
    if kind == "bool":
        out += bits([bool(value) for value in values])
    elif kind == "utf8":
        encoded = [b"" if value is None else value.encode() for value in values]
        out += b"".join(len(one).to_bytes(8, "little") for one in encoded) + b"".join(encoded)
    else:
        out += b"".join(slow_value(kind, value) for value in values)
    return hashlib.sha256(out).digest()


def slow_value(kind: str, value: Any) -> bytes:
    if kind == "decimal":
        return (0 if value is None else int(value.scaleb(3))).to_bytes(16, "little", signed=True)
    if kind == "float64":
        number = 0.0 if value is None or value == 0 else value
        return struct.pack("<Q", 0x7FF8000000000000) if number != number else struct.pack("<d", number)  # noqa: PLR0124 - only NaN differs from itself
    return (0 if value is None else value).to_bytes(8, "little", signed=True)


def bits(flags: list[bool]) -> bytes:
    out = bytearray((len(flags) + 7) // 8)
    for index, flag in enumerate(flags):
        out[index // 8] |= flag << (index % 8)
    return bytes(out)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]], int]:
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    rows = draw(st.integers(0, 40))
    return kinds, [draw(st.lists(st.none() | KINDS[kind][1], min_size=rows, max_size=rows)) for kind in kinds], draw(st.integers(1, 40))


@settings(max_examples=80, deadline=None)
@given(tables())
def test_digest_is_the_definition_for_any_chunking(case: tuple[list[str], list[list[Any]], int]) -> None:
    """The vectorised digest equals the written definition, however the table is chunked and sliced."""
    kinds, columns, cut = case
    names = [f"c{index}" for index in range(len(kinds))]
    arrays = [pa.array(values, KINDS[kind][0]) for kind, values in zip(kinds, columns, strict=True)]
    table = pa.table(arrays, names=names)
    chunked = pa.concat_tables([table.slice(start, cut) for start in range(0, table.num_rows, cut)]) if table.num_rows else table
    assert digest(table) == digest(chunked) == slow_digest(names, kinds, columns)


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 10))
def test_column_digest_ignores_offsets(case: tuple[list[str], list[list[Any]], int], skip: int) -> None:
    """A slice of a longer array hashes like a fresh array of the same values."""
    kinds, columns, _ = case
    for kind, values in zip(kinds, columns, strict=True):
        part = values[skip:]
        assert column_digest(pa.array(values, KINDS[kind][0])[skip:]) == column_digest(pa.array(part, KINDS[kind][0]))


def test_what_lies_under_a_null_does_not_count() -> None:
    """Two arrays with equal values and different bytes under their nulls have one digest."""
    mask = pa.array([True, False, True]).buffers()[1]
    plain = pa.Array.from_buffers(pa.int64(), 3, [mask, pa.py_buffer(np.array([1, 7, 3]))])
    assert column_digest(plain) == column_digest(pa.array([1, None, 3]))
    offsets, text = pa.py_buffer(np.array([0, 1, 4, 5], "<i4")), pa.py_buffer(b"axxxb")
    assert column_digest(pa.Array.from_buffers(pa.string(), 3, [mask, offsets, text])) == column_digest(pa.array(["a", None, "b"]))


def test_nan_and_negative_zero_have_one_spelling() -> None:
    """Every NaN payload is one NaN and -0.0 is 0.0, because they are equal as data."""
    other = np.array([0x7FF8000000000001, 0xFFF8000000000000], "<u8").view("<f8")
    assert column_digest(pa.array(other)) == column_digest(pa.array([float("nan")] * 2))
    assert column_digest(pa.array([-0.0])) == column_digest(pa.array([0.0]))


@pytest.mark.parametrize(
    "other",
    [
        pa.table({"b": [1, 2], "x": ["p", "q"]}),
        pa.table({"x": ["p", "q"], "a": [1, 2]}),
        pa.table({"a": [2, 1], "x": ["q", "p"]}),
        pa.table({"a": [1.0, 2.0], "x": ["p", "q"]}),
        pa.table({"a": [1, None], "x": ["p", "q"]}),
        pa.table({"a": [1, 2], "x": ["pq", ""]}),
        pa.table({"a": [1, 2], "x": [None, "pq"]}),
    ],
)
def test_other_content_has_another_digest(other: pa.Table) -> None:
    """Names, order of columns, order of rows, types, missing values and the borders of texts all count."""
    assert digest(other) != digest(pa.table({"a": [1, 2], "x": ["p", "q"]}))


def test_digest_survives_the_parquet_writer(tmp_path: Path) -> None:
    """Other compression, encodings and row groups are the same content."""
    times = pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None] * 50, UTC)
    table = pa.table({"t": times, "d": pa.array([Decimal("1.250"), None] * 50, pa.decimal128(38, 3)), "s": ["a", "b"] * 50})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", row_group_size=7)
    pq.write_table(table, tmp_path / "b.parquet", compression="none", use_dictionary=False)
    assert digest(pq.read_table(tmp_path / "a.parquet")) == digest(pq.read_table(tmp_path / "b.parquet")) == digest(table)


def test_blocks_must_be_full() -> None:
    """A short block ends the table: a digest that depended on the cut would be no digest of content."""
    folded = ContentDigest(pa.schema([("a", pa.int64())]))
    folded.add(pa.RecordBatch.from_pydict({"a": [1]}))
    with pytest.raises(ValueError, match="rows"):
        folded.add(pa.RecordBatch.from_pydict({"a": [2]}))


def test_long_tables_fold_block_by_block() -> None:
    """A table of several blocks has one digest, whatever the size of the batches it arrives in."""
    table = pa.table({"a": np.arange(2 * BLOCK_ROWS + 5)})
    pieces = pa.Table.from_batches(table.to_batches(max_chunksize=10_007))
    assert digest(table) == digest(pieces) != digest(table.slice(1))
