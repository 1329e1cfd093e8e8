"""Bins of scores are monotone, and hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf_evaluation.streams.bins import Line, Scale, Unit, inside

PROBABILITIES = st.lists(st.floats(0, 1), min_size=2, max_size=50)
NUMBERS = st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=50)


def _checked(scale: Scale, scores: list[float]) -> None:
    values = np.sort(np.array(scores))
    bins = scale.of(values)
    low, high = scale.edges(bins)
    largest = float(np.finfo(np.float32).max)
    held = np.clip(values, -largest, largest)
    assert (np.diff(bins) >= 0).all()
    assert bins.min() >= 0
    assert bins.max() < scale.size
    assert (low <= held).all()
    assert (held <= high).all()
    assert ((inside(scale, bins, held) >= 0) & (inside(scale, bins, held) <= 1)).all()


@settings(deadline=None)  # the table of edges is made on first use
@given(PROBABILITIES)
def test_probabilities_fall_into_rising_bins_that_hold_them(scores: list[float]) -> None:
    """A higher probability never has a lower bin, and lies between its bin's edges."""
    _checked(Unit(), scores)


@settings(deadline=None)
@given(NUMBERS)
def test_numbers_fall_into_rising_bins_that_hold_them(scores: list[float]) -> None:
    """The same for scores of any size and sign."""
    _checked(Line(), scores)


@pytest.mark.parametrize("scale", [Unit(), Line()])
def test_bins_lie_side_by_side(scale: Scale) -> None:
    """Every bin ends where the next begins, but for what float32 rounds."""
    low, high = scale.edges(np.arange(scale.size))
    finite = np.abs(high) < 3e38
    gap = np.abs(low[1:] - high[:-1])[finite[1:] & finite[:-1]]
    size = np.maximum(np.abs(high[:-1]), 2.0**-40)[finite[1:] & finite[:-1]]
    assert (gap <= size * 2.0**-22).all()


def test_bins_are_as_fine_near_one_as_near_zero() -> None:
    """A model that is sure of a class keeps its order: 1 - 1e-9 and 1 - 2e-9 are told apart."""
    assert len(set(Unit().of(np.array([1e-9, 2e-9, 1 - 2e-9, 1 - 1e-9])).tolist())) == 4
