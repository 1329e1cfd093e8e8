"""Errors relative to the size of the truth, and errors of logarithms."""

from __future__ import annotations

import math

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.facts import Facts
from mtf_evaluation.metrics.regression import VALID, errors_of
from mtf_evaluation.metrics.rows import Loss

EPSILON = float(np.finfo(np.float64).eps)


def zeros(sample: Sample) -> str | None:
    """Why no relative error exists: a true value of 0."""
    count = int(np.count_nonzero(sample.target == 0))
    return f"{count} rows have a true value of 0; wape is defined there" if count else None


def relative_errors(sample: Sample) -> Floats:
    """(n,) |prediction - truth| / |truth|. True values below the machine's precision count as it, as in scikit-learn."""
    return np.asarray(np.abs(errors_of(sample)) / np.maximum(np.abs(sample.target), EPSILON), dtype=np.float64)


class AbsolutePercentageError(Loss):
    """Mean of |prediction - truth| / |truth|."""

    name = "mape"
    summary = "Mean of |prediction - truth| / |truth|, as a fraction."
    formula = "mean(|prediction - truth| / |truth|)"
    undefined_when = "a true value is 0"
    valid_from = VALID
    source = "scikit-learn `mean_absolute_percentage_error`; Hyndman and Koehler 2006 on why wape is often the better choice"

    def missing(self, facts: Facts) -> str | None:
        """Undefined where a true value is 0."""
        return zeros(facts.sample)

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) relative error."""
        return relative_errors(sample)[:, None]


class SymmetricPercentageError(Loss):
    """Mean of |prediction - truth| over the mean size of the two."""

    name = "smape"
    bounds = (0.0, 2.0)
    summary = "Mean of 2 |prediction - truth| / (|prediction| + |truth|), from 0 to 2; a row where both are 0 counts 0."
    formula = "mean(2 |prediction - truth| / (|prediction| + |truth|)), 0 where both are 0"
    valid_from = VALID
    source = "Makridakis 1993 in the form of the M4 competition, as a fraction"

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) error relative to the mean size; halves are added, so that no sum overflows."""
        size = np.abs(sample.prediction) / 2 + np.abs(sample.target) / 2
        found = np.divide(np.abs(errors_of(sample)), size, out=np.zeros_like(size), where=size > 0)
        return np.asarray(found, dtype=np.float64)[:, None]


class WeightedPercentageError(Loss):
    """Sum of |prediction - truth| over the sum of |truth|."""

    name = "wape"
    summary = "Sum of |prediction - truth| divided by the sum of |truth|, as a fraction."
    formula = "sum(|prediction - truth|) / sum(|truth|)"
    undefined_when = "every true value is 0"
    valid_from = VALID
    source = "Kolassa and Schuetz 2007 (MAD/mean ratio); interval: delta method on the log scale"

    def missing(self, facts: Facts) -> str | None:
        """Undefined where every true value is 0."""
        return None if np.any(facts.sample.target) else "every true value is 0"

    def terms(self, sample: Sample) -> Floats:
        """(n, 2) absolute error and absolute truth."""
        return np.stack([np.abs(errors_of(sample)), np.abs(sample.target)]).T

    def value(self, means: Floats) -> float:
        """The ratio of the means."""
        return float(means[0] / means[1])

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(1 / b, -a / b^2)."""
        return np.array([1 / means[1], -means[0] / means[1] ** 2])


class MeanSquaredLogError(Loss):
    """Mean squared error of log(1 + value)."""

    name = "msle"
    summary = "Mean of (log(1 + prediction) - log(1 + truth))^2: squared relative errors of numbers from 0 on."
    formula = "mean((log(1 + prediction) - log(1 + truth))^2)"
    undefined_when = "a true or predicted value is -1 or less"
    valid_from = VALID
    source = "scikit-learn `mean_squared_log_error`; interval: delta method with Student's t on the log scale"

    def missing(self, facts: Facts) -> str | None:
        """Undefined where a logarithm is."""
        for what, values in (("true", facts.sample.target), ("predicted", facts.sample.prediction)):
            count = int(np.count_nonzero(values <= -1))
            if count:
                return f"{count} rows have a {what} value of -1 or less, which has no log(1 + value)"
        return None

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) squared error of the logarithms, from the ratio: two close logarithms would lose their digits in a difference."""
        ratio = errors_of(sample) / (1 + sample.target)
        near = np.abs(ratio) < 0.5  # noqa: PLR2004 - within a factor of two the ratio is exact, beyond it the difference is
        found = np.where(near, np.log1p(np.where(near, ratio, 0.0)), np.log1p(sample.prediction) - np.log1p(sample.target))
        return np.asarray(found**2, dtype=np.float64)[:, None]


class RootMeanSquaredLogError(MeanSquaredLogError):
    """Root of the mean squared error of log(1 + value)."""

    name = "rmsle"
    summary = "Square root of the mean squared logarithmic error: about the relative error of numbers from 0 on."
    formula = "sqrt(mean((log(1 + prediction) - log(1 + truth))^2))"
    source = "scikit-learn `root_mean_squared_log_error`; interval: delta method with Student's t on the log scale"

    def value(self, means: Floats) -> float:
        """The root of the mean."""
        return math.sqrt(means[0])

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """1 / (2 rmsle)."""
        return np.array([0.5 / math.sqrt(means[0]) if means[0] > 0 else 0.0])
