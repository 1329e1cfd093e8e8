"""The four counts of each class against the rest, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from mtf_evaluation.arguments import BetaArgs, NoArgs
from mtf_evaluation.metrics.base import Floats


@dataclass(frozen=True)
class Counts:
    """True and false positives and negatives of each class against the rest, each (k, ...)."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats


def parts(matrices: Floats) -> tuple[Floats, Floats, Floats]:
    """Right rows, rows and predicted rows per class, each (k, ...), of (k, k, ...) matrices."""
    return np.einsum("ii...->i...", matrices), matrices.sum(axis=1), matrices.sum(axis=0)


def counts(matrices: Floats) -> Counts:
    """The counts of (k, k, ...) matrices whose rows are the truth."""
    right, truth, predicted = parts(matrices)
    total = truth.sum(axis=0)
    return Counts(right, predicted - right, truth - right, total - truth - predicted + right)


def ratio(above: Floats, below: Floats) -> Floats:
    """Quotient, 0 where below is 0; such entries never enter a value."""
    return np.divide(above, below, out=np.zeros(np.broadcast_shapes(np.shape(above), np.shape(below))), where=below > 0)


def one_class(matrix: Floats) -> str | None:
    """Why a metric that compares classes is undefined, or None."""
    present = np.count_nonzero(matrix.sum(axis=1))
    return None if present > 1 else f"the truth has {'one class' if present else 'no row'}; two are needed"


@dataclass(frozen=True)
class ClassRate:
    """A quotient of the counts of one class, which can be averaged over classes."""

    words: str
    formula: str
    divided: Callable[[Counts, Any], tuple[Floats, Floats]]
    """Numerator and denominator from the counts and the arguments."""
    library: str = ""
    """The function of scikit-learn with the same definition."""
    greater_is_better: bool = True
    args: type[BaseModel] = NoArgs


def _f_beta(c: Counts, args: BetaArgs) -> tuple[Floats, Floats]:
    square = args.beta**2
    return (1 + square) * c.tp, (1 + square) * c.tp + square * c.fn + c.fp


RATES: Mapping[str, ClassRate] = {
    "precision": ClassRate("precision", "TP / (TP + FP)", lambda c, _: (c.tp, c.tp + c.fp), "precision_score"),
    "recall": ClassRate("recall", "TP / (TP + FN)", lambda c, _: (c.tp, c.tp + c.fn), "recall_score"),
    "f1": ClassRate("F1", "2 TP / (2 TP + FP + FN)", lambda c, _: (2 * c.tp, 2 * c.tp + c.fp + c.fn), "f1_score"),
    "f_beta": ClassRate(
        "F beta", "(1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP)", _f_beta, "fbeta_score", args=BetaArgs
    ),
    "jaccard": ClassRate("the Jaccard index", "TP / (TP + FP + FN)", lambda c, _: (c.tp, c.tp + c.fp + c.fn), "jaccard_score"),
    "specificity": ClassRate("specificity", "TN / (TN + FP)", lambda c, _: (c.tn, c.tn + c.fp), "multilabel_confusion_matrix"),
    "npv": ClassRate("the negative predictive value", "TN / (TN + FN)", lambda c, _: (c.tn, c.tn + c.fn), "multilabel_confusion_matrix"),
    "fpr": ClassRate(
        "the false positive rate", "FP / (TN + FP)", lambda c, _: (c.fp, c.tn + c.fp), "multilabel_confusion_matrix", greater_is_better=False
    ),
    "fnr": ClassRate(
        "the false negative rate", "FN / (TP + FN)", lambda c, _: (c.fn, c.tp + c.fn), "multilabel_confusion_matrix", greater_is_better=False
    ),
    "fdr": ClassRate(
        "the false discovery rate", "FP / (TP + FP)", lambda c, _: (c.fp, c.tp + c.fp), "multilabel_confusion_matrix", greater_is_better=False
    ),
}  # fmt: skip
"""By the name of the metric of two classes."""
