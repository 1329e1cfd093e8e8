"""Draws of a confusion matrix follow the posterior they are named after, with many rows in a cell and with few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mtf_evaluation.statistics.interval import Interval
from mtf_evaluation.statistics.matrix import dirichlet, drawn_interval
from mtf_evaluation.statistics.normals import normals

LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)


@pytest.mark.parametrize("counts", [(0, 3), (4, 40), (29, 31), (30, 30), (300, 12), (5000, 70_000)])
def test_shares_are_beta(counts: tuple[int, int]) -> None:
    """The share of one cell among two is Beta(a + 1/2, b + 1/2), to what 10,000 draws leave."""
    a, b = counts
    drawn = dirichlet(np.array([[a, b], [7.0, 90.0]]), seed=5)
    assert drawn is not None
    shares = drawn[0, 0] / drawn[0].sum(axis=0)
    exact = stats.beta(a + 0.5, b + 0.5)
    for level in LEVELS:
        assert np.mean(shares <= exact.ppf(level)) == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 10_000))


def test_cells_are_independent() -> None:
    """Cells made of shared normal numbers and cells drawn on their own do not move together."""
    drawn = dirichlet(np.array([[3.0, 500.0], [800.0, 12.0]]), seed=1)
    assert drawn is not None
    correlation = np.corrcoef(drawn.reshape(4, -1))
    assert np.abs(correlation - np.eye(4)).max() < 4 / np.sqrt(10_000)


def test_seed_alone_decides() -> None:
    """The same seed gives the same draws, another seed others."""
    counts = np.array([[3.0, 500.0], [800.0, 12.0]])
    one, same, other = (dirichlet(counts, seed) for seed in (1, 1, 2))
    assert one is not None
    assert np.array_equal(one, np.asarray(same))
    assert not np.array_equal(one, np.asarray(other))


def test_shared_numbers_cannot_be_changed() -> None:
    """What every slice reads is read only, and fewer numbers are the first of more."""
    with pytest.raises(ValueError, match="read-only"):
        normals(0, 0, 10)[0] = 1.0
    assert np.array_equal(normals(0, 0, 10), normals(0, 0, 100)[:10])


@pytest.mark.parametrize("size", [1, 2, 999, 10_000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_limits_are_numpys_quantiles(size: int, level: float) -> None:
    """The central interval of the draws is that of numpy's linear quantile; undefined draws do not count."""
    values = np.random.default_rng(size).normal(size=size)
    found = drawn_interval(lambda _: np.append(values, np.nan), np.zeros((2, 2, 1)), level)
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    assert isinstance(found, Interval)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), rel=1e-12)
