"""Parquet."""

from __future__ import annotations

import gzip
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf.errors import DataError


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def test_values_and_digest_are_those_of_the_csv(lab: Any) -> None:
    """The same content in CSV and in Parquet of narrower types is one version."""
    table = pa.table(
        {"a": pa.array([1, 2], pa.int16()), "b": pa.array(["x", None]).dictionary_encode(), "c": pa.array([1.5, float("nan")])}
    )
    done = lab.file("t.parquet", parquet(table))
    assert done.facts["digest"] == lab.file("t.csv", "a,b,c\n1,x,1.5\n2,,\n").facts["digest"]


def test_writer_settings_do_not_matter(lab: Any) -> None:
    """Row groups, compression and encodings of the file are not its content."""
    table = pa.table({"a": range(1000), "t": pa.array([1_577_836_800_000] * 1000, pa.timestamp("ms")), "d": [Decimal("1.10")] * 1000})
    first = lab.file("a.parquet", parquet(table, row_group_size=7, compression="snappy"))
    second = lab.file("b.bin", parquet(table, use_dictionary=False, compression="none"))
    assert first.facts["digest"] == second.facts["digest"]
    assert first.types == {"a": "int64", "t": "timestamp", "d": "decimal"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (parquet(pa.table({"a": range(1000)}))[:200], "broken or cut off"),
        (parquet(pa.table({"a": range(1000)}))[:-4], "broken or cut off"),
        (parquet(pa.table({"a": [[1]]})), "nested"),
        (parquet(pa.table({"a": pa.array([], pa.int64())})), "no rows"),
        (parquet(pa.table({"x" * 5000: [1]})), "5,000 characters"),
        (parquet(pa.table([[1], [2]], names=["a", "a"])), "same name"),
        (gzip.compress(parquet(pa.table({"a": [1]}))), "inside gzip"),
        (b"PAR1", "broken or cut off"),
        (b"a,b\n1,2\n", "its name says Parquet"),
        (b"", "empty"),
    ],
)
def test_what_is_refused(lab: Any, content: bytes, said: str) -> None:
    """Cut, nested, empty and false files are told apart, with what to do."""
    with pytest.raises(DataError) as caught:
        lab.file("t.parquet", content)
    assert said in caught.value.message
    assert caught.value.fix


def test_columns(lab: Any) -> None:
    """`columns` reads some, in the order given, past nested ones; an unknown one is named."""
    content = parquet(pa.table({"a": [1], "n": [[1]], "b": ["x"]}))
    assert lab.file("t.parquet", content, columns=["b", "a"]).table.to_pydict() == {"b": ["x"], "a": [1]}
    with pytest.raises(DataError, match="no column `z`"):
        lab.file("t.parquet", content, columns=["z"])


def test_csv_order_of_columns(lab: Any) -> None:
    """A delimited file gives `columns` in the order asked for too."""
    assert list(lab.file("t.csv", "a,b,c\n1,2,3\n", columns=["c", "a"]).types) == ["c", "a"]
