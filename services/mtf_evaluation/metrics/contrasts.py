"""What two rates of two classes say together: informedness, markedness, their geometric mean, and the cost of the errors."""

from __future__ import annotations

import numpy as np

from mtf_evaluation.arguments import CostArgs
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.counts import one_class, parts, ratio
from mtf_evaluation.metrics.facts import Facts
from mtf_evaluation.metrics.matrix import DRAWS, FEWEST, Mask, MatrixMetric
from mtf_evaluation.statistics.scales import ATANH, IDENTITY

FEWEST_DEAR = 20
"""Rows of the rarer class under which the interval of a cost is shown but not trusted."""


class Informedness(MatrixMetric):
    """Sensitivity and specificity together."""

    name = "informedness"
    tasks = ("binary",)
    bounds = (-1.0, 1.0)
    scale = ATANH
    summary = "Sensitivity + specificity - 1 (Youden's J): 0 for a guess, 1 for a perfect model."
    formula = "TP / (TP + FN) + TN / (TN + FP) - 1"
    undefined_when = "the truth has one class"
    source = f"Youden 1950, Powers 2011; scikit-learn `balanced_accuracy_score` with adjusted=True; {DRAWS}"

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where the truth has one class."""
        return one_class(matrix)

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The sum of the recalls less 1."""
        right, truth, _ = parts(matrices)
        return np.asarray(ratio(right, truth).sum(axis=0) - 1)


class GeometricMean(MatrixMetric):
    """Geometric mean of sensitivity and specificity."""

    name = "g_mean"
    tasks = ("binary",)
    summary = "Square root of sensitivity * specificity: low as soon as one of them is."
    formula = "sqrt(TP / (TP + FN) * TN / (TN + FP))"
    undefined_when = "the truth has one class"
    source = f"Kubat and Matwin 1997; {DRAWS}"

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where the truth has one class."""
        return one_class(matrix)

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The root of the recalls' product."""
        right, truth, _ = parts(matrices)
        return np.asarray(np.sqrt(ratio(right, truth).prod(axis=0)))


class Markedness(MatrixMetric):
    """The two predictive values together."""

    name = "markedness"
    tasks = ("binary",)
    bounds = (-1.0, 1.0)
    scale = ATANH
    summary = "Precision + negative predictive value - 1: how far a prediction can be believed, either way."
    formula = "TP / (TP + FP) + TN / (TN + FN) - 1"
    undefined_when = "the model predicts one class only"
    valid_from = (
        f"{FEWEST} rows of the rarer class in the truth and {FEWEST} of the rarer prediction (effective ones with weights), "
        f"and {FEWEST} groups where rows are grouped"
    )
    source = f"Powers 2011; {DRAWS}"

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where the model predicts one class only."""
        return None if np.count_nonzero(matrix.sum(axis=0)) > 1 else "the model predicts one class only"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The sum of the precisions less 1."""
        right, _, predicted = parts(matrices)
        return np.asarray(ratio(right, predicted).sum(axis=0) - 1)

    def doubt(self, facts: Facts) -> str | None:
        """The rarer prediction must have rows enough as well."""
        fewest = min(facts.design.kish_of(facts.sample.prediction == code) for code in (0, 1))
        if fewest < FEWEST:
            return f"the rarer prediction has {fewest:.3g} effective rows; the interval is known to hold from {FEWEST}"
        return super().doubt(facts)


class ExpectedCost(MatrixMetric):
    """Mean cost of a row."""

    name = "expected_cost"
    Args = CostArgs
    tasks = ("binary",)
    greater_is_better = False
    bounds = (-np.inf, np.inf)
    scale = IDENTITY
    summary = "Mean cost of a row, from the cost of each of the four outcomes; a negative cost is a gain."
    valid_from = (
        f"{FEWEST_DEAR} rows of the rarer class in the truth (effective ones with weights), and {FEWEST} groups where rows are grouped"
    )
    formula = "(false_positive * FP + false_negative * FN + true_positive * TP + true_negative * TN) / rows"
    source = f"Elkan 2001; {DRAWS}"

    def costs(self) -> Floats:
        """(2, 2) cost of each cell."""
        args = self.args
        return np.array([[args.true_negative, args.false_positive], [args.false_negative, args.true_positive]])

    def limits(self) -> tuple[float, float]:
        """The smallest and the largest cost."""
        costs = self.costs()
        return float(costs.min()), float(costs.max())

    def missing(self, matrix: Floats) -> str | None:
        """Undefined without rows."""
        return None if matrix.sum() > 0 else "there are no rows"

    def score(self, matrices: Floats, defined: Mask) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The mean of the cells' costs."""
        return ratio(np.tensordot(self.costs(), matrices, axes=([0, 1], [0, 1])), matrices.sum(axis=(0, 1)))

    def doubt(self, facts: Facts) -> str | None:
        """A dear error of a rare class needs more rows of it."""
        if facts.rarer < FEWEST_DEAR:
            return f"the rarer class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST_DEAR}"
        return super().doubt(facts)
