"""Rows of bins, quantiles, selected values, conditions and crosses of them, beside pandas and numpy."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.contracts.slices import SliceSpec
from mtf.errors import DataError, SpecError
from mtf_evaluation import slices
from mtf_evaluation.declared import forms
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.slices import Slice

numbers = st.lists(st.one_of(st.none(), st.integers(-5, 5), st.floats(-5, 5)), max_size=40)


def find(columns: dict[str, pa.Array], *wanted: Any, gates: tuple[str, ...] = ()) -> list[Slice]:
    """Slices of forms as a run file writes them."""
    read = [[SliceSpec(**part) if isinstance(part, dict) else part for part in one] if isinstance(one, list) else one for one in wanted]
    read = [SliceSpec(**one) if isinstance(one, dict) else one for one in read]
    crosses = forms.crosses(read)
    terms = [parse(f"m > 0 in {gate}", conditions=forms.names(crosses)) for gate in gates]
    return slices.find(columns, crosses, terms)


@given(numbers, st.lists(st.integers(-4, 4), min_size=1, max_size=4, unique=True).map(sorted))
def test_bins_are_those_of_pandas(values: list[Any], edges: list[int]) -> None:
    """A bin holds its lower edge; rows beyond the edges are bins too, and missing values a slice of their own."""
    found = find({"x": pa.array(values, pa.float64())}, {"column": "x", "bins": edges})
    frame = pd.Series(values, dtype=float)
    codes = pd.cut(frame, [-np.inf, *edges, np.inf], right=False, labels=False)
    names = [f"x below {edges[0]}", *(f"x [{a}, {b})" for a, b in itertools.pairwise(edges)), f"x {edges[-1]} and above"]
    wanted = {name: np.flatnonzero(codes == place).tolist() for place, name in enumerate(names)}
    wanted["x=(missing)"] = np.flatnonzero(frame.isna()).tolist()
    assert {part.name: part.rows.tolist() for part in found if len(part.rows)} == {name: rows for name, rows in wanted.items() if rows}
    assert {part.name for part in found} >= set(names[1:-1])


@given(numbers, st.integers(2, 6))
def test_quantiles_are_numpys(values: list[Any], parts: int) -> None:
    """Edges are numpy's quantiles of the known values; equal values share a slice; the last slice holds its upper edge."""
    found = find({"x": pa.array(values, pa.float64())}, {"column": "x", "quantiles": parts})
    known = np.array([value for value in values if value is not None], dtype=float)
    if not known.size:
        assert [part.name for part in found] in ([], ["x=(missing)"])
        return
    edges = np.unique(np.quantile(known, np.linspace(0, 1, parts + 1)))
    shown = [part for part in found if part.where["x"] is not None]
    assert [part.edges["x"] for part in shown] == [(a, b) for a, b in itertools.pairwise(edges)] or len(edges) == 1
    for place, part in enumerate(shown):
        low, high = part.edges["x"]
        inside = [value is not None and (low <= value < high or (place == len(shown) - 1 and value == high)) for value in values]
        assert part.rows.tolist() == np.flatnonzero(inside).tolist()
        assert part.where["x"].startswith(f"Q{place + 1} [")
    assert sum(len(part.rows) for part in found) == len(values)


@pytest.mark.parametrize(
    ("column", "bins", "names"),
    [
        (pa.array([1, 20, 60, None], pa.int64()), [18, 30], ["x below 18", "x [18, 30)", "x 30 and above", "x=(missing)"]),
        (pa.array([0.1, 0.5, float("nan")]), [0.5], ["x below 0.5", "x 0.5 and above", "x=(missing)"]),
        (pa.array([Decimal("1.25"), Decimal("9.00")]), [1.25, 5], ["x [1.25, 5)", "x 5 and above"]),
        (
            pa.array([datetime(2023, 12, 31, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC")),
            ["2024-01-01T00:00:00"],
            ["x below 2024-01-01", "x 2024-01-01 and above"],
        ),
    ],
)
def test_bins_of_every_ordered_type(column: pa.Array, bins: list[Any], names: list[str]) -> None:
    """Whole numbers, floats, decimals and times are binned; labels are as short as the edges."""
    assert [part.name for part in find({"x": column}, {"column": "x", "bins": bins})] == names


@pytest.mark.parametrize("column", [pa.array(["a"]), pa.array([True])])
@pytest.mark.parametrize("form", [{"bins": [1]}, {"quantiles": 2}])
def test_text_and_flags_have_no_order(column: pa.Array, form: dict[str, Any]) -> None:
    """Bins and quantiles of a column without an order are an error that names it."""
    with pytest.raises(SpecError, match=r"`x` is (text|bool)"):
        find({"x": column}, {"column": "x", **form})


def test_quantiles_of_times_have_iso_edges() -> None:
    """Edges of times stand in the report as times."""
    column = pa.array([datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)], pa.timestamp("us", tz="UTC"))
    found = find({"x": column}, {"column": "x", "quantiles": 2})
    assert [part.edges["x"] for part in found] == [
        ("2024-01-01T00:00:00+00:00", "2024-01-02T12:00:00+00:00"),
        ("2024-01-02T12:00:00+00:00", "2024-01-04T00:00:00+00:00"),
    ]


def test_selected_values_alone_are_sliced() -> None:
    """Only the named values, in that order, each typed as the data are; one that no row has is listed without rows."""
    columns = {"x": pa.array([3, 1, 2, 1, None])}
    found = find(columns, {"column": "x", "values": [2, 1, 9]})
    assert [(part.name, part.where, part.rows.tolist()) for part in found] == [
        ("x=2", {"x": 2}, [2]),
        ("x=1", {"x": 1}, [1, 3]),
        ("x=9", {"x": "9"}, []),
    ]


def test_conditions_are_slices_with_a_name() -> None:
    """A condition is true or not; its slice carries the text that it was declared by."""
    columns = {"age": pa.array([70, 20, None]), "sex": pa.array(["F", "M", "F"])}
    found = find(columns, {"where": "age >= 65", "name": "seniors"}, ["sex", {"where": "not age is missing", "name": "known"}])
    assert [(part.name, part.where, part.rows.tolist(), part.condition) for part in found] == [
        ("seniors", {"seniors": True}, [0], "age >= 65"),
        ("sex=F, known", {"sex": "F", "known": True}, [0], "(age is not missing)"),
        ("sex=M, known", {"sex": "M", "known": True}, [1], "(age is not missing)"),
    ]


def test_crosses_mix_every_form() -> None:
    """A cross has each combination that a row shows, with the edges of its bins."""
    columns = {"age": pa.array([5, 40, 40]), "sex": pa.array(["F", "M", "F"])}
    found = find(columns, ["sex", {"column": "age", "bins": [18]}])
    assert [part.name for part in found] == ["sex=F, age below 18", "sex=F, age 18 and above", "sex=M, age 18 and above"]
    assert found[0].edges == {"age": (None, 18)}
    assert found[1].where == {"sex": "F", "age": "18 and above"}


@pytest.mark.parametrize(
    ("gate", "name", "rows"),
    [
        ("age=[18, 30)", "age [18, 30)", [1]),
        ("age=[18,30)", "age [18, 30)", [1]),
        ("age=below 18", "age below 18", [0]),
        ("age=20", "age=20", [1]),
        ("seniors", "seniors", [2]),
        ("income=Q2", "income Q2 [2, 3]", [1, 2]),
        ("sex=F, age=[18, 30)", "sex=F, age [18, 30)", []),
        ("sex=M, seniors", "sex=M, seniors", [2]),
    ],
)
def test_gates_find_declared_slices(gate: str, name: str, rows: list[int]) -> None:
    """A gate names bins, quantiles and conditions as the report does, also crossed where no cross is declared."""
    columns = {"age": pa.array([5, 20, 70]), "sex": pa.array(["F", "M", "M"]), "income": pa.array([1, 2, 3])}
    declared = [{"column": "age", "bins": [18, 30]}, {"where": "age > 65", "name": "seniors"}, {"column": "income", "quantiles": 2}]
    found = find(columns, *declared, gates=(gate,))
    part = slices.match(parse(f"m > 0 in {gate}", conditions=["seniors"]).where, found)
    assert part is not None
    assert (part.name, part.rows.tolist()) == (name, rows)


def test_a_cross_stays_below_its_limit() -> None:
    """More than 1,000 combinations are refused with a fix, whatever forms make them."""
    columns = {"a": pa.array(range(2000)), "b": pa.array(range(2000))}
    with pytest.raises(DataError, match="slices by a x b would be"):
        find(columns, ["a", {"column": "b", "quantiles": 4}])
    shuffled = {"a": pa.array([row % 60 for row in range(6000)]), "b": pa.array([row // 60 for row in range(6000)])}
    with pytest.raises(DataError, match="slices by a x b") as caught:
        find(shuffled, [{"column": "a", "quantiles": 40}, {"column": "b", "bins": list(range(0, 100, 2))}])
    assert "quantiles" in str(caught.value.fix)


def test_many_columns_are_found_at_once() -> None:
    """Hundreds of slices: every row is in one slice of each column."""
    rng = np.random.default_rng(1)
    columns = {f"c{place}": pa.array(rng.integers(0, 12, 5000)) for place in range(30)}
    found = find(columns, *columns)
    assert len(found) == 360
    assert sum(len(part.rows) for part in found) == 30 * 5000
