"""Standard errors with weights and groups against statsmodels, quantiles against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from mtf_evaluation.metrics.regression import RSquared
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.influence import gradient, tail_index
from mtf_evaluation.statistics.quantiles import median, median_interval


def _values(n: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(n // 4), 4)
    return random.normal(size=n) + random.normal(size=n // 4)[group], random.uniform(0.2, 3, size=n), group


def test_plain_error_is_the_means() -> None:
    """Without weights and groups it is s / sqrt(n)."""
    values, _, _ = _values()
    assert Design(80).standard_error(values - values.mean()) == pytest.approx(stats.sem(values), rel=1e-12)


def test_weighted_error_is_the_sandwich() -> None:
    """Weighted: the heteroscedasticity-robust error of a weighted mean (HC1)."""
    values, weight, _ = _values()
    design = Design(80, weight)
    wanted = sm.WLS(values, np.ones(80), weights=weight).fit(cov_type="HC1").bse[0]
    assert design.standard_error(values - design.mean(values)) == pytest.approx(wanted, rel=1e-10)


def test_grouped_error_is_the_cluster_sandwich() -> None:
    """Groups: statsmodels' cluster-robust error of a weighted mean."""
    values, weight, group = _values()
    design = Design(80, weight, group)
    model = sm.WLS(values, np.ones(80), weights=weight).fit(cov_type="cluster", cov_kwds={"groups": group, "use_correction": False})
    wanted = model.bse[0] * np.sqrt(20 / 19)
    assert design.standard_error(values - design.mean(values)) == pytest.approx(wanted, rel=1e-10)


def test_groups_use_student() -> None:
    """The quantile is Student's with G - 1 degrees of freedom for G groups, and normal without groups."""
    assert Design(80, None, np.arange(80) // 4).quantile(0.95) == pytest.approx(stats.t.ppf(0.975, 19))
    assert Design(80, None, np.arange(80) // 2).quantile(0.95) == pytest.approx(stats.t.ppf(0.975, 39))
    assert Design(80, None, None).quantile(0.95) == pytest.approx(stats.norm.ppf(0.975))


def test_group_codes_may_have_gaps() -> None:
    """Only which rows share a group matters, not what it is called."""
    values, _, group = _values()
    one, other = Design(80, None, group), Design(80, None, group * 1_000_003 - 7)
    assert one.standard_error(values) == other.standard_error(values)
    assert one.groups == other.groups == 20


def test_gradient_is_the_derivative() -> None:
    """The numeric gradient agrees with the analytic one."""
    metric, means = RSquared(), np.array([0.7, 0.1, 2.0])
    found = gradient(metric.value, means, np.ones(3))
    assert found == pytest.approx(metric.slope(means, np.ones(3)), rel=1e-6)


@pytest.mark.parametrize("n", [6, 7, 20, 101, 1000])
def test_order_statistics_cover_exactly(n: int) -> None:
    """The binomial probability that the median lies between the two order statistics is the smallest of at least the level."""
    values = np.arange(n, dtype=np.float64)
    found = median_interval(values, Design(n), 0.95)
    assert found.lower is not None
    assert found.upper is not None
    low = int(found.lower)
    assert found.upper == n - 1 - low
    assert 1 - 2 * stats.binom.cdf(low, n, 0.5) >= 0.95
    assert 1 - 2 * stats.binom.cdf(low + 1, n, 0.5) < 0.95


def test_too_few_rows_for_a_median() -> None:
    """Five rows cannot enclose the median with 95 %: there is no interval, and a reason."""
    found = median_interval(np.arange(5.0), Design(5), 0.95)
    assert found.lower is None
    assert "too few" in (found.reason or "")


def test_weighted_median_is_repetition() -> None:
    """Integer weights give the median of the repeated values."""
    random = np.random.default_rng(1)
    for _ in range(50):
        n = int(random.integers(1, 12))
        values, weight = np.round(random.normal(size=n), 1), random.integers(1, 4, size=n)
        assert median(values, weight.astype(np.float64)) == pytest.approx(np.median(np.repeat(values, weight)))


def test_tail_index_finds_infinite_variance() -> None:
    """Pareto rows with index 1.5 are told from exponential ones."""
    random = np.random.default_rng(0)
    assert tail_index(random.pareto(1.5, size=20_000) + 1) == pytest.approx(1.5, rel=0.3)
    assert tail_index(random.exponential(size=20_000)) > 3
