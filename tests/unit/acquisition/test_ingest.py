"""Schema inference, widening and canonical values, through whole acquisitions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf.errors import DataError, SpecError
from mtf_acquisition.digest import BLOCK_ROWS
from mtf_acquisition.ingest import Ingested, ingest

CELL = st.sampled_from(["", "1", "-7", "2.5", "1e3", "true", "False", "2020-01-01", "2020-01-01T00:00:00Z", "abc", "99999999999999999999"])


def text_batches(values: Sequence[str | None], cut: int) -> list[pa.RecordBatch]:
    """One column of text in batches of `cut` rows, as the CSV reader gives them."""
    schema = pa.schema([pa.field("x", pa.string()), pa.field("n", pa.string())]).with_metadata({b"mtf:text": b"1"})
    number = [str(index) for index in range(len(values))]
    return [
        pa.RecordBatch.from_arrays([pa.array(values[a : a + cut], pa.string()), pa.array(number[a : a + cut])], schema=schema)
        for a in range(0, len(values), cut)
    ]


def run(batches: list[pa.RecordBatch], folder: Path, **declared: pa.DataType) -> tuple[Ingested, pa.Table]:
    """Ingest batches and read back what was written."""
    done = ingest(lambda: iter(batches), declared, [""], folder / "data.parquet", lambda rows: None)
    return done, pq.read_table(folder / "data.parquet")


@settings(max_examples=40, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=30), st.integers(1, 30), st.integers(1, 5), st.randoms(use_true_random=False))
def test_result_does_not_depend_on_batches(cells: list[str], cut: int, head: int, random: Any) -> None:
    """Type, values and digest are the same for every size of the batches and of the head from which types are inferred; so is the type for every order."""
    values = [cell or None for cell in cells]
    shuffled = random.sample(values, len(values))
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        whole, table = run(text_batches(values, len(values)), Path(name))
        patch.setattr("mtf_acquisition.ingest.BLOCK_ROWS", head)
        pieces, other = run(text_batches(values, cut), Path(name))
        mixed, _ = run(text_batches(shuffled, cut), Path(name))
    assert pieces.digest == whole.digest
    assert other.equals(table)
    assert pieces.columns == whole.columns
    assert mixed.columns[0].type == whole.columns[0].type


def test_a_late_contradiction_widens_once_and_says_so(tmp_path: Path) -> None:
    """Three columns' worth of late surprises cost one more reading; each is told with its row and value."""
    values = [*map(str, range(2 * BLOCK_ROWS)), "2.5", "?", "?", "?"]
    started = []

    def start() -> Any:
        started.append(1)
        return iter(text_batches(values, 10_000))

    done = ingest(start, {}, [""], tmp_path / "data.parquet", lambda rows: None)
    table = pq.read_table(tmp_path / "data.parquet")
    assert len(started) == 2
    assert done.restarted
    assert done.columns[0].type == "utf8"
    assert table["x"].to_pylist() == values
    assert "row 131,073 holds '2.5'" in done.notes[0]
    assert "na_values" in done.notes[0]


def test_a_late_first_value_gives_the_type(tmp_path: Path) -> None:
    """A column that is missing throughout the beginning gets the type of its first value."""
    values = [None] * (BLOCK_ROWS + 1) + ["3"]
    done, table = run(text_batches(values, 20_000), tmp_path)
    assert (done.columns[0].type, done.columns[0].missing, table["x"][-1].as_py()) == ("int64", BLOCK_ROWS + 1, 3)


def test_one_file_of_full_row_groups(tmp_path: Path) -> None:
    """Row groups have 65,536 rows, zstd, whatever the batches were."""
    run(text_batches(["1"] * (2 * BLOCK_ROWS + 10), 9_999), tmp_path)
    meta = pq.ParquetFile(tmp_path / "data.parquet").metadata
    assert [meta.row_group(index).num_rows for index in range(meta.num_row_groups)] == [BLOCK_ROWS, BLOCK_ROWS, 10]
    assert meta.row_group(0).column(0).compression == "ZSTD"


def test_a_changed_source_is_an_error(tmp_path: Path) -> None:
    """A source that contradicts itself again in the second reading has changed."""
    first = ["1"] * (2 * BLOCK_ROWS) + ["2.5"]
    readings = iter([first, [*first, "abc"]])
    with pytest.raises(DataError, match="changed while it was read"):
        ingest(lambda: iter(text_batches(next(readings), 50_000)), {}, [""], tmp_path / "data.parquet", lambda rows: None)


def test_typed_batches_of_several_types_join(tmp_path: Path) -> None:
    """Integers then floats become float64; NaN becomes missing, -0.0 becomes 0.0, empty text missing, and new columns are filled."""
    one = pa.RecordBatch.from_pydict({"a": pa.array([1, 2], pa.int8()), "s": ["", "x"]})
    two = pa.RecordBatch.from_pydict({"a": [float("nan"), -0.0], "s": pa.array(["y", "y"]).dictionary_encode(), "late": [True, None]})
    done, table = run([one, two], tmp_path)
    assert table.schema == pa.schema([("a", pa.float64()), ("s", pa.string()), ("late", pa.bool_())])
    assert table.to_pydict() == {"a": [1, 2, None, 0.0], "s": [None, "x", "y", "y"], "late": [None, None, True, None]}
    assert not np.signbit(table["a"].to_numpy()[3])
    assert not done.restarted


@pytest.mark.parametrize("order", [1, -1])
def test_typed_columns_do_not_depend_on_order(tmp_path: Path, order: int) -> None:
    """An integer, a truth value, a text of digits and a float beside integers give the same type in whatever order they come."""
    rows = {"i": ([1], [2.0]), "b": ([1], [True]), "t": ([1], ["2"]), "m": ([""], [3])}
    batches = [pa.RecordBatch.from_pydict({name: pair[at] for name, pair in rows.items()}) for at in (0, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtf_acquisition.ingest.BLOCK_ROWS", 1)
        done, _ = run(batches[::order], tmp_path)
    assert [column.type for column in done.columns] == ["float64", "utf8", "utf8", "int64"]


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([1], pa.uint64()), pa.int64()),
        (pa.array([2**64 - 1], pa.uint64()), pa.decimal128(38, 0)),
        (pa.array([1.5], pa.float32()), pa.float64()),
        (pa.array([1], pa.date32()), pa.timestamp("us", "UTC")),
        (pa.array([1], pa.timestamp("ns", "Europe/Berlin")), pa.timestamp("us", "UTC")),
        (pa.array(["a"], pa.large_string()), pa.string()),
        (pa.array([1], pa.time64("us")), pa.string()),
        (pa.array([None]), pa.string()),
    ],
)
def test_every_simple_type_has_a_canonical_one(tmp_path: Path, array: pa.Array, kind: pa.DataType) -> None:
    """Each Arrow type of a single value becomes one of the six."""
    _, table = run([pa.RecordBatch.from_arrays([array], names=["a"])], tmp_path)
    assert table.schema.field("a").type == kind
    assert pc.count(table["a"]).as_py() == array.null_count ^ 1


@pytest.mark.parametrize("array", [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"x"]), pa.array([1], pa.duration("s"))])
def test_types_without_canonical_form_are_refused(tmp_path: Path, array: pa.Array) -> None:
    """Nested, binary and duration columns say what to do."""
    with pytest.raises(DataError) as caught:
        run([pa.RecordBatch.from_arrays([array], names=["a"])], tmp_path)
    assert "`a`" in caught.value.message
    assert "columns" in str(caught.value.fix)


def test_declared_types_win(acquire_csv: Callable[..., Any]) -> None:
    """A declared type is used instead of the inferred one."""
    csv = "zip,price,flag,when\n00501,1.10,1,2020-01-01\n10001,2.25,0,\n"
    done = acquire_csv(csv, types={"zip": "utf8", "price": "decimal(10,2)", "flag": "float64", "when": "utf8"})
    assert done.types == {"zip": "utf8", "price": "decimal", "flag": "float64", "when": "utf8"}
    assert done.table["zip"].to_pylist() == ["00501", "10001"]
    assert str(done.table["price"][1].as_py()) == "2.25"


def test_a_declared_type_that_a_value_contradicts(acquire_csv: Callable[..., Any]) -> None:
    """The row and the value are named."""
    with pytest.raises(DataError) as caught:
        acquire_csv("a,b\n1,x\n2,x\nabc,x\n4,x\n", types={"a": "int64"})
    assert caught.value.field == "dataset.types.a"
    assert "row 3" in caught.value.message
    assert caught.value.found == "abc"


def test_a_declared_column_that_is_absent(acquire_csv: Callable[..., Any]) -> None:
    """The nearest column is named."""
    with pytest.raises(SpecError) as caught:
        acquire_csv("price,b\n1,x\n", types={"prise": "int64"})
    assert "price" in str(caught.value.fix)


def test_long_integers_are_told(acquire_csv: Callable[..., Any]) -> None:
    """Integers beyond 64 bits lose digits as float64, which is said."""
    done = acquire_csv("id,b\n12345678901234567890123,x\n1,x\n")
    assert done.types["id"] == "float64"
    assert "utf8" in done.warnings[0]


@pytest.mark.parametrize(
    ("expect", "field"),
    [
        ({"rows": 3}, "expect.rows"),
        ({"min_rows": 3}, "expect.min_rows"),
        ({"columns": ["a", "c"]}, "expect.columns"),
        ({"digest": "0" * 64}, "expect.digest"),
    ],
)
def test_expectations(lab: Any, expect: dict[str, Any], field: str) -> None:
    """Each unmet expectation names itself and what was found; met ones pass."""
    lab.write("t.csv", "a,b\n1,x\n2,y\n")
    source = {"type": "file", "path": "t.csv"}
    with pytest.raises(DataError) as caught:
        lab.acquire(source, expect=expect)
    assert caught.value.field == field
    facts = lab.acquire(source, expect={"rows": 2, "min_rows": 2, "columns": ["b", "a"]}).facts
    assert lab.acquire(source, expect={"digest": facts["digest"]}).facts["digest"] == facts["digest"]
