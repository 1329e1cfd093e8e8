"""Paired tests against statsmodels, scipy and the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.paired import mid_p, paired_normal, tango


@pytest.mark.parametrize(("b", "c", "n"), [(9, 3, 50), (0, 6, 50), (20, 20, 100), (140, 100, 10_000), (1, 0, 5)])
def test_tango_p_is_mcnemars_score_test(b: int, c: int, n: int) -> None:
    """At a difference of 0 Tango's statistic is McNemar's, without continuity correction."""
    wanted = mcnemar([[n - b - c, b], [c, 0]], exact=False, correction=False).pvalue
    assert tango(b, c, n, 0.95).p_value == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("b", "c", "n"), [(9, 3, 50), (3, 9, 50), (20, 20, 100), (140, 100, 10_000)])
def test_tango_limits_maximise_the_likelihood(b: int, c: int, n: int) -> None:
    """At each limit the score statistic with a numerically found restricted maximum of the likelihood is ±z."""
    z = stats.norm.ppf(0.975)
    interval = tango(b, c, n, 0.95).interval
    for limit, sign in ((interval.lower, 1), (interval.upper, -1)):
        assert limit is not None
        low, high = max(0.0, -limit) + 1e-12, (1 - limit) / 2 - 1e-12

        def minus(q: float, limit: float = limit) -> float:
            return -float(b * np.log(q + limit) + c * np.log(q) + (n - b - c) * np.log(1 - 2 * q - limit))

        q = optimize.minimize_scalar(minus, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        statistic = (b - c - n * limit) / np.sqrt(n * (2 * q + limit * (1 - limit)))
        assert statistic == pytest.approx(sign * z, rel=1e-4)


def test_tango_interval_and_p_agree() -> None:
    """The interval excludes 0 exactly when the p-value is below 1 - level."""
    for b in range(0, 30, 3):
        for c in range(0, 30, 3):
            found = tango(b, c, 60, 0.95)
            assert found.interval.lower is not None
            assert found.interval.upper is not None
            assert found.p_value is not None
            if abs(found.p_value - 0.05) > 1e-6:
                assert (found.interval.lower > 0 or found.interval.upper < 0) == (found.p_value < 0.05)


def test_tango_without_discordant_rows() -> None:
    """Equal answers: difference 0, p 1, and the interval that an unseen disagreement leaves."""
    z2 = stats.norm.ppf(0.975) ** 2
    found = tango(0, 0, 100, 0.95)
    assert found.p_value == 1
    assert found.interval.lower == pytest.approx(-z2 / (100 + z2))
    assert found.interval.upper == pytest.approx(z2 / (100 + z2))


@pytest.mark.parametrize(("b", "c", "n"), [(5, 0, 5), (0, 5, 5), (1, 0, 1)])
def test_tango_at_the_edge(b: int, c: int, n: int) -> None:
    """A difference of ±1 has a one-sided interval."""
    interval = tango(b, c, n, 0.95).interval
    assert interval.lower is not None
    assert interval.upper is not None
    assert interval.lower < interval.upper
    assert 1 in (interval.upper, -interval.lower)


@pytest.mark.parametrize(("b", "c"), [(9, 3), (0, 6), (7, 7), (25, 10)])
def test_mid_p_is_the_definition(b: int, c: int) -> None:
    """The two-sided exact binomial p-value less half of the observed point's probability on both sides."""
    exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue
    wanted = 1.0 if b == c else exact - stats.binom.pmf(min(b, c), b + c, 0.5)
    assert mid_p(b, c) == pytest.approx(wanted, rel=1e-9)


def test_paired_means_are_the_t_test() -> None:
    """For plain means the interval and p-value are those of the paired t-test."""
    random = np.random.default_rng(0)
    a, b = random.normal(size=25), random.normal(0.4, size=25)
    wanted = stats.ttest_rel(a, b)
    design, apart = Design(25), a - b
    found = paired_normal(apart.mean(), design.standard_error(apart - apart.mean()), design, 0.95, "influence", student=True)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-9)
    assert found.interval.lower == pytest.approx(wanted.confidence_interval().low, rel=1e-9)
