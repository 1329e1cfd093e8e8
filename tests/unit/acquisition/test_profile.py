"""Column profiles."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf_acquisition.profile import MAX_DISTINCT, finish, merge, observe

FLOATS = st.lists(st.none() | st.floats(-1e6, 1e6).map(lambda value: round(value, 3) + 0.0), min_size=1, max_size=200)


@settings(max_examples=60, deadline=None)
@given(FLOATS, st.integers(1, 50))
def test_merged_states_equal_numpy(values: list[float | None], cut: int) -> None:
    """Profiles of pieces, merged, are the profile of the whole, as numpy and a counter see it."""
    column = pa.array(values, pa.float64())
    state = reduce(merge, [observe(column[start : start + cut]) for start in range(0, len(column), cut)])
    profile = finish("x", pa.float64(), state)
    present = np.array([value for value in values if value is not None])
    assert profile.missing == len(values) - len(present)
    assert profile.distinct == len(set(present))
    if len(present):
        assert (profile.minimum, profile.maximum) == (present.min(), present.max())
        assert profile.mean == pytest.approx(present.mean(), rel=1e-9, abs=1e-7)
    if len(present) > 1:
        assert profile.std == pytest.approx(present.std(ddof=1), rel=1e-9, abs=1e-6)


def test_top_values_are_counted_and_ordered() -> None:
    """The most frequent values come first, equally frequent ones in their own order."""
    words = ["b"] * 3 + ["a"] * 3 + ["c"] * 5 + [f"w{index:03d}" for index in range(30)]
    profile = finish("x", pa.string(), merge(observe(pa.array(words[:20])), observe(pa.array(words[20:]))))
    assert profile.top[:3] == [("c", 5), ("a", 3), ("b", 3)]
    assert len(profile.top) == 20
    assert dict(profile.top).items() <= Counter(words).items()


def test_many_distinct_values_are_not_half_counted() -> None:
    """Beyond the bound `distinct` is null and `top` empty, whether one block or two reach it; extremes stay exact."""
    at_bound = finish("x", pa.int64(), observe(pa.array(range(MAX_DISTINCT))))
    beyond = finish("x", pa.int64(), merge(observe(pa.array(range(MAX_DISTINCT))), observe(pa.array([-5]), count=True)))
    assert at_bound.distinct == MAX_DISTINCT
    assert (beyond.distinct, beyond.top, beyond.minimum) == (None, [], -5)


def test_empty_and_text_columns_have_no_numbers() -> None:
    """A column without values, and one of text, have no mean; a single number has no spread."""
    empty = finish("x", pa.float64(), observe(pa.nulls(3, pa.float64())))
    text = finish("x", pa.string(), observe(pa.array(["b", "a"])))
    single = finish("x", pa.int64(), observe(pa.array([4])))
    assert (empty.missing, empty.distinct, empty.mean, empty.minimum) == (3, 0, None, None)
    assert (text.mean, text.std, text.minimum, text.maximum) == (None, None, "a", "b")
    assert (single.mean, single.std) == (4.0, None)


def test_values_are_json() -> None:
    """Times are RFC 3339, decimals text, infinities text, long texts cut; the mean of infinities is null."""
    moment = finish("t", pa.timestamp("us", "UTC"), observe(pa.array([dt.datetime(2020, 1, 2, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))))
    money = finish("d", pa.decimal128(38, 2), observe(pa.array([Decimal("1.50"), Decimal("2.50")], pa.decimal128(38, 2))))
    endless = finish("f", pa.float64(), observe(pa.array([float("inf"), 1.0])))
    long = finish("s", pa.string(), observe(pa.array(["x" * 5000])))
    assert moment.minimum == "2020-01-02T00:00:00Z"
    assert (money.type, money.minimum, money.mean) == ("decimal", "1.50", 2.0)
    assert (endless.maximum, endless.mean) == ("inf", None)
    assert len(long.minimum) < 250
