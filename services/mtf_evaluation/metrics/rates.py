"""Shares of the rows of two classes: what is right or wrong among the positives, the negatives, or the rows predicted to be either."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mtf_evaluation.metrics.proportions import WILSON, Proportion

TRUE_NEGATIVE, FALSE_POSITIVE, FALSE_NEGATIVE, TRUE_POSITIVE = (0, 0), (0, 1), (1, 0), (1, 1)


class Rate(Proportion):
    """The share of one cell in its row (the truth) or its column (the prediction) of the confusion matrix."""

    tasks = ("binary",)
    cell: ClassVar[tuple[int, int]]
    """Truth and prediction of a hit."""

    def hit(self, k: int) -> NDArray[np.bool_]:
        """The cell."""
        cells = np.zeros((k, k), dtype=np.bool_)
        cells[self.cell] = True
        return cells

    def base(self, k: int) -> NDArray[np.bool_]:
        """The cell's row or column."""
        cells = np.zeros((k, k), dtype=np.bool_)
        if self.base_is_truth:
            cells[self.cell[0], :] = True
        else:
            cells[:, self.cell[1]] = True
        return cells


class _OfPositives(Rate):
    base_is_truth = True
    what = "the truly positive rows"
    undefined_when = "the truth has no positive row"


class _OfNegatives(Rate):
    base_is_truth = True
    what = "the truly negative rows"
    undefined_when = "the truth has no negative row"


class _OfPredictedPositives(Rate):
    base_is_truth = False
    what = "the rows predicted positive"
    undefined_when = "no row is predicted positive"


class _OfPredictedNegatives(Rate):
    base_is_truth = False
    what = "the rows predicted negative"
    undefined_when = "no row is predicted negative"


class Precision(_OfPredictedPositives):
    """Share of right rows among those predicted positive."""

    name = "precision"
    summary = "Share of truly positive rows among the rows predicted positive."
    formula = "TP / (TP + FP)"
    source = f"scikit-learn `precision_score`; {WILSON}"
    cell = TRUE_POSITIVE


class FalseDiscoveryRate(_OfPredictedPositives):
    """Share of wrong rows among those predicted positive."""

    name = "fdr"
    greater_is_better = False
    summary = "Share of truly negative rows among the rows predicted positive: 1 - precision."
    formula = "FP / (TP + FP)"
    source = f"Fawcett 2006; {WILSON}"
    cell = FALSE_POSITIVE


class NegativePredictiveValue(_OfPredictedNegatives):
    """Share of right rows among those predicted negative."""

    name = "npv"
    summary = "Share of truly negative rows among the rows predicted negative (negative predictive value)."
    formula = "TN / (TN + FN)"
    source = f"Fawcett 2006; {WILSON}"
    cell = TRUE_NEGATIVE


class Recall(_OfPositives):
    """Share of positives that were found."""

    name = "recall"
    summary = "Share of rows predicted positive among the truly positive rows (sensitivity)."
    formula = "TP / (TP + FN)"
    source = f"scikit-learn `recall_score`; {WILSON}"
    cell = TRUE_POSITIVE


class FalseNegativeRate(_OfPositives):
    """Share of positives that were missed."""

    name = "fnr"
    greater_is_better = False
    summary = "Share of rows predicted negative among the truly positive rows: 1 - recall."
    formula = "FN / (TP + FN)"
    source = f"Fawcett 2006; {WILSON}"
    cell = FALSE_NEGATIVE


class Specificity(_OfNegatives):
    """Share of negatives that were recognised."""

    name = "specificity"
    summary = "Share of rows predicted negative among the truly negative rows."
    formula = "TN / (TN + FP)"
    source = f"Fawcett 2006; {WILSON}"
    cell = TRUE_NEGATIVE


class FalsePositiveRate(_OfNegatives):
    """Share of negatives that were taken for positives."""

    name = "fpr"
    greater_is_better = False
    summary = "Share of rows predicted positive among the truly negative rows: 1 - specificity (false alarms)."
    formula = "FP / (TN + FP)"
    source = f"Fawcett 2006; {WILSON}"
    cell = FALSE_POSITIVE


class Jaccard(Proportion):
    """Overlap of the positives with the rows predicted positive."""

    name = "jaccard"
    tasks = ("binary",)
    base_is_truth = False
    summary = "Share of the rows that are both truly and predicted positive among those that are either (intersection over union)."
    formula = "TP / (TP + FP + FN)"
    undefined_when = "no row is positive, in truth or by prediction"
    source = f"scikit-learn `jaccard_score`; {WILSON}"
    what = "the rows that are positive in truth or by prediction"

    def hit(self, k: int) -> NDArray[np.bool_]:
        """Truly and predicted positive."""
        cells = np.zeros((k, k), dtype=np.bool_)
        cells[TRUE_POSITIVE] = True
        return cells

    def base(self, k: int) -> NDArray[np.bool_]:
        """Everything but the rows that are negative both ways."""
        cells = np.ones((k, k), dtype=np.bool_)
        cells[TRUE_NEGATIVE] = False
        return cells
