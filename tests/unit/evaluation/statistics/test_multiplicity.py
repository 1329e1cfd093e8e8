"""Corrections against statsmodels and scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from mtf_evaluation.statistics.multiplicity import benjamini_hochberg, holm

P = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@settings(deadline=None, max_examples=25)
@given(P)
def test_holm_is_statsmodels(p: list[float]) -> None:
    """Holm's p-values are statsmodels' to rounding."""
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist(), rel=1e-12, abs=1e-300)


@settings(deadline=None, max_examples=25)
@given(P)
def test_benjamini_hochberg_is_scipy(p: list[float]) -> None:
    """Benjamini and Hochberg's p-values are scipy's to rounding."""
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(np.array(p)).tolist(), rel=1e-12, abs=1e-300)


def test_nothing_to_correct() -> None:
    """An empty family stays empty."""
    assert holm([]) == benjamini_hochberg([]) == []
