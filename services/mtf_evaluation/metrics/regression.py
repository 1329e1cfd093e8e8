"""Errors of predicted numbers."""

from __future__ import annotations

import math

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.rows import Loss, SmoothMetric
from mtf_evaluation.statistics.interval import no_interval
from mtf_evaluation.statistics.quantiles import median, median_interval
from mtf_evaluation.statistics.scales import COMPLEMENT

FEWEST = 20
"""Rows from which the order statistics around the median lie close enough to be told."""


def _errors(sample: Sample) -> Floats:
    """(n,) prediction minus truth."""
    return np.asarray(sample.prediction - sample.target, dtype=np.float64)


class MeanAbsoluteError(Loss):
    """Mean of |prediction - truth|."""

    name = "mae"
    summary = "Mean of |prediction - truth|, in the target's unit."

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) absolute error."""
        return np.abs(_errors(sample))[:, None]


class RootMeanSquaredError(Loss):
    """Root of the mean squared error."""

    name = "rmse"
    summary = "Square root of the mean squared error, in the target's unit."

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) squared error."""
        squares: Floats = _errors(sample) ** 2
        return squares[:, None]

    def value(self, means: Floats) -> float:
        """The root of the mean."""
        return math.sqrt(means[0])

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """1 / (2 rmse)."""
        return np.array([0.5 / math.sqrt(means[0]) if means[0] > 0 else 0.0])


class AbsolutePercentageError(Loss):
    """Mean of |prediction - truth| / |truth|."""

    name = "mape"
    summary = "Mean of |prediction - truth| / |truth|, as a fraction."

    def missing(self, facts: Facts) -> str | None:
        """Undefined where a true value is 0."""
        zeros = int(np.count_nonzero(facts.sample.target == 0))
        return f"{zeros} rows have a true value of 0; wape is defined there" if zeros else None

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) relative error. True values below the machine's precision count as it, as in scikit-learn."""
        relative: Floats = np.abs(_errors(sample)) / np.maximum(np.abs(sample.target), np.finfo(np.float64).eps)
        return relative[:, None]


class WeightedPercentageError(Loss):
    """Sum of |prediction - truth| over the sum of |truth|."""

    name = "wape"
    summary = "Sum of |prediction - truth| divided by the sum of |truth|, as a fraction."

    def missing(self, facts: Facts) -> str | None:
        """Undefined where every true value is 0."""
        return None if np.any(facts.sample.target) else "every true value is 0"

    def terms(self, sample: Sample) -> Floats:
        """(n, 2) absolute error and absolute truth."""
        return np.stack([np.abs(_errors(sample)), np.abs(sample.target)], axis=1)

    def value(self, means: Floats) -> float:
        """The ratio of the means."""
        return float(means[0] / means[1])

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(1 / b, -a / b^2)."""
        return np.array([1 / means[1], -means[0] / means[1] ** 2])


class Bias(SmoothMetric):
    """Mean of prediction - truth."""

    name = "bias"
    tasks = ("regression",)
    greater_is_better = None
    bounds = (-math.inf, math.inf)
    summary = "Mean of prediction - truth, in the target's unit; above 0 the model predicts too much."

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) signed error."""
        return _errors(sample)[:, None]

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

    def missing(self, facts: Facts) -> str | None:
        """Undefined where the truth does not vary."""
        target = facts.sample.target
        return None if target.min() < target.max() else "the true value is the same in every row"

    def terms(self, sample: Sample) -> Floats:
        """(n, 3) squared error, centred truth and its square. Centring changes nothing but keeps the digits."""
        centred = sample.target - facts_of(sample).design.mean(sample.target)
        return np.stack([_errors(sample) ** 2, centred, centred**2], axis=1)

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
        squares: Floats = _errors(sample) ** 2
        return squares


class MedianAbsoluteError(Metric):
    """Median of |prediction - truth|."""

    name = "median_ae"
    tasks = ("regression",)
    greater_is_better = False
    bounds = (0.0, math.inf)
    summary = "Median of |prediction - truth|, in the target's unit."

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The median with an interval of order statistics (Woodruff's with weights or groups)."""
        facts = facts_of(sample)
        errors = np.abs(_errors(sample))
        value = median(errors, sample.weight)
        units = facts.design.groups if facts.design.group is not None else facts.design.kish
        doubt = f"{units:.3g} effective rows; the interval is known to hold from {FEWEST}" if units < FEWEST else None
        below = (errors <= value).astype(np.float64)
        effective = facts.design.effective(below - facts.design.mean(below))
        interval = median_interval(errors, facts.design, level)
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds)


class MaxError(Metric):
    """The largest error."""

    name = "max_error"
    tasks = ("regression",)
    greater_is_better = False
    has_interval = False
    bounds = (0.0, math.inf)
    summary = "Largest |prediction - truth| of this sample, in the target's unit; it grows with the number of rows."

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The maximum; it has no interval, because larger errors than any seen cannot be bounded without a model of them."""
        facts = facts_of(sample)
        if facts.n == 0:
            return undefined("there are no rows", 0)
        value = float(np.abs(_errors(sample)).max())
        return answer(value, no_interval(), level=level, n=facts.n, n_effective=float(facts.n))
