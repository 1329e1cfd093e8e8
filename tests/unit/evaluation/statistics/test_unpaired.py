"""Comparisons of disjoint rows against statsmodels, scipy and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.proportion import test_proportions_2indep as proportions_test

from mtf_evaluation.statistics.unpaired import independent, joint, proportions, score_limits

TABLES = [(7, 34, 1, 34), (56, 70, 48, 80), (9, 10, 3, 10), (5, 56, 0, 29), (140, 10_000, 9_000, 300_000), (1, 2, 1, 3), (30, 31, 2, 90)]
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("table", "limits"),
    [
        ((56, 70, 48, 80), (0.0528, 0.3382)),
        ((9, 10, 3, 10), (0.1700, 0.8406)),
        ((6, 7, 2, 7), (0.0342, 0.8534)),
        ((5, 56, 0, 29), (-0.0326, 0.1933)),
    ],
)
def test_published_intervals(table: tuple[int, int, int, int], limits: tuple[float, float]) -> None:
    """Newcombe (Statistics in Medicine 1998, part 3, table II) prints these intervals of Miettinen and Nurminen to four digits."""
    found = proportions(*table, 0.95).interval
    assert (found.lower, found.upper) == pytest.approx(limits, abs=6e-5)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_limits_maximise_the_likelihood(table: tuple[int, int, int, int], level: float) -> None:
    """At each limit inside (-1, 1) the score statistic, with a numerically found restricted maximum of the likelihood, is ±z."""
    hits_a, n_a, hits_b, n_b = table
    z, found = stats.norm.ppf(0.5 + level / 2), proportions(*table, level).interval
    for limit, sign in ((found.lower, 1), (found.upper, -1)):
        assert limit is not None

        def minus(p: float, limit: float = limit) -> float:
            return -float(stats.binom.logpmf(hits_a, n_a, p + limit) + stats.binom.logpmf(hits_b, n_b, p))

        bounds = max(0.0, -limit) + 1e-12, min(1.0, 1 - limit) - 1e-12
        p = optimize.minimize_scalar(minus, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
        variance = ((p + limit) * (1 - p - limit) / n_a + p * (1 - p) / n_b) * (n_a + n_b) / (n_a + n_b - 1)
        assert (hits_a / n_a - hits_b / n_b - limit) / variance**0.5 == pytest.approx(sign * z, rel=1e-4)


def test_large_samples_are_walds_as_statsmodels_has_it() -> None:
    """With tens of thousands of rows every method agrees; statsmodels' Wald interval is the reference."""
    table = (31_000, 50_000, 29_500, 50_000)
    wanted = confint_proportions_2indep(*table, method="wald", compare="diff")
    found = proportions(*table, 0.95).interval
    assert (found.lower, found.upper) == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("table", TABLES)
def test_the_p_value_is_the_score_tests(table: tuple[int, int, int, int]) -> None:
    """The test of equal shares is the pooled z test with the factor N / (N - 1), as in statsmodels."""
    with np.errstate(all="ignore"):  # its other effect measures divide by the shares
        wanted = proportions_test(*table, value=0, method="score", compare="diff", correction=True).pvalue
    assert proportions(*table, 0.95).p_value == pytest.approx(wanted, rel=1e-10)


@given(counts, counts)
def test_interval_and_p_agree(a: tuple[int, int], b: tuple[int, int]) -> None:
    """The interval holds the difference, never has zero width, and leaves 0 out exactly when the p-value is below 1 - level."""
    found = proportions(*a, *b, 0.95)
    lower, upper = found.interval.lower, found.interval.upper
    assert lower is not None and upper is not None and found.p_value is not None  # noqa: PT018 - one condition for the type checker
    assert -1 <= lower <= a[0] / a[1] - b[0] / b[1] <= upper <= 1
    assert lower < upper
    if abs(found.p_value - 0.05) > 1e-9:
        assert (lower > 0 or upper < 0) == (found.p_value < 0.05)


@given(counts, counts)
def test_the_other_way_round_is_the_negative(a: tuple[int, int], b: tuple[int, int]) -> None:
    """The difference b minus a has the interval of a minus b with its signs turned; so have the shares of misses."""
    here, there = proportions(*a, *b, 0.95), proportions(*b, *a, 0.95)
    misses = proportions(a[1] - a[0], a[1], b[1] - b[0], b[1], 0.95)
    for other in (there, misses):
        assert other.p_value == pytest.approx(here.p_value, rel=1e-9, abs=1e-15)
        assert other.interval.lower == pytest.approx(-(here.interval.upper or 0), abs=1e-9)
        assert other.interval.upper == pytest.approx(-(here.interval.lower or 0), abs=1e-9)


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    """The arrays hold what single calls answer."""
    table = np.array(TABLES, dtype=float).T
    lower, upper, p = score_limits(*table, 0.95)
    for place, one in enumerate(TABLES):
        single = proportions(*one, 0.95)
        assert (lower[place], upper[place], p[place]) == (single.interval.lower, single.interval.upper, single.p_value)


@pytest.mark.parametrize("table", [(0, 5, 0, 7), (5, 5, 7, 7), (0, 5, 7, 7), (5, 5, 0, 7), (0, 1, 0, 1), (0, 10**6, 0, 10)])
def test_shares_of_nothing_and_all(table: tuple[int, int, int, int]) -> None:
    """Boundaries have an interval inside [-1, 1], and equal boundaries a p-value of 1."""
    found = proportions(*table, 0.95)
    assert found.interval.lower is not None
    assert found.interval.upper is not None
    assert -1 <= found.interval.lower < found.interval.upper <= 1
    if table[0] / table[1] == table[2] / table[3]:
        assert found.p_value == 1


@pytest.mark.parametrize(("p_a", "n_a", "p_b", "n_b"), [(0.9, 15, 0.8, 400), (0.5, 30, 0.5, 30), (0.02, 120, 0.05, 2_000)])
def test_the_score_interval_covers(p_a: float, n_a: int, p_b: float, n_b: int) -> None:
    """Over every outcome with its exact probability the interval holds the true difference in 94 to 97 of 100 samples."""
    a, b = np.meshgrid(np.arange(n_a + 1), np.arange(n_b + 1), indexing="ij")
    chance = stats.binom.pmf(a, n_a, p_a) * stats.binom.pmf(b, n_b, p_b)
    likely = chance > 1e-9
    lower, upper, _ = score_limits(a[likely], np.full(likely.sum(), n_a), b[likely], np.full(likely.sum(), n_b), 0.95)
    covered = float(chance[likely][(lower <= p_a - p_b) & (p_a - p_b <= upper)].sum())
    assert 0.94 <= covered <= 0.97


def test_means_of_independent_rows_are_welchs() -> None:
    """With standard errors of means the test is Welch's, as scipy has it."""
    rng = np.random.default_rng(3)
    a, b = rng.exponential(2, 40), rng.normal(1, 3, 200)
    errors = (float(a.std(ddof=1)) / np.sqrt(40), float(b.std(ddof=1)) / np.sqrt(200))
    found = independent(float(a.mean() - b.mean()), errors, (40, 200), 0.95, student=True)
    wanted = stats.ttest_ind(a, b, equal_var=False)
    limits = wanted.confidence_interval(0.95)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-10)
    assert (found.interval.lower, found.interval.upper) == pytest.approx((limits.low, limits.high), rel=1e-10)


def test_ranks_use_the_normal_quantile() -> None:
    """Without Student's t the interval is difference ± z sqrt(a^2 + b^2)."""
    found = independent(0.1, (0.03, 0.04), (50, 50), 0.95, student=False)
    half = stats.norm.ppf(0.975) * 0.05
    assert (found.interval.lower, found.interval.upper) == pytest.approx((0.1 - half, 0.1 + half), rel=1e-12)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(2), rel=1e-12)


def test_groups_of_their_own_are_independent_samples() -> None:
    """Where no group lies on both sides, and each is one row, the joint error is nearly that of independent rows."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, 3000), rng.normal(1, 1, 3000)
    parts = np.concatenate([(a - a.mean()) / a.size, -(b - b.mean()) / b.size])
    difference = float(a.mean() - b.mean())
    found = joint(difference, parts, np.arange(6000), 0.95).interval
    wanted = independent(difference, (a.std(ddof=1) / a.size**0.5, b.std(ddof=1) / b.size**0.5), (3000, 3000), 0.95, student=False).interval
    assert (found.lower, found.upper) == pytest.approx((wanted.lower, wanted.upper), rel=1e-3)


def test_groups_on_both_sides_pair_themselves() -> None:
    """One row of every group on each side is a paired design: the error is that of the paired differences."""
    rng = np.random.default_rng(5)
    level = rng.normal(0, 10, 80)
    a, b = level + rng.normal(0, 1, 80), level + rng.normal(0.2, 1, 80)
    parts = np.concatenate([(a - a.mean()) / 80, -(b - b.mean()) / 80])
    found = joint(float(a.mean() - b.mean()), parts, np.concatenate([np.arange(80)] * 2), 0.95)
    error = float((a - b).std(ddof=1)) / 80**0.5
    assert found.interval.upper == pytest.approx(float(a.mean() - b.mean()) + stats.t.ppf(0.975, 79) * error, rel=1e-12)


def test_groups_use_students_t() -> None:
    """The quantile is Student's with G - 1 degrees of freedom: scipy's paired t-test where groups are pairs."""
    rng = np.random.default_rng(6)
    a, b = rng.normal(0, 1, 12), rng.normal(0.5, 1, 12)
    parts = np.concatenate([(a - a.mean()) / 12, -(b - b.mean()) / 12])
    found = joint(float(a.mean() - b.mean()), parts, np.concatenate([np.arange(12)] * 2), 0.95)
    assert found.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-10)


def test_what_cannot_be_told_has_no_interval() -> None:
    """One unit, or rows that are all alike, give no interval and a reason; equal constants are no difference."""
    assert not independent(0.1, (float("nan"), 0.1), (1, 50), 0.95, student=True).interval.known
    assert not joint(0.1, np.zeros(4), np.array([0, 0, 0, 0]), 0.95).interval.known
    alike = independent(0.0, (0.0, 0.0), (9, 9), 0.95, student=True)
    assert (alike.interval.known, alike.p_value) == (False, 1.0)
    assert joint(0.2, np.zeros(4), np.arange(4), 0.95).p_value is None
