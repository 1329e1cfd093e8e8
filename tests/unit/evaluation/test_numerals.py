"""Numbers as people read them."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mtf_evaluation import numerals
from mtf_evaluation.figures.axes import ticks


@pytest.mark.parametrize(
    ("value", "width", "shown"),
    [
        (0.91234, 0.067, "0.912"),
        (0.91234, 0.67, "0.91"),
        (1234.567, 30.0, "1,235"),
        (0.0, None, "0.000"),
        (0.025234, None, "0.02523"),
        (-0.0001, 0.5, "0.00"),
        (1e12, None, "1.000e+12"),
        (1e-9, None, "1.000e-09"),
        (None, None, numerals.DASH),
        (math.nan, None, numerals.DASH),
        (math.inf, None, "∞"),
    ],
)
def test_digits_follow_the_uncertainty(value: float | None, width: float | None, shown: str) -> None:
    """Two digits of the interval's width, four of a number that stands alone, and never a negative zero."""
    assert numerals.number(value, width) == shown


@pytest.mark.parametrize(("value", "shown"), [(641.8, "650"), (12001, "13,000"), (7, "7"), (3_390_000, "3.4 million"), (99.5, "100")])
def test_needed_rows_are_rounded_up(value: float, shown: str) -> None:
    """Two digits, never fewer rows than are needed."""
    assert numerals.about(value) == shown


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_ticks_are_few_and_inside(low: float, high: float) -> None:
    """Any axis gets a handful of ticks that lie on it, in rising order."""
    assume(high > low and (high - low) > 1e-9 * max(abs(low), abs(high)))
    found = ticks(low, high)
    room = (high - low) * 1e-6
    assert len(found) <= 8
    assert all(low - room <= one <= high + room for one in found)
    assert found == sorted(found)
