"""Where regression metrics have no value, and where numbers are absurdly large or far from 0."""

from __future__ import annotations

import warnings
from dataclasses import replace
from decimal import Decimal, getcontext

import numpy as np
import pytest

import mtf
from mtf.errors import SpecError
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.facts import with_facts
from tests.unit.evaluation import samples

BASE = samples.regression(60)
FIRST = np.arange(60) == 0


def _with(target: float | None = None, prediction: float | None = None) -> Sample:
    sample = BASE
    if target is not None:
        sample = replace(sample, target=np.where(FIRST, target, sample.target))
    if prediction is not None:
        sample = replace(sample, prediction=np.where(FIRST, prediction, sample.prediction))
    return sample


@pytest.mark.parametrize(
    ("name", "sample", "words"),
    [
        ("msle", _with(target=-1), "true value of -1 or less"),
        ("rmsle", _with(prediction=-2), "predicted value of -1 or less"),
        ("poisson_deviance", _with(target=-0.5), "1 rows have a true value below 0"),
        ("poisson_deviance", _with(prediction=0), "predicted value of 0 or less"),
        ("gamma_deviance", _with(target=0), "true value of 0 or less"),
        ("tweedie_deviance(power=3)", _with(target=0), "true value of 0 or less"),
        ("d2_tweedie(power=1)", _with(prediction=-1), "predicted value of 0 or less"),
        ("mdape", _with(target=0), "true value of 0"),
    ],
)
def test_outside_the_range_is_null_with_a_reason(name: str, sample: Sample, words: str) -> None:
    """A value that the metric does not know makes it null, and the reason counts the rows."""
    (value,) = measure.measure(sample, [name]).values()
    assert value.value is None
    assert words in (value.undefined or "")


@pytest.mark.parametrize("name", ["poisson_deviance", "tweedie_deviance", "smape", "msle"])
def test_zeros_are_allowed_where_the_definition_has_them(name: str) -> None:
    """A count of 0 is a count; a row where truth and prediction are 0 adds nothing to smape."""
    sample = _with(target=0, prediction=0 if name == "smape" else None)
    assert measure.measure(sample, [name])[name].value is not None


@pytest.mark.parametrize(
    "name", ["r2", "explained_variance", "d2_tweedie", "d2_absolute", "d2_pinball(quantile=0.9)", "pearson", "spearman"]
)
def test_constant_truth_is_null(name: str) -> None:
    """A truth that does not vary leaves nothing to explain."""
    (value,) = measure.measure(replace(BASE, target=np.full(60, 7.0)), [name]).values()
    assert "same in every row" in (value.undefined or "")


def test_constant_prediction_has_no_correlation_but_a_concordance() -> None:
    """A constant prediction follows nothing: no linear or rank correlation, and a concordance of 0."""
    found = measure.measure(replace(BASE, prediction=np.full(60, 50.0)), ["pearson", "spearman", "concordance"])
    assert found["pearson"].value is None
    assert found["spearman"].value is None
    assert found["concordance"].value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "text", ["pinball(quantile=1)", "ae_quantile(quantile=0)", "tweedie_deviance(power=0.5)", "interval_score(nominal=2)"]
)
def test_impossible_arguments_are_refused(text: str) -> None:
    """A quantile or share outside 0 to 1 and a power without a family are errors that name the argument."""
    with pytest.raises(SpecError, match=text.partition("(")[2].partition("=")[0]):
        measure.measure(BASE, [text])


@pytest.mark.parametrize("size", [1e150, 1e300, 1.7e308])
@pytest.mark.parametrize("weights", [False, True])
def test_huge_numbers_warn_nobody(size: float, weights: bool) -> None:
    """Near the largest float every metric and plot ends in a value or a reason; no warning of numpy reaches a user."""
    random = np.random.default_rng(0)
    target = random.uniform(-1, 1, 200) * size
    prediction = np.clip(target / 2 + random.normal(size=200) * (size / 9), -size, size)
    weight = random.uniform(0.5, 2, 200) if weights else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = mtf.evaluate(target, y_pred=prediction, weight=weight, metrics=measure.known_metrics("regression"))
        report.to_html()
    for name, value in report.metrics.items():
        assert (value.value is None) == bool(value.undefined), name
        assert value.value is None or np.isfinite(value.value), name


def _exact(sample: Sample, power: float) -> Decimal:
    """The mean unit deviance in 60 digits."""
    getcontext().prec = 60
    total = Decimal(0)
    for y, m in zip(map(Decimal, sample.target.tolist()), map(Decimal, sample.prediction.tolist()), strict=True):
        if power == 1:
            total += 2 * (y * (y / m).ln() - y + m)
        elif power == 2:
            total += 2 * ((m / y).ln() + y / m - 1)
        else:
            p = Decimal(power)
            total += 2 * (y ** (2 - p) / ((1 - p) * (2 - p)) - y * m ** (1 - p) / (1 - p) + m ** (2 - p) / (2 - p))
    return total / len(sample.target)


@pytest.mark.parametrize("power", [1, 1.5, 2, 3])
@pytest.mark.parametrize("offset", [0, 1e4, 1e9])
def test_deviance_keeps_its_digits(power: float, offset: float) -> None:
    """Where truth and prediction agree to nine digits the textbook formula is all rounding; ours is right to 1e-12."""
    sample = samples.regression(50)
    far = replace(sample, target=sample.target + offset, prediction=sample.prediction + offset)
    (found,) = measure.measure(far, [f"tweedie_deviance(power={power})"]).values()
    assert found.value == pytest.approx(float(_exact(far, power)), rel=1e-12)


@pytest.mark.parametrize(
    "name", ["spearman", "pearson", "concordance", "d2_tweedie", "d2_tweedie(power=1)", "explained_variance", "poisson_deviance"]
)
def test_influence_is_the_derivative(name: str) -> None:
    """A row's influence value is what a little more weight of it does to the metric, ties and weights included."""
    sample = samples.regression(40, seed=4, noise=8)
    weight = np.random.default_rng(4).integers(1, 4, 40).astype(np.float64)
    sample = replace(sample, target=np.round(sample.target), prediction=np.round(sample.prediction), interval=None, weight=weight)
    ((_, plugin),) = measure.find([name], "regression").items()
    value, influence = plugin.influence(with_facts(sample, 0))
    step = 1e-5
    for row in range(0, 40, 7):
        moved = weight.copy()
        moved[row] += step
        other = plugin.influence(with_facts(replace(sample, weight=moved), 0))[0]
        assert (other - value) / step * weight.sum() == pytest.approx(influence[row], rel=1e-3, abs=1e-4 * np.abs(influence).max())


def test_interval_score_with_few_misses_is_not_trusted() -> None:
    """Misses are the dearest part of the score: under twenty of them its interval says so, and with more it holds the truth."""
    sample = samples.regression(2000, seed=1)
    found = []
    for half in (1.0, 3.0):
        limits = np.stack([sample.prediction - half, sample.prediction + half], axis=1)
        found.append(measure.measure(replace(sample, interval=limits), ["interval_score"])["interval_score"])
    assert found[0].reliable
    assert "outside of their interval; 20 are needed" in (found[1].reason or "")


@pytest.mark.slow
def test_spearman_near_one_covers() -> None:
    """Ranks of a small sample understate a correlation near 1 by more than their standard error: the interval is moved by that much."""

    def draw(n: int, seed: int) -> Sample:
        random = np.random.default_rng(seed)
        target = random.normal(size=n)
        return Sample("regression", target, target + 0.05 * random.normal(size=n))

    truth = measure.measure(draw(500_000, 10**6), ["spearman"])["spearman"].value
    held = 0
    for seed in range(200):
        value = measure.measure(draw(400, seed), ["spearman"])["spearman"]
        assert value.lower is not None
        assert value.upper is not None
        assert truth is not None
        held += value.lower <= truth <= value.upper
    assert held >= 186
