"""The language of conditions: reading, writing, and which rows they hold for, beside pandas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.errors import SpecError
from mtf_evaluation.declared.conditions import Among, Compare, Condition, Every, Missing, Not, Some, demands, leaves, write
from mtf_evaluation.declared.grammar import read
from mtf_evaluation.slices.evaluate import holds

TIMES = [datetime(2024, 1, day, hour, tzinfo=UTC) for day, hour in ((1, 0), (2, 12), (3, 0), (9, 5))]
COLUMNS: dict[str, tuple[list[Any], pa.DataType]] = {
    "age": ([1, 2, 30, 65, None], pa.int64()),
    "rate": ([0.5, -1.0, 2.0, float("nan"), None], pa.float64()),
    "sex": (["Female", "Male", "it's", "a b", None], pa.string()),
    "paid by": ([True, False, None], pa.bool_()),
    "at": ([*TIMES, None], pa.timestamp("us", tz="UTC")),
    "price": ([Decimal("1.50"), Decimal("0.10"), None], pa.decimal128(8, 2)),
}
ORDER = ["=", "!=", "<", "<=", ">", ">="]
LITERALS = {
    "age": st.sampled_from([1, 2, 30, 64, 65, 2.5, -3, 10**20]),
    "rate": st.sampled_from([0.5, -1, 2, 1.25, 3.0]),
    "sex": st.sampled_from(["Female", "Male", "it's", "a b", "nobody", "x\\y", '"']),
    "paid by": st.booleans(),
    "at": st.sampled_from(["2024-01-02", "2024-01-02T12:00:00", "2024-01-09T05:00:00+00:00"]),
    "price": st.sampled_from([1.5, 0.1, 1, 2]),
}


def leaf(column: str) -> st.SearchStrategy[Condition]:
    """A comparison that the column's type allows."""
    operators = ["=", "!="] if column in ("sex", "paid by") else ORDER
    values = LITERALS[column]
    return st.one_of(
        st.builds(Compare, st.just(column), st.sampled_from(operators), values),
        st.builds(Among, st.just(column), st.lists(values, min_size=1, max_size=3).map(tuple)),
        st.just(Missing(column)),
    )


leafs = st.sampled_from(list(COLUMNS)).flatmap(leaf)
conditions = st.recursive(
    leafs,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Every),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Some),
    ),
    max_leaves=8,
)
rows = st.lists(st.tuples(*(st.sampled_from(values) for values, _ in COLUMNS.values())), max_size=20)


def frame_of(found: list[tuple[Any, ...]]) -> dict[str, pa.Array]:
    """Arrow columns of rows."""
    return {name: pa.array([row[place] for row in found], kind) for place, (name, (_, kind)) in enumerate(COLUMNS.items())}


def by_pandas(condition: Condition, frame: pd.DataFrame) -> pd.Series:
    """The same in pandas, on plain numpy dtypes: missing values compare as false, and as true with `!=`."""
    match condition:
        case Not(of):
            return ~by_pandas(of, frame)
        case Every(of):
            return pd.concat([by_pandas(one, frame) for one in of], axis=1).all(axis=1)
        case Some(of):
            return pd.concat([by_pandas(one, frame) for one in of], axis=1).any(axis=1)
        case Missing(column):
            return frame[column].isna()
        case Among(column, values):
            return pd.concat([by_pandas(Compare(column, "=", value), frame) for value in values], axis=1).any(axis=1)
        case Compare(column, operator, value):
            right: Any = pd.Timestamp(value) if column == "at" else value
            right = right.tz_localize("UTC") if isinstance(right, pd.Timestamp) and right.tzinfo is None else right
            name = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[operator]
            return getattr(frame[column], name)(right)


def pandas_of(found: list[tuple[Any, ...]]) -> pd.DataFrame:
    """A frame with float, object and datetime columns."""
    frame = pd.DataFrame(found, columns=list(COLUMNS)).astype(object)
    for column in ("age", "rate", "price"):
        frame[column] = frame[column].astype(float)
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    return frame


@given(conditions)
def test_reading_what_was_written_gives_it_back(condition: Condition) -> None:
    """The canonical text of every condition is read as that condition."""
    assert read(write(condition)) == condition


@given(conditions, rows)
def test_conditions_mean_what_pandas_means(condition: Condition, found: list[tuple[Any, ...]]) -> None:
    """Rows of every type, missing values included, are selected as a boolean expression of pandas selects them."""
    wanted = by_pandas(condition, pandas_of(found)) if found else pd.Series([], dtype=bool)
    assert holds(condition, frame_of(found)).tolist() == wanted.astype(bool).tolist()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("age>=65 AND sex='Female'", "age >= 65 and sex = 'Female'"),
        ("age == 1_000 or not (age<>2)", "age = 1000 or (not age != 2)"),
        ("a in ['x',\"y\"] and b not in [1, -2.5e3]", "a in ['x', 'y'] and b not in [1, -2500.0]"),
        ('`hours per week` > 4 and "a b" is NOT missing', "`hours per week` > 4 and `a b` is not missing"),
        ("not a is missing", "a is not missing"),
        ("paid = true or paid != False", "paid = true or paid != false"),
        ("a = 1 or b = 2 and c = 3", "a = 1 or (b = 2 and c = 3)"),
        ("größe > 1.5 and x.y = 'it\\'s'", "`größe` > 1.5 and x.y = 'it\\'s'"),
        ("`not` = 1", "`not` = 1"),
    ],
)
def test_ways_of_writing(text: str, canonical: str) -> None:
    """Capitals, blanks and signs of other languages are read; the canonical text is one."""
    assert write(read(text)) == canonical
    assert write(read(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "at", "expected", "fix"),
    [
        ("age >= ", 8, "a number, a text", "a condition reads"),
        ("sex = Female", 7, "a number, a text", "'Female'"),
        ("65 <= age", 1, "a column", "the column stands first"),
        ("age 65", 5, "`=`", "backticks"),
        ("age => 65", 5, "`=`", "`>=`"),
        ("age > 'old'", 7, "a number or a time", "without quotation marks"),
        ("age > true", 7, "a number or a time", "without quotation marks"),
        ("(age > 1", 9, "`)`", "a condition reads"),
        ("age > 1)", 8, "`and`, `or`", "a condition reads"),
        ("age > 1 & sex = 'F'", 9, "`and`, `or`", "write `and`"),
        ("age > 1 || sex = 'F'", 9, "`and`, `or`", "write `or`"),
        ("age in (1, 2)", 8, "`[`", "brackets"),
        ("age in [1, 2", 13, "a comma or `]`", "a condition reads"),
        ("age in []", 9, "a number, a text", "a condition reads"),
        ("age is null", 8, "`missing`", "compare values"),
        ("age not 5", 9, "`in`", "a condition reads"),
        ("name = 'Al", 8, "a closing '", "close the quotation mark"),
        ("age > 1.2.3", 7, "a number", "a condition reads"),
        ("age > 1e999", 7, "a finite number", "a condition reads"),
        ("__import__('os').system('ls')", 11, "`=`", "backticks"),
        ("not", 4, "a column", "a condition reads"),
    ],
)
def test_errors_show_the_position(text: str, at: int, expected: str, fix: str) -> None:
    """An error names the character, what was expected there and a fix; nothing is ever executed."""
    with pytest.raises(SpecError) as caught:
        read(text, field="evaluation.slices[2].where")
    assert f"at character {at}: expected {expected}" in caught.value.message
    assert fix in str(caught.value.fix)
    assert caught.value.field == "evaluation.slices[2].where"


def test_absurd_texts_end_in_an_error() -> None:
    """Deep nesting and endless lists are refused, and do not exhaust the stack."""
    for text in ("(" * 5000 + "a = 1" + ")" * 5000, "not " * 5000 + "a = 1", "a in [" + "1," * 2000 + "1]", "   "):
        with pytest.raises(SpecError):
            read(text)


@given(st.text(alphabet="ab=<>!'\"`()[], 19.andortisg\\", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text ends in anything but a condition or an error of ours."""
    try:
        found = read(text)
    except SpecError:
        return
    assert read(write(found)) == found


def test_demands_say_what_a_column_must_be() -> None:
    """Numbers need numbers, texts occur, times in ISO may stand beside times."""
    found = demands(read("age >= 65 and sex = 'F' and at > '2024-01-01' and x is missing and ok = true and d in ['2024-02-01']"), "f")
    kinds = {one.column: (one.kinds, one.model_dump()["values"]) for one in found}
    assert kinds["age"] == (["integer", "float", "decimal"], [])
    assert kinds["sex"] == (["text"], ["F"])
    assert kinds["at"] == (["time"], [])
    assert kinds["x"] == ([], [])
    assert kinds["ok"] == (["bool"], [])
    assert kinds["d"] == (["text", "time"], [])
    assert [one.column for one in leaves(read("a = 1 and not (b = 2 or c is missing)"))] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "told"),
    [("sex > 5", "`sex` is text"), ("age = 'x'", "`age` is integer"), ("at = 'soon'", "`at` is time"), ("age = true", "`age` is integer")],
)
def test_types_that_do_not_compare_are_told(text: str, told: str) -> None:
    """A value of another kind than the column is an error that names both."""
    with pytest.raises(SpecError, match=told):
        holds(read(text), frame_of([]))


def test_whole_numbers_are_compared_exactly() -> None:
    """Beyond 2^53 floats skip whole numbers; the comparison of whole numbers does not."""
    big = 2**53 + 1
    column = {"n": pa.array([big, big - 1])}
    assert holds(read(f"n = {big}"), column).tolist() == [True, False]
    assert holds(read(f"n < {2**70}"), column).tolist() == [True, True]
    assert holds(read(f"n > {2**70}"), column).tolist() == [False, False]


def test_times_without_a_zone_are_utc() -> None:
    """A date is its first moment in UTC, in columns with and without a zone."""
    moments = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours) for hours in (0, 23, 25)]
    zoned = pa.array(moments, pa.timestamp("us", tz="UTC"))
    plain = pa.array([one.replace(tzinfo=None) for one in moments], pa.timestamp("ns"))
    for column in (zoned, plain, pa.array(np.array(["2024-01-01", "2024-01-01", "2024-01-02"], dtype="datetime64[D]"))):
        assert holds(read("at >= '2024-01-02'"), {"at": column}).tolist() == [False, False, True]
