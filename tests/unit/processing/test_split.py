"""The split: the same everywhere, stable when rows are added, exact when stratified."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf.contracts.stages import Roles
from mtf.errors import DataError, SpecError
from mtf_processing.kernels.hashing import column_hash, row_hash, share
from mtf_processing.steps.base import TEST
from mtf_processing.steps.split import Split, SplitArgs
from tests.unit.processing.conftest import Process

STEP = Split()
FIXED = ["0x3c169096fd82ce5f", "0x611e847529705140", "0x4a3bf06e4fd01e69"]


def marks(table: pa.Table, **args: Any) -> list[bool]:
    """Which rows become test rows."""
    roles = Roles(**{role: args.pop(role) for role in ("id", "target") if role in args})
    batch = table.combine_chunks().to_batches()[0]
    return list(STEP.apply(batch, SplitArgs(**args), {}, roles).column(TEST).to_pylist())


values = st.lists(
    st.tuples(st.integers(-5, 5), st.none() | st.text(max_size=4), st.none() | st.floats(allow_nan=True)), min_size=1, max_size=30
)


def as_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    """A table of a whole number, a text and a fraction."""
    return pa.table(
        [pa.array([row[index] for row in rows], type_) for index, type_ in enumerate((pa.int64(), pa.string(), pa.float64()))],
        names=["a", "b", "c"],
    )


@settings(deadline=None)
@given(values, values, st.integers(0, 2**32 - 1))
def test_added_rows_move_no_old_row(old: list[Any], new: list[Any], seed: int) -> None:
    """Without `stratify`, a row's place depends on its own content alone."""
    before = marks(as_table(old), test=0.4, seed=seed)
    assert marks(as_table(old + new), test=0.4, seed=seed)[: len(old)] == before
    assert marks(as_table(new + old), test=0.4, seed=seed)[len(new) :] == before


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), unique=True, min_size=1, max_size=30), st.integers(0, 100))
def test_with_an_id_only_the_id_counts(ids: list[str], seed: int) -> None:
    """Changed values leave a row where it is."""
    one = pa.table({"id": ids, "x": list(range(len(ids)))})
    two = pa.table({"id": ids, "x": [7] * len(ids)})
    assert marks(one, seed=seed, id="id") == marks(two, seed=seed, id="id")


@settings(deadline=None)
@given(st.lists(st.integers(-(2**52), 2**52), min_size=1, max_size=20))
def test_a_column_that_widens_to_float_hashes_alike(numbers: list[int]) -> None:
    """int64 that became float64 because a fraction was added keeps its rows where they were."""
    assert (column_hash(pa.array(numbers, pa.int64())) == column_hash(pa.array([float(number) for number in numbers]))).all()


def test_the_hash_is_fixed_for_ever() -> None:
    """A change of these numbers would move rows between training and test in every project."""
    columns = [pa.array([1, None, -3]), pa.array(["", "Ünïcode", None]), pa.array([0.5, float("nan"), -0.0]), pa.array([True, False, None])]
    assert [hex(value) for value in row_hash(columns, 7)] == FIXED


def test_equal_texts_hash_alike_wherever_they_lie() -> None:
    """Slices, dictionaries and chunks of a column do not change a hash."""
    column = pa.array(["x", "penguin", "", "a longer text", "penguin"])
    whole = column_hash(column)
    assert whole[1] == whole[4]
    assert (column_hash(column.slice(3)) == whole[3:]).all()
    assert (column_hash(column.dictionary_encode()) == whole).all()
    assert len(set(column_hash(pa.array([f"{index}" for index in range(20_000)])).tolist())) == 20_000


def test_hashes_are_uniform() -> None:
    """Shares of consecutive ids fill [0, 1) evenly, and two seeds agree by chance only."""
    ids = pa.array(range(20_000))
    one, two = share(row_hash([ids], 1)), share(row_hash([ids], 2))
    assert abs(float(one.mean()) - 0.5) < 0.01
    assert abs(float((one < 0.25).mean()) - 0.25) < 0.01
    assert abs(float(np.corrcoef(one, two)[0, 1])) < 0.03


@pytest.mark.parametrize("test", [0.1, 1 / 3, 0.5, 0.77])
def test_stratify_keeps_every_share_exactly(process: Process, test: float) -> None:
    """Each class gives its share to within a row, and all together round(share x rows)."""
    rng = np.random.default_rng(3)
    table = pa.table({"x": rng.normal(size=523), "y": rng.choice(["a", "b", "c"], 523, p=[0.7, 0.25, 0.05])})
    found = process(table, [{"split": {"test": test, "stratify": True}}])
    total = {item["values"]: item["counts"] for item in pc.value_counts(table["y"]).to_pylist()}
    chosen = {item["values"]: item["counts"] for item in pc.value_counts(found.table("test.context")["target"]).to_pylist()}
    assert sum(chosen.values()) == int(523 * test + 0.5)
    assert all(abs(chosen[label] - count * test) < 1 for label, count in total.items())
    assert found.facts["rows"]["train"] + found.facts["rows"]["test"] == 523


def test_stratify_with_equal_rows_is_exact_too(process: Process) -> None:
    """Rows that are equal in every value are told apart by their position."""
    table = pa.table({"x": [1] * 100, "y": ["a", "b"] * 50})
    assert process(table, [{"split": {"test": 0.25, "stratify": True}}], positive="a").facts["rows"]["test"] == 25


def test_a_class_of_one_row_goes_where_rounding_puts_it(process: Process) -> None:
    """It does not stop the split, and the run says that no test row has the label."""
    table = pa.table({"x": range(21), "y": ["a", "b"] * 10 + ["rare"]})
    found = process(table, [{"split": {"test": 0.3, "stratify": True}}])
    assert found.facts["labels"] == ["a", "b", "rare"]
    assert any("rare" in warning for warning in found.warnings)


def test_stratify_by_another_column(process: Process) -> None:
    """`stratify: column` keeps the shares of that column, for a regression too."""
    table = pa.table({"site": ["n", "s"] * 50, "x": range(100), "y": np.linspace(0, 1, 100)})
    found = process(table, [{"split": {"test": 0.3, "stratify": "site"}}], slices=["site"])
    assert sorted(found.table("test.context")["slice:site"].to_pylist()) == ["n"] * 15 + ["s"] * 15


def test_stratify_needs_classes(process: Process) -> None:
    """A target of fractions has none."""
    with pytest.raises(SpecError) as caught:
        process(pa.table({"x": range(50), "y": np.linspace(0, 1, 50)}), [{"split": {"stratify": True}}])
    assert caught.value.field == "processing[0].split.stratify"


def test_rows_of_one_patient_stay_together(process: Process) -> None:
    """`by` hashes the named column."""
    table = pa.table({"patient": [index // 5 for index in range(200)], "x": range(200), "y": [0, 1] * 100})
    found = process(table, [{"split": {"by": "patient", "test": 0.4}}], group="patient")
    groups = [set(found.table(f"{name}.context")["group"].to_pylist()) for name in ("test", "train")]
    assert groups[0]
    assert not groups[0] & groups[1]


def test_another_seed_is_another_split_and_the_runs_seed_is_the_default(process: Process) -> None:
    """Seeds decide, and the section's seed stands in for one."""
    table = pa.table({"x": range(300), "y": [0, 1] * 150})
    ids = [
        process(table, [{"split": args}], seed=seed).table("test.context")["row_id"].to_pylist()
        for args, seed in (({}, 5), ({"seed": 5}, 9), ({"seed": 6}, 5))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_split_without_test_rows_says_so(process: Process) -> None:
    """A share too small for the data is an error with both numbers, not an empty report."""
    with pytest.raises(DataError) as caught:
        process(pa.table({"x": [1, 2, 3], "y": [0, 1, 0]}), [{"split": {"test": 0.0001}}])
    assert caught.value.field == "processing[0].split"


def test_a_split_without_training_rows_says_so_when_something_must_learn(process: Process) -> None:
    """Scale has nothing to learn from."""
    with pytest.raises(DataError) as caught:
        process(pa.table({"x": [1, 2, 3], "y": [0, 1, 0]}), [{"split": {"test": 0.9999}}, {"scale": {}}])
    assert caught.value.field == "processing[1].scale"


def test_a_split_without_training_rows_is_fine_when_nothing_learns(process: Process) -> None:
    """All rows are tested, and the training files are empty."""
    found = process(pa.table({"x": [1, 2, 3], "y": [0, 1, 0]}), [{"split": {"test": 0.9999}}])
    assert found.facts["rows"] == {"test": 3, "train": 0, "total": 3}
    assert found.table("train.features").schema == found.table("test.features").schema
