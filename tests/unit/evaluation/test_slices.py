"""Which rows a slice means, and what it is called."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.errors import DataError, SpecError
from mtf_evaluation import slices
from mtf_evaluation.gates.grammar import parse

COLUMNS = {
    "sex": pa.array(["Female", "Male", None, "Female", "Male"]),
    "age": pa.array([2, 1, 10, 2, 2]),
    "paid": pa.array([True, False, True, None, True]),
    "rate": pa.array([1.0, 2.5, float("nan"), None, 1.0]),
}


def names(*crosses: list[str]) -> list[str]:
    """Names of the slices of crosses."""
    return [part.name for part in slices.find(COLUMNS, crosses)]


def test_every_observed_value_is_a_slice_in_order() -> None:
    """Values are sorted as what they are, numbers as numbers; rows without a value are a slice of their own, at the end."""
    assert names(["sex"]) == ["sex=Female", "sex=Male", "sex=(missing)"]
    assert names(["age"]) == ["age=1", "age=2", "age=10"]
    assert names(["paid"]) == ["paid=false", "paid=true", "paid=(missing)"]
    assert names(["rate"]) == ["rate=1", "rate=2.5", "rate=(missing)"]


def test_crosses_have_only_combinations_that_were_seen() -> None:
    """A cross names its columns in the order of the run file and holds no slice without rows."""
    assert names(["sex", "age"]) == ["sex=Female, age=2", "sex=Male, age=1", "sex=Male, age=2", "sex=(missing), age=10"]


def test_typed_values_stay_typed() -> None:
    """`where` carries what the data holds; times become ISO text and decimals numbers, as JSON has neither."""
    columns = {"at": pa.array([datetime(2024, 1, 2, tzinfo=UTC)]), "price": pa.array([Decimal("1.50")])}
    found = slices.find(columns, [["at", "price"]])
    assert found[0].where == {"at": "2024-01-02T00:00:00+00:00", "price": 1.5}
    assert slices.find(COLUMNS, [["age"]])[0].where == {"age": 1}


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, None])), min_size=1, max_size=40))
def test_a_cross_parts_the_rows(rows: list[tuple[str | None, int | None]]) -> None:
    """Every row is in exactly one slice of a cross, and in the one that carries its values."""
    columns = {"x": pa.array([row[0] for row in rows], pa.string()), "y": pa.array([row[1] for row in rows], pa.int64())}
    found = slices.find(columns, [["x", "y"]])
    assert sorted(int(row) for part in found for row in part.rows) == list(range(len(rows)))
    for part in found:
        assert {rows[row] for row in part.rows} == {(part.where["x"], part.where["y"])}


@pytest.mark.parametrize(
    ("written", "name", "rows"),
    [
        ("sex=Female", "sex=Female", [0, 3]),
        ("age=2.0", "age=2", [0, 3, 4]),
        ("paid=TRUE", "paid=true", [0, 2, 4]),
        ("rate=1", "rate=1", [0, 4]),
        ("sex=(missing)", "sex=(missing)", [2]),
        ("age=2, sex=Male", "age=2, sex=Male", [4]),
        ("age=1, sex=Female", "age=1, sex=Female", []),
        ("sex=Other", "sex=Other", []),
    ],
)
def test_a_gate_finds_its_rows(written: str, name: str, rows: list[int]) -> None:
    """A gate's slice is found by what its values mean; values that never meet make an empty slice."""
    term = parse(f"m > 0 in {written}")
    found = slices.find(COLUMNS, [], [term])
    assert [part.name for part in found] == [name]
    assert list(found[0].rows) == rows
    assert slices.match(term.where, found) is found[0]


def test_a_gate_uses_a_declared_slice_in_any_order_of_columns() -> None:
    """A slice that is declared already is not made twice."""
    found = slices.find(COLUMNS, [["sex", "age"]], [parse("m > 0 in age=2, sex=Female")])
    assert len(found) == 4


def test_an_identifier_is_no_slice_column() -> None:
    """More slices than anybody can read are refused with the number that they would be."""
    columns = {"id": pa.array(range(2000))}
    with pytest.raises(DataError, match="2,000 or more; at most 1,000") as caught:
        slices.find(columns, [["id"]])
    assert caught.value.field == "evaluation.slices"
    halves = {"a": pa.array([row // 50 for row in range(2000)]), "b": pa.array([row % 50 for row in range(2000)])}
    with pytest.raises(DataError, match="slices by a x b would be 2,000 or more"):
        slices.find(halves, [["a", "b"]])
    assert slices.find(columns, [], [parse("m > 0 in id=7")])[0].rows.tolist() == [7]


def test_an_unknown_column_names_the_nearest() -> None:
    """A column that the scored rows lack is a wrong spec."""
    with pytest.raises(SpecError) as caught:
        slices.find(COLUMNS, [["sexx"]])
    assert caught.value.fix == "did you mean `sex`?"


def test_dictionary_encoding_makes_no_difference() -> None:
    """Codes come from values, whatever order the encoder gave them."""
    shuffled = {"sex": pc.take(COLUMNS["sex"], pa.array([4, 3, 2, 1, 0]))}
    assert [part.name for part in slices.find(shuffled, [["sex"]])] == names(["sex"])
