"""Functions of the confusion matrix that are no plain shares: F1, Matthews' correlation, means over classes."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.matrix import Mask, MatrixMetric
from mtf_evaluation.statistics.scales import ATANH


def _parts(matrices: Floats) -> tuple[Floats, Floats, Floats]:
    """Right rows, rows and predicted rows per class, each (k, ...)."""
    return np.einsum("ii...->i...", matrices), matrices.sum(axis=1), matrices.sum(axis=0)


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
        return _ratio(2 * right[-1], truth[-1] + predicted[-1])


class ClassMean(MatrixMetric):
    """The plain mean of a value per declared class, over the classes for which it is defined."""

    averaged = True

    @abstractmethod
    def per_class(self, matrices: Floats) -> tuple[Floats, Floats]:
        """Numerator and denominator per class, each (k, ...)."""

    def defined(self, matrix: Floats) -> Mask:
        """Classes whose denominator is above 0."""
        return np.asarray(self.per_class(matrix)[1] > 0)

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where no class has a value."""
        return None if self.defined(matrix).any() else "no class has a value"

    def score(self, matrices: Floats, defined: Mask) -> Floats:
        """Mean over the defined classes."""
        above, below = self.per_class(matrices)
        return np.asarray(_ratio(above, below)[defined].mean(axis=0))


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
        return _ratio((_ratio(2 * right, truth + predicted) * truth).sum(axis=0), truth.sum(axis=0))


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
        everything = truth.sum(axis=0)
        covariance = right.sum(axis=0) * everything - (truth * predicted).sum(axis=0)
        of_truth = everything**2 - (truth**2).sum(axis=0)
        of_prediction = everything**2 - (predicted**2).sum(axis=0)
        return _ratio(covariance, np.sqrt(of_truth * of_prediction))


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
        everything = truth.sum(axis=0)
        expected = (truth * predicted).sum(axis=0)
        return _ratio(right.sum(axis=0) * everything - expected, everything**2 - expected)
