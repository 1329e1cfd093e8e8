"""Errors of predicted numbers in the target's unit, and the share of the target's variation that the model explains."""

from __future__ import annotations

import math

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.rows import FEWEST, Loss, SmoothMetric
from mtf_evaluation.statistics.interval import no_interval
from mtf_evaluation.statistics.scales import COMPLEMENT

VALID = (
    f"{FEWEST} rows (or groups), at least 10 rows for each squared skewness of the rows' contributions, and a tail index of at least 1.75: "
    "fewer rows, or a few very large errors, make the interval unreliable"
)


def errors_of(sample: Sample) -> Floats:
    """(n,) prediction minus truth."""
    return np.asarray(sample.prediction - sample.target, dtype=np.float64)


class MeanAbsoluteError(Loss):
    """Mean of |prediction - truth|."""

    name = "mae"
    summary = "Mean of |prediction - truth|, in the target's unit."
    formula = "mean(|prediction - truth|)"
    valid_from = VALID
    source = "scikit-learn `mean_absolute_error`; interval: delta method with Student's t on the log scale"

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) absolute error."""
        return np.abs(errors_of(sample))[:, None]


class MeanSquaredError(Loss):
    """Mean squared error."""

    name = "mse"
    summary = "Mean of (prediction - truth)^2, in the square of the target's unit."
    formula = "mean((prediction - truth)^2)"
    valid_from = VALID
    source = "scikit-learn `mean_squared_error`; interval: delta method with Student's t on the log scale"

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) squared error."""
        squares: Floats = errors_of(sample) ** 2
        return squares[:, None]


class RootMeanSquaredError(MeanSquaredError):
    """Root of the mean squared error."""

    name = "rmse"
    summary = "Square root of the mean squared error, in the target's unit."
    formula = "sqrt(mean((prediction - truth)^2))"
    source = "scikit-learn `root_mean_squared_error`; interval: delta method with Student's t on the log scale"

    def value(self, means: Floats) -> float:
        """The root of the mean."""
        return math.sqrt(means[0])

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """1 / (2 rmse)."""
        return np.array([0.5 / math.sqrt(means[0]) if means[0] > 0 else 0.0])


class Bias(SmoothMetric):
    """Mean of prediction - truth."""

    name = "bias"
    tasks = ("regression",)
    greater_is_better = None
    bounds = (-math.inf, math.inf)
    summary = "Mean of prediction - truth, in the target's unit; above 0 the model predicts too much."
    formula = "mean(prediction - truth)"
    valid_from = VALID
    source = "the mean error; interval: Student's t"

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) signed error."""
        return errors_of(sample)[:, None]

    def value(self, means: Floats) -> float:
        """The mean."""
        return float(means[0])

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Exactly 1."""
        return np.ones(1)


class RSquared(SmoothMetric):
    """Share of the target's variance that the model explains."""

    name = "r2"
    tasks = ("regression",)
    bounds = (-math.inf, 1.0)
    scale = COMPLEMENT
    summary = "1 - mean squared error / variance of the truth."
    formula = "1 - mean((prediction - truth)^2) / mean((truth - mean(truth))^2)"
    undefined_when = "the true value is the same in every row"
    valid_from = VALID
    source = "scikit-learn `r2_score`; interval: delta method on the scale log(1 - r2)"

    def missing(self, facts: Facts) -> str | None:
        """Undefined where the truth does not vary."""
        target = facts.sample.target
        return None if target.min() < target.max() else "the true value is the same in every row"

    def terms(self, sample: Sample) -> Floats:
        """(n, 3) squared error, centred truth and its square. Centring changes nothing but keeps the digits."""
        centred = sample.target - facts_of(sample).centre.target
        return np.stack([errors_of(sample) ** 2, centred, centred**2]).T

    def value(self, means: Floats) -> float:
        """1 - a / (c - b^2), with the terms' means in order."""
        return float(1 - means[0] / (means[2] - means[1] ** 2))

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The derivative of the above."""
        variance = means[2] - means[1] ** 2
        ratio = means[0] / variance**2
        return np.array([-1 / variance, -2 * means[1] * ratio, ratio])

    def tail(self, sample: Sample, influence: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The squared errors, whose tail the truth's own variation would hide."""
        squares: Floats = errors_of(sample) ** 2
        return squares


class ExplainedVariance(RSquared):
    """R squared that forgives a constant bias."""

    name = "explained_variance"
    summary = "1 - variance of the error / variance of the truth: R squared as it would be without the bias."
    formula = "1 - var(prediction - truth) / var(truth), both variances with 1 / n"
    source = "scikit-learn `explained_variance_score`; interval: delta method on the scale log(1 - value)"

    def terms(self, sample: Sample) -> Floats:
        """(n, 4) squared centred error, centred truth and its square, centred error."""
        centre = facts_of(sample).centre
        error = errors_of(sample) - (centre.prediction - centre.target)
        centred = sample.target - centre.target
        return np.stack([error**2, centred, centred**2, error]).T

    def value(self, means: Floats) -> float:
        """1 - (a - d^2) / (c - b^2), with the terms' means in order."""
        return float(1 - (means[0] - means[3] ** 2) / (means[2] - means[1] ** 2))

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The derivative of the above."""
        variance = means[2] - means[1] ** 2
        ratio = (means[0] - means[3] ** 2) / variance**2
        return np.array([-1 / variance, -2 * means[1] * ratio, ratio, 2 * means[3] / variance])


class MaxError(Metric):
    """The largest error."""

    name = "max_error"
    tasks = ("regression",)
    greater_is_better = False
    has_interval = False
    bounds = (0.0, math.inf)
    summary = "Largest |prediction - truth| of this sample, in the target's unit; it grows with the number of rows."
    formula = "max(|prediction - truth|)"
    valid_from = "never: errors larger than any seen cannot be bounded without a model of them"
    source = "scikit-learn `max_error`"
    of_errors = True
    """Needs the errors alone, so that it can be read from counted errors."""

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The maximum; it has no interval, because larger errors than any seen cannot be bounded without a model of them."""
        facts = facts_of(sample)
        if facts.n == 0:
            return undefined("there are no rows", 0)
        value = float(np.abs(errors_of(sample)).max())
        return answer(value, no_interval(), level=level, n=facts.n, n_effective=float(facts.n))
