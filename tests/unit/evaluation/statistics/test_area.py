"""Intervals of the ROC area against slow, literal implementations of the papers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mtf_evaluation.metrics.ranking import Ranking
from mtf_evaluation.statistics.area import delong_error, newcombe

Floats = NDArray[np.float64]


def _placements(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The definition: every positive against every negative, ties half."""
    x, y = score[positive][:, None], score[~positive][None, :]
    wins = (x > y) + 0.5 * (x == y)
    return wins.mean(axis=1), wins.mean(axis=0)


def _rows(seed: int, n: int = 60, digits: int = 1) -> tuple[Floats, NDArray[np.bool_]]:
    random = np.random.default_rng(seed)
    positive = random.random(n) < 0.4
    return np.round(random.normal(size=n) + positive, digits), positive


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("digits", [1, 9])
def test_delong_is_the_papers_formula(seed: int, digits: int) -> None:
    """S10 / m + S01 / n from all pairs, with and without ties, by both ways we compute it."""
    score, positive = _rows(seed, digits=digits)
    v10, v01 = _placements(score, positive)
    wanted = np.sqrt(v10.var(ddof=1) / v10.size + v01.var(ddof=1) / v01.size)
    ranking = Ranking(score, positive, None)
    assert ranking.area.value == pytest.approx(v10.mean(), rel=1e-12)
    assert delong_error(ranking.spread(ranking.area), positive) == pytest.approx(wanted, rel=1e-10)
    assert ranking.error(ranking.area, by_class=True) == pytest.approx(wanted, rel=1e-10)


def test_paired_delong_is_the_papers_covariance() -> None:
    """The standard error of a difference uses the covariance of both models' placement values."""
    one, positive = _rows(1)
    other = np.round(one + np.random.default_rng(7).normal(size=one.size), 1)
    (a10, a01), (b10, b01) = _placements(one, positive), _placements(other, positive)
    variance = (a10 - b10).var(ddof=1) / a10.size + (a01 - b01).var(ddof=1) / a01.size
    rankings = [Ranking(score, positive, None) for score in (one, other)]
    apart = rankings[0].spread(rankings[0].area) - rankings[1].spread(rankings[1].area)
    assert delong_error(apart, positive) == pytest.approx(np.sqrt(variance), rel=1e-10)


@pytest.mark.parametrize(("area", "m", "n"), [(0.8, 20, 30), (0.55, 5, 200), (0.99, 12, 12), (0.1, 40, 40)])
def test_newcombe_limits_solve_the_papers_equation(area: float, m: int, n: int) -> None:
    """|t - area| = z sqrt(V(t)) at both limits."""
    z = stats.norm.ppf(0.975)
    star = (m + n) / 2 - 1
    found = newcombe(area, m, n, 0.95)
    for limit in (found.lower, found.upper):
        assert limit is not None
        variance = limit * (1 - limit) * (1 + star * (1 - limit) / (2 - limit) + star * limit / (1 + limit)) / (m * n)
        assert abs(limit - area) == pytest.approx(z * np.sqrt(variance), rel=1e-6)


@pytest.mark.parametrize("sizes", [(2, 1), (10, 10), (5000, 3)])
def test_newcombe_at_the_boundary_is_one_sided(sizes: tuple[int, int]) -> None:
    """A perfect order may be a little less than perfect, never more; and the mirror image."""
    best, worst = newcombe(1.0, *sizes, 0.95), newcombe(0.0, *sizes, 0.95)
    assert best.upper == 1
    assert worst.lower == 0
    assert best.lower is not None
    assert worst.upper is not None
    assert 0 < best.lower < 1
    assert worst.upper == pytest.approx(1 - best.lower, abs=1e-6)


@pytest.mark.parametrize("weights", [False, True])
def test_influence_is_the_derivative(weights: bool) -> None:
    """Influence values of area and average precision are the derivative by a row's weight, and their weighted mean is 0."""
    score, positive = _rows(3, n=40)
    weight = np.random.default_rng(0).uniform(0.5, 2, size=40) if weights else np.ones(40)
    ranking = Ranking(score, positive, weight)
    for name in ("area", "precision"):
        found = getattr(ranking, name)
        influence = ranking.spread(found)
        assert weight @ influence == pytest.approx(0, abs=1e-9)
        for row in range(0, 40, 7):
            step = 1e-6
            moved = weight.copy()
            moved[row] += step
            changed = getattr(Ranking(score, positive, moved), name).value
            assert (changed - found.value) / step * weight.sum() == pytest.approx(influence[row], abs=1e-4)
