"""Functions of the confusion matrix that are no plain shares: F measures, Matthews' correlation, kappa."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mtf_evaluation.arguments import BetaArgs
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.counts import RATES, counts, one_class, parts, ratio
from mtf_evaluation.metrics.facts import Facts
from mtf_evaluation.metrics.matrix import DRAWS, Mask, MatrixMetric
from mtf_evaluation.statistics.scales import ATANH


class F1(MatrixMetric):
    """Harmonic mean of precision and recall of the positive class."""

    name = "f1"
    tasks = ("binary",)
    summary = "Harmonic mean of precision and recall of the positive class."
    formula = "2 TP / (2 TP + FP + FN)"
    undefined_when = "no row is positive, in truth or by prediction"
    source = f"scikit-learn `f1_score`; {DRAWS}"

    def missing(self, matrix: Floats) -> str | None:
        """Undefined without a positive in truth and prediction."""
        return None if matrix[1].sum() + matrix[:, 1].sum() > 0 else "no row is positive, in truth or by prediction"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """2 TP / (2 TP + FP + FN)."""
        right, truth, predicted = parts(matrices)
        return ratio(2 * right[1], truth[1] + predicted[1])


class FBeta(F1):
    """Weighted harmonic mean of precision and recall of the positive class."""

    name = "f_beta"
    Args = BetaArgs
    summary = "Harmonic mean of precision and recall of the positive class, in which recall counts beta times as much."
    formula = "(1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP)"
    source = f"van Rijsbergen 1979; scikit-learn `fbeta_score`; {DRAWS}"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP)."""
        above, below = RATES["f_beta"].divided(counts(matrices), self.args)
        return ratio(above[1], below[1])


class Matthews(MatrixMetric):
    """Correlation of truth and prediction."""

    name = "mcc"
    tasks = ("binary", "multiclass")
    bounds = (-1.0, 1.0)
    scale = ATANH
    formula = "(right * all - truth . predicted) / sqrt((all^2 - |truth|^2) (all^2 - |predicted|^2)), with counts per class"
    undefined_when = "the truth has one class, or the model predicts one class only"
    source = f"Matthews 1975, Gorodkin 2004; scikit-learn `matthews_corrcoef`; {DRAWS}"
    summary = "Matthews' correlation of truth and prediction (Gorodkin's form for several classes)."

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where truth or prediction does not vary."""
        if np.count_nonzero(matrix.sum(axis=0)) < 2:  # noqa: PLR2004 - a correlation needs two values
            return "the model predicts one class only"
        return one_class(matrix)

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(right * all - truth . predicted) / sqrt((all^2 - |predicted|^2) (all^2 - |truth|^2))."""
        right, truth, predicted = parts(matrices)
        everything = truth.sum(axis=0)
        covariance = right.sum(axis=0) * everything - (truth * predicted).sum(axis=0)
        of_truth = everything**2 - (truth**2).sum(axis=0)
        of_prediction = everything**2 - (predicted**2).sum(axis=0)
        return ratio(covariance, np.sqrt(of_truth * of_prediction))


class CohenKappa(MatrixMetric):
    """Agreement beyond chance."""

    name = "cohen_kappa"
    tasks = ("binary", "multiclass")
    bounds = (-1.0, 1.0)
    scale = ATANH
    formula = "(observed agreement - chance agreement) / (1 - chance agreement)"
    undefined_when = "truth and prediction have the same single class"
    source = f"Cohen 1960; scikit-learn `cohen_kappa_score`; {DRAWS}"
    summary = "Agreement of truth and prediction beyond what their marginals give by chance (Cohen 1960)."

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where chance alone gives full agreement."""
        both = (matrix.sum(axis=0) > 0) | (matrix.sum(axis=1) > 0)
        return None if np.count_nonzero(both) > 1 else "truth and prediction have the same single class"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(observed - expected) / (1 - expected)."""
        right, truth, predicted = parts(matrices)
        everything = truth.sum(axis=0)
        expected = (truth * predicted).sum(axis=0)
        return ratio(right.sum(axis=0) * everything - expected, everything**2 - expected)


class QuadraticKappa(CohenKappa):
    """Agreement beyond chance, where an error counts by the square of its distance."""

    name = "quadratic_kappa"
    summary = "Cohen's kappa with errors weighted by the square of their distance in the order of the labels (ordinal classes)."
    formula = "1 - sum of (i - j)^2 * observed share of cell (i, j) / sum of (i - j)^2 * share expected by chance"
    source = f"Cohen 1968; scikit-learn `cohen_kappa_score` with weights='quadratic'; {DRAWS}"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The labels stand at 0, 1, 2, ..."""
        return _quadratic(matrices, np.arange(matrices.shape[0], dtype=np.float64))

    def on_draws(self, facts: Facts, defined: Mask) -> Callable[[Floats], Floats]:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The observed classes keep their places among the declared ones."""
        places = np.flatnonzero(facts.observed).astype(np.float64)
        return lambda matrices: _quadratic(matrices, places)


def _quadratic(matrices: Floats, places: Floats) -> Floats:
    """Kappa of (k, k, ...) matrices whose classes stand at (k,) places."""
    distance = (places[:, None] - places[None, :]) ** 2
    _, truth, predicted = parts(matrices)
    seen = np.tensordot(distance, matrices, axes=([0, 1], [0, 1]))
    chance = (truth * np.tensordot(distance, predicted, axes=(1, 0))).sum(axis=0)
    return 1 - ratio(seen * truth.sum(axis=0), chance)
