"""Intervals and tests against independent implementations, where libraries have the same method."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import mtf
from mtf_evaluation import measure
from mtf_evaluation.statistics.multiplicity import benjamini_hochberg, holm
from tests.conformance.reference import TOLERANCE
from tests.unit.evaluation import samples

CLOSE = {"rel": TOLERANCE, "abs": 1e-13}


def _limits(sample: object, metric: str, level: float = 0.95) -> list[float | None]:
    (found,) = measure.measure(sample, [metric], level=level).values()  # type: ignore[arg-type]
    return [found.lower, found.upper]


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("share", "n"), [(0.3, 40), (0.02, 300), (0.5, 1000)])
def test_wilson_is_statsmodels(level: float, share: float, n: int) -> None:
    """Accuracy has the interval of `proportion_confint(method='wilson')`."""
    sample = samples.binary(n, share=share)
    right = int((sample.target == sample.prediction).sum())
    assert _limits(sample, "accuracy", level) == pytest.approx(list(proportion_confint(right, n, 1 - level, "wilson")), **CLOSE)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_mean_error_is_scipys_t_interval(level: float) -> None:
    """Bias has the interval of `ttest_1samp`; mae has Student's t on the logarithm of the mean."""
    sample = samples.regression(60)
    error = sample.prediction - sample.target
    wanted = stats.ttest_1samp(error, 0).confidence_interval(level)
    assert _limits(sample, "bias", level) == pytest.approx([wanted.low, wanted.high], **CLOSE)
    size = np.abs(error)
    half = stats.t.ppf(0.5 + level / 2, 59) * stats.sem(size) / size.mean()
    assert _limits(sample, "mae", level) == pytest.approx([size.mean() * math.exp(sign * half) for sign in (-1, 1)], **CLOSE)


@pytest.mark.parametrize("n", [25, 60, 501])
def test_median_is_scipys_quantile_test(n: int) -> None:
    """The median error has the order statistics of `quantile_test`, which rounds its binomial tails the same way."""
    sample = samples.regression(n)
    wanted = stats.quantile_test(np.abs(sample.prediction - sample.target), q=0, p=0.5).confidence_interval(0.95)
    assert _limits(sample, "median_ae") == pytest.approx([wanted.low, wanted.high], **CLOSE)


@pytest.mark.parametrize(("slope", "metric"), [(True, "calibration_slope"), (False, "calibration_intercept")])
def test_recalibration_is_statsmodels_sandwich(slope: bool, metric: str) -> None:
    """The coefficient has the robust (HC0) standard error of `GLM`, times n / (n - 1) for the estimated mean."""
    sample = samples.binary(400)
    assert sample.scores is not None
    odds = np.log(sample.scores[:, 1] / sample.scores[:, 0])
    columns = np.stack([np.ones(400), odds], axis=1) if slope else np.ones((400, 1))
    model = sm.GLM(sample.target, columns, family=sm.families.Binomial(), offset=None if slope else odds).fit(tol=1e-14, cov_type="HC0")
    half = stats.norm.ppf(0.975) * model.bse[-1] * math.sqrt(400 / 399)
    assert _limits(sample, metric) == pytest.approx([model.params[-1] - half, model.params[-1] + half], rel=1e-9)


def test_groups_are_statsmodels_clusters() -> None:
    """A mean of grouped rows has the cluster-robust standard error of `OLS(...).fit(cov_type='cluster')`."""
    sample = samples.grouped(samples.regression(300), 5)
    error = sample.prediction - sample.target
    model = sm.OLS(error, np.ones(300)).fit(
        cov_type="cluster", cov_kwds={"groups": sample.group, "use_correction": False, "df_correction": False}
    )
    half = stats.t.ppf(0.975, 59) * model.bse[0] * math.sqrt(60 / 59)
    assert _limits(sample, "bias") == pytest.approx([model.params[0] - half, model.params[0] + half], rel=1e-9)


def test_paired_mean_is_scipys_paired_t() -> None:
    """The difference of two mean errors of the same rows has `ttest_rel`'s interval and p-value."""
    random = np.random.default_rng(3)
    y = random.normal(50, 10, 200)
    first, second = y + random.normal(size=200), y + 1.1 * random.normal(size=200)
    (found,) = mtf.compare(*(mtf.evaluate(y, y_pred=p, metrics=["mae"]) for p in (first, second))).comparisons
    wanted = stats.ttest_rel(np.abs(first - y), np.abs(second - y))
    limits = wanted.confidence_interval(0.95)
    assert [found.lower, found.upper] == pytest.approx([limits.low, limits.high], rel=1e-9)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-9)


def test_accuracies_at_no_difference_are_mcnemars() -> None:
    """Tango's p-value is that of McNemar's chi-squared without correction."""
    from statsmodels.stats.contingency_tables import mcnemar

    random = np.random.default_rng(4)
    y = random.integers(0, 2, 300)
    first, second = (np.where(random.random(300) < share, 1 - y, y) for share in (0.2, 0.3))
    (found,) = mtf.compare(*(mtf.evaluate(y, y_pred=p, metrics=["accuracy"]) for p in (first, second))).comparisons
    a, b = first == y, second == y
    table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
    assert found.p_value == pytest.approx(mcnemar(table, exact=False, correction=False).pvalue, rel=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_corrections_are_statsmodels(ours: object, theirs: str) -> None:
    """Holm and Benjamini-Hochberg are `multipletests`."""
    from statsmodels.stats.multitest import multipletests

    for seed in range(10):
        p = np.random.default_rng(seed).random(12) ** 3
        assert ours(p.tolist()) == pytest.approx(multipletests(p, method=theirs)[1], abs=1e-12)  # type: ignore[operator]
