"""Metrics of probabilities and margins against scikit-learn, statsmodels and formulas written out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import special
from sklearn import metrics as oracle
from sklearn.isotonic import IsotonicRegression

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import measure
from tests.unit.evaluation import samples

CLOSE = 1e-10
SAMPLES = [
    pytest.param(samples.binary(300), id="smooth"),
    pytest.param(replace(samples.binary(300), scores=0.05 + 0.9 * np.asarray(samples.binary(300, digits=1).scores)), id="ties"),
    pytest.param(samples.binary(60, seed=5, share=0.2), id="few"),
]
WEIGHTS = pytest.mark.parametrize("weights", [False, True])


def _weight(sample: Sample, weights: bool) -> NDArray[np.float64]:
    return np.random.default_rng(9).uniform(0.1, 4, size=sample.target.size) if weights else np.ones(sample.target.size)


def _one(sample: Sample, name: str, weight: Any = None) -> MetricValue:
    return next(iter(measure.measure(sample if weight is None else samples.weighted(sample, weight), [name]).values()))


def _scored(target: Any, score: Any) -> Sample:
    target, score = np.asarray(target, dtype=np.int32), np.asarray(score, dtype=np.float64)
    return Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1))


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
def test_recalibration_is_statsmodels(sample: Sample, weights: bool) -> None:
    """Slope and intercept are the coefficients of statsmodels' logistic regression on the log-odds."""
    assert sample.scores is not None
    weight, odds = _weight(sample, weights), special.logit(sample.scores[:, 1])
    options = {"family": sm.families.Binomial(), "freq_weights": weight}
    slope = sm.GLM(sample.target, sm.add_constant(odds), **options).fit(tol=1e-14, maxiter=200).params[1]
    shift = sm.GLM(sample.target, np.ones((odds.size, 1)), offset=odds, **options).fit(tol=1e-14, maxiter=200).params[0]
    assert _one(sample, "calibration_slope", weight).value == pytest.approx(slope, rel=CLOSE)
    assert _one(sample, "calibration_intercept", weight).value == pytest.approx(shift, rel=CLOSE)


@pytest.mark.parametrize("sample", SAMPLES)
def test_recalibration_interval_is_the_sandwich(sample: Sample) -> None:
    """The intervals are those of statsmodels with White's covariance, but for the factor n / (n - 1)."""
    assert sample.scores is not None
    odds, n = special.logit(sample.scores[:, 1]), sample.target.size
    fit = sm.GLM(sample.target, sm.add_constant(odds), family=sm.families.Binomial()).fit(tol=1e-14, cov_type="HC0")
    value = _one(sample, "calibration_slope")
    assert value.lower is not None
    assert value.upper is not None
    assert (value.upper - value.lower) / 2 == pytest.approx(1.959963984540054 * fit.bse[1] * np.sqrt(n / (n - 1)), rel=1e-7)


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
def test_corp_is_isotonic_regression(sample: Sample, weights: bool) -> None:
    """The parts are differences of Brier scores before and after scikit-learn's isotonic regression, and add up to the Brier score."""
    assert sample.scores is not None
    weight, score, y = _weight(sample, weights), sample.scores[:, 1], sample.target
    fitted = IsotonicRegression().fit_transform(score, y, sample_weight=weight)
    brier, after = (np.average((each - y) ** 2, weights=weight) for each in (score, fitted))
    base = np.average(y, weights=weight)
    found = {name: _one(sample, name, weight).value for name in ("mcb", "dsc", "unc", "brier")}
    assert found["mcb"] == pytest.approx(brier - after, rel=CLOSE)
    assert found["dsc"] == pytest.approx(base * (1 - base) - after, rel=CLOSE)
    assert found["unc"] == pytest.approx(base * (1 - base), rel=CLOSE)
    assert found["mcb"] - found["dsc"] + found["unc"] == pytest.approx(found["brier"], rel=CLOSE)


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
def test_skill_and_test_statistic(sample: Sample, weights: bool) -> None:
    """Brier skill is scikit-learn's; Spiegelhalter's z is its formula, with sampling weights in numerator and variance."""
    assert sample.scores is not None
    weight, p, y = _weight(sample, weights), sample.scores[:, 1], sample.target
    assert _one(sample, "brier_skill", weight).value == pytest.approx(oracle.d2_brier_score(y, p, sample_weight=weight), rel=CLOSE)
    lean = weight * (1 - 2 * p)
    wanted = (lean @ (y - p)) / np.sqrt(lean**2 @ (p * (1 - p)))
    assert _one(sample, "spiegelhalter_z", weight).value == pytest.approx(wanted, rel=CLOSE)
    assert _one(sample, "spiegelhalter_z", weight * 100).value == pytest.approx(wanted, rel=CLOSE)


def test_calibrated_models_stay_in_their_bands() -> None:
    """Of 200 perfectly calibrated models about 95 in 100 lie inside the bands of mcb and Spiegelhalter's z."""
    inside = {"mcb": 0, "spiegelhalter_z": 0}
    for seed in range(200):
        random = np.random.default_rng(seed)
        p = random.beta(1, 2, size=400)
        for name in inside:
            value = _one(
                _scored(random.random(400) < p, p) if name == "mcb" else _scored(np.random.default_rng([seed, 1]).random(400) < p, p), name
            )
            assert value.null_band is not None
            assert value.value is not None
            inside[name] += value.null_band[0] <= value.value <= value.null_band[1]
    assert all(180 <= count <= 199 for count in inside.values()), inside


@WEIGHTS
def test_margins_are_scikit_learns(weights: bool) -> None:
    """Hinge of two and of several classes, and top-k accuracy, agree with scikit-learn."""
    two, many = samples.margins(samples.binary(300)), samples.multiclass(300)
    assert two.scores is not None
    assert many.scores is not None
    weight = _weight(two, weights)
    wanted = oracle.hinge_loss(two.target, two.scores[:, 1], sample_weight=weight)
    assert _one(two, "hinge", weight).value == pytest.approx(wanted, rel=CLOSE)
    signed = replace(many, scores=np.log(many.scores))
    assert signed.scores is not None
    wanted = oracle.hinge_loss(many.target, signed.scores, labels=range(4), sample_weight=weight)
    assert _one(signed, "hinge", weight).value == pytest.approx(wanted, rel=CLOSE)
    for k in (1, 2, 3):
        wanted = oracle.top_k_accuracy_score(many.target, many.scores, k=k, sample_weight=weight)
        assert _one(many, f"top_k_accuracy(k={k})", weight).value == pytest.approx(wanted, rel=CLOSE)


def test_tied_classes_count_by_expectation() -> None:
    """A true class that shares the second place with two others is among the first two in one order of three."""
    scores = np.array([[0.4, 0.2, 0.2, 0.2]] * 12)
    sample = Sample("multiclass", np.ones(12, dtype=np.int32), np.zeros(12, dtype=np.int32), scores, tuple("abcd"))
    assert _one(sample, "top_k_accuracy(k=2)").value == pytest.approx(1 / 3)
    assert _one(sample, "top_k_accuracy(k=3)").value == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("target", "score", "name", "words"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], "calibration_slope", "separate"),
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3], "calibration_slope", "separate"),
        ([0, 1, 1, 0], [0.2, 0.6, 0.0, 0.7], "calibration_slope", "exactly 0 or 1"),
        ([0, 1, 1, 0], [0.2, 0.6, 0.0, 0.7], "calibration_intercept", "exactly 0 or 1"),
        ([0, 1, 1, 0], [0.0, 1.0, 0.5, 0.0], "calibration_intercept", "one class"),
        ([0, 0, 0], [0.2, 0.6, 0.7], "calibration_intercept", "one class"),
        ([0, 0, 0], [0.2, 0.6, 0.7], "brier_skill", "one class"),
        ([0, 1, 0, 1], [0.5, 0.5, 1.0, 0.0], "spiegelhalter_z", "leans"),
        ([0, 1, 0], [0.2, 0.6, 0.7], "hinge", "no sign"),
        ([0, 1, 0], [2.0, -1.0, 0.3], "mcb", "not probabilities"),
        ([0, 1, 0], [2.0, -1.0, 0.3], "calibration_slope", "not probabilities"),
        ([0, 0, 0], [0.1, 0.2, 0.3], "recall_at", "no positive"),
        ([1, 1, 1], [0.1, 0.2, 0.3], "sensitivity_at", "one class"),
        ([1, 1, 1], [0.1, 0.2, 0.3], "ks", "one class"),
    ],
)
def test_undefined_says_why(target: list[int], score: list[float], name: str, words: str) -> None:
    """What has no value is null with a reason."""
    value = _one(_scored(target, score), name)
    assert value.value is None
    assert words in (value.undefined or "")


def test_certain_rows_that_were_right_leave_the_fit_alone() -> None:
    """Rows with a probability of 0 or 1 that were right have no part in the likelihood's limit: slope and shift stay."""
    sample = samples.binary(200)
    assert sample.scores is not None
    more = _scored(np.concatenate([sample.target, [0, 1, 1]]), np.concatenate([sample.scores[:, 1], [0.0, 1.0, 1.0]]))
    for name in ("calibration_slope", "calibration_intercept"):
        assert _one(more, name).value == pytest.approx(_one(sample, name).value, rel=1e-9)


def test_groups_refuse_the_test() -> None:
    """Spiegelhalter's test wants independent rows; the slope takes groups."""
    sample = samples.grouped(samples.binary(200), 4)
    assert "group" in (_one(sample, "spiegelhalter_z").undefined or "")
    assert _one(sample, "calibration_slope").lower is not None


def test_too_many_answers_are_no_metric() -> None:
    """Top-k accuracy of as many answers as classes would be 1 for any model."""
    assert "every row" in (_one(samples.multiclass(50, k=3), "top_k_accuracy(k=3)").undefined or "")


def test_extreme_probabilities_converge() -> None:
    """Log-odds of very different size still find the maximum that statsmodels finds."""
    random = np.random.default_rng(2)
    odds = random.normal(size=500) * 12
    sample = _scored(random.random(500) < special.expit(odds / 6), special.expit(odds))
    wanted = sm.GLM(sample.target, sm.add_constant(special.logit(special.expit(odds))), family=sm.families.Binomial()).fit(
        tol=1e-14, maxiter=200
    )
    assert _one(sample, "calibration_slope").value == pytest.approx(wanted.params[1], rel=1e-9)


def test_many_rows_find_the_same_maximum() -> None:
    """The start from a part of many rows does not show in the result, also where that part has no positive row."""
    sample = samples.binary(120_000, share=0.3)
    assert sample.scores is not None
    odds = special.logit(sample.scores[:, 1])
    fit = sm.GLM(sample.target, sm.add_constant(odds), family=sm.families.Binomial()).fit(tol=1e-14)
    assert _one(sample, "calibration_slope").value == pytest.approx(fit.params[1], rel=CLOSE)
    target = sample.target.copy()
    target[:: sample.target.size // 5_000] = 0
    fit = sm.GLM(target, sm.add_constant(odds), family=sm.families.Binomial()).fit(tol=1e-14)
    assert _one(replace(sample, target=target), "calibration_slope").value == pytest.approx(fit.params[1], rel=CLOSE)
