"""Functions of the confusion matrix that are no plain shares: F1, Matthews' correlation, means over classes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.influence import delta_interval
from mtf_evaluation.statistics.interval import Interval
from mtf_evaluation.statistics.matrix import drawn_interval
from mtf_evaluation.statistics.proportion import wilson
from mtf_evaluation.statistics.scales import ATANH, LOGIT, Scale

Mask = NDArray[np.bool_]
FEWEST = 10
"""Rows of the rarest observed class under which the interval is shown but not trusted."""
BLOCK = 2_000_000
"""Numbers held at once while differentiating."""


class MatrixMetric(Metric):
    """A smooth function of the confusion matrix that does not change when the matrix is rescaled."""

    scale: ClassVar[Scale] = LOGIT
    averaged: ClassVar[bool] = False
    """Whether it is a mean over classes, whose number is told."""

    def defined(self, matrix: Floats) -> Mask:
        """(k,) classes that enter; all of them unless the metric is a mean over classes."""
        return np.ones(matrix.shape[-1], dtype=np.bool_)

    def missing(self, matrix: Floats) -> str | None:
        """Why the metric is undefined for this (k, k) matrix, or None."""
        raise NotImplementedError

    def score(self, matrices: Floats, defined: Mask) -> Floats:
        """The metric of (..., k, k) matrices, as (...)."""
        raise NotImplementedError

    def terms(self, sample: Sample) -> Floats:
        """(n, k * k) indicator of the cell that each row falls into."""
        facts = facts_of(sample)
        return np.eye(facts.classes**2, dtype=np.float64)[facts.cells]

    def value(self, means: Floats) -> float:
        """The metric from the shares of the cells; NaN where it is undefined."""
        k = round(means.size**0.5)
        matrix = np.maximum(means, 0.0).reshape(k, k)
        return float("nan") if self.missing(matrix) else float(self.score(matrix, self.defined(matrix)))

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if self.missing(facts.matrix):
            return float("nan"), np.zeros(facts.n)
        defined = self.defined(facts.matrix)
        return float(self.score(facts.matrix, defined)), self._per_cell(facts, defined).ravel()[facts.cells]

    def _per_cell(self, facts: Facts, defined: Mask) -> Floats:
        """(k, k) influence of a row that falls into a cell: the numeric gradient, centred. Only cells with rows are differentiated."""
        shares = facts.matrix / facts.matrix.sum()
        filled = np.flatnonzero(shares)
        step = np.cbrt(np.finfo(np.float64).eps) * np.maximum(shares.ravel()[filled], np.sqrt(shares.ravel()[filled] / facts.n) * 1e-2)
        slope = np.zeros(shares.size)
        for part in np.array_split(np.arange(filled.size), max(1, filled.size * shares.size * 2 // BLOCK)):
            moved = np.repeat(shares.reshape(1, -1), part.size, axis=0)
            rows, columns = np.arange(part.size), filled[part]
            moved[rows, columns] += step[part]
            above = self.score(moved.reshape(-1, *shares.shape), defined)
            moved[rows, columns] -= 2 * step[part]
            slope[columns] = (above - self.score(moved.reshape(-1, *shares.shape), defined)) / (2 * step[part])
        centred = slope - float(slope @ shares.ravel())
        return np.asarray(centred.reshape(shares.shape))

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The metric; Dirichlet draws for independent rows of equal weight, else the delta method."""
        facts = facts_of(sample)
        reason = self.missing(facts.matrix)
        if reason:
            return undefined(reason, facts.n)
        defined = self.defined(facts.matrix)
        value = float(self.score(facts.matrix, defined))
        interval, effective = self._interval(sample, facts, value, defined, level)
        return answer(
            value,
            interval,
            level=level,
            n=facts.n,
            n_effective=effective,
            doubt=_doubt(facts),
            bounds=self.bounds,
            n_classes=int(np.count_nonzero(defined)) if self.averaged else None,
        )

    def _interval(self, sample: Sample, facts: Facts, value: float, defined: Mask, level: float) -> tuple[Interval, float]:
        if facts.design.simple and facts.draws is not None:
            inner = defined[facts.observed]
            return drawn_interval(lambda matrices: self.score(matrices, inner), facts.draws, level), float(facts.n)
        _, influence = self.influence(sample)
        error = facts.design.standard_error(influence)
        if error > 0 and self.scale.inside(value):
            method = "delta" if facts.design.simple else "sandwich"
            return (
                delta_interval(value, error, facts.design, level, self.scale, method=method, student=False),
                facts.design.effective(influence),
            )
        return self._at_the_edge(facts, value, level)

    def _at_the_edge(self, facts: Facts, value: float, level: float) -> tuple[Interval, float]:
        """Rows that are all right (or all wrong) show no variance: Wilson's limit of that share, for the rarest class."""
        design: Design = facts.design
        units = float(min(facts.rarer, design.groups)) if design.group is not None else facts.rarer
        low, high = self.bounds
        limits = wilson((value - low) / (high - low), max(units, 1.0), level, quantile=design.quantile(level))
        if limits.lower is None or limits.upper is None:
            return limits, units
        return Interval(low + (high - low) * limits.lower, low + (high - low) * limits.upper, "wilson-edge"), units


def _doubt(facts: Facts) -> str | None:
    """Which condition of the validity region fails."""
    if facts.rarer < FEWEST:
        return f"the rarest class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST}"
    if facts.design.group is not None and facts.design.groups < FEWEST:
        return f"only {facts.design.groups} groups; the interval is known to hold from {FEWEST}"
    return None


def _parts(matrices: Floats) -> tuple[Floats, Floats, Floats]:
    """Right rows, rows and predicted rows per class, each (..., k)."""
    return np.diagonal(matrices, axis1=-2, axis2=-1), matrices.sum(axis=-1), matrices.sum(axis=-2)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Quotient, 0 where below is 0; such entries never enter a value."""
    return np.divide(above, below, out=np.zeros(np.broadcast_shapes(np.shape(above), np.shape(below))), where=below > 0)


def _one_class(matrix: Floats) -> str | None:
    present = np.count_nonzero(matrix.sum(axis=1))
    return None if present > 1 else f"the truth has {'one class' if present else 'no row'}; two are needed"


class F1(MatrixMetric):
    """Harmonic mean of precision and recall of the positive class."""

    name = "f1"
    tasks = ("binary",)
    summary = "Harmonic mean of precision and recall of the positive class."

    def missing(self, matrix: Floats) -> str | None:
        """Undefined without a positive in truth and prediction."""
        return None if matrix[1].sum() + matrix[:, 1].sum() > 0 else "no row is positive, in truth or by prediction"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """2 TP / (2 TP + FP + FN). A matrix reduced to one observed class has only positives."""
        right, truth, predicted = _parts(matrices)
        return _ratio(2 * right[..., -1], truth[..., -1] + predicted[..., -1])


class ClassMean(MatrixMetric):
    """The plain mean of a value per declared class, over the classes for which it is defined."""

    averaged = True

    def per_class(self, matrices: Floats) -> tuple[Floats, Floats]:
        """Numerator and denominator per class, each (..., k)."""
        raise NotImplementedError

    def defined(self, matrix: Floats) -> Mask:
        """Classes whose denominator is above 0."""
        return np.asarray(self.per_class(matrix)[1] > 0)

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where no class has a value."""
        return None if self.defined(matrix).any() else "no class has a value"

    def score(self, matrices: Floats, defined: Mask) -> Floats:
        """Mean over the defined classes."""
        above, below = self.per_class(matrices)
        return np.asarray(_ratio(above, below)[..., defined].mean(axis=-1))


class BalancedAccuracy(ClassMean):
    """Mean of the recalls."""

    name = "balanced_accuracy"
    tasks = ("binary", "multiclass")
    summary = "Mean of the recalls of the classes that the truth contains."

    def per_class(self, matrices: Floats) -> tuple[Floats, Floats]:
        """Right rows and rows."""
        right, truth, _ = _parts(matrices)
        return right, truth

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where the truth has fewer than two classes: it would be a recall under another name."""
        return _one_class(matrix)


class RecallMacro(BalancedAccuracy):
    """Mean of the recalls, also where the truth has one class."""

    name = "recall_macro"
    summary = "Mean over the declared classes of recall, where it is defined."

    def missing(self, matrix: Floats) -> str | None:
        """Undefined without rows."""
        return ClassMean.missing(self, matrix)


class PrecisionMacro(ClassMean):
    """Mean of the precisions."""

    name = "precision_macro"
    tasks = ("binary", "multiclass")
    summary = "Mean over the declared classes of precision, where it is defined."

    def per_class(self, matrices: Floats) -> tuple[Floats, Floats]:
        """Right rows and predicted rows."""
        right, _, predicted = _parts(matrices)
        return right, predicted


class F1Macro(ClassMean):
    """Mean of the F1 scores."""

    name = "f1_macro"
    tasks = ("binary", "multiclass")
    summary = "Mean over the declared classes of F1, where it is defined."

    def per_class(self, matrices: Floats) -> tuple[Floats, Floats]:
        """Twice the right rows, and rows plus predicted rows."""
        right, truth, predicted = _parts(matrices)
        return 2 * right, truth + predicted


class F1Weighted(MatrixMetric):
    """Mean of the F1 scores, weighted by the classes' rows."""

    name = "f1_weighted"
    tasks = ("binary", "multiclass")
    summary = "Mean of F1 over the classes, weighted by the number of true rows."

    def missing(self, matrix: Floats) -> str | None:
        """Undefined without rows."""
        return None if matrix.sum() > 0 else "there are no rows"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Sum of rows * F1 over the sum of rows."""
        right, truth, predicted = _parts(matrices)
        return _ratio((_ratio(2 * right, truth + predicted) * truth).sum(axis=-1), truth.sum(axis=-1))


class Matthews(MatrixMetric):
    """Correlation of truth and prediction."""

    name = "mcc"
    tasks = ("binary", "multiclass")
    bounds = (-1.0, 1.0)
    scale = ATANH
    summary = "Matthews' correlation of truth and prediction (Gorodkin's form for several classes)."

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where truth or prediction does not vary."""
        if np.count_nonzero(matrix.sum(axis=0)) < 2:  # noqa: PLR2004 - a correlation needs two values
            return "the model predicts one class only"
        return _one_class(matrix)

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(right * all - truth . predicted) / sqrt((all^2 - |predicted|^2) (all^2 - |truth|^2))."""
        right, truth, predicted = _parts(matrices)
        everything = truth.sum(axis=-1)
        covariance = right.sum(axis=-1) * everything - (truth * predicted).sum(axis=-1)
        of_truth = everything**2 - (truth**2).sum(axis=-1)
        of_prediction = everything**2 - (predicted**2).sum(axis=-1)
        return _ratio(covariance, np.sqrt(of_truth) * np.sqrt(of_prediction))


class CohenKappa(MatrixMetric):
    """Agreement beyond chance."""

    name = "cohen_kappa"
    tasks = ("binary", "multiclass")
    bounds = (-1.0, 1.0)
    scale = ATANH
    summary = "Agreement of truth and prediction beyond what their marginals give by chance (Cohen 1960)."

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where chance alone gives full agreement."""
        both = (matrix.sum(axis=0) > 0) | (matrix.sum(axis=1) > 0)
        return None if np.count_nonzero(both) > 1 else "truth and prediction have the same single class"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(observed - expected) / (1 - expected)."""
        right, truth, predicted = _parts(matrices)
        everything = truth.sum(axis=-1)
        expected = (truth * predicted).sum(axis=-1)
        return _ratio(right.sum(axis=-1) * everything - expected, everything**2 - expected)
