"""ROC and precision-recall curves, one against the rest for several classes, thinned along their own length."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.plots.thin import label, short

POINTS = 120
"""Points that a curve keeps."""
CLASSES = 6
"""Curves that a plot can show apart; the most frequent classes are drawn."""


def roc(sample: Sample) -> dict[str, Any]:
    """True-positive rate (y) over false-positive rate (x). Empty where no class has both kinds of rows."""
    curves = []
    for index in _classes(sample):
        positive, total = _cumulated(sample, index)
        negative = total - positive
        if positive[-1] > 0 and negative[-1] > 0:
            x, y = negative / negative[-1], positive / positive[-1]
            keep = _along(x, y)
            curves.append({"label": label(sample.labels[index]), "x": short(x[keep]), "y": short(y[keep])})
    return {"curves": curves, "one_vs_rest": sample.task == "multiclass", "classes": len(sample.labels)} if curves else {}


def precision_recall(sample: Sample) -> dict[str, Any]:
    """Precision (y) over recall (x) as steps, and the share of the class, which is what a guess reaches."""
    curves = []
    for index in _classes(sample):
        positive, total = _cumulated(sample, index)
        if positive[-1] > 0:
            x, y = positive[1:] / positive[-1], positive[1:] / total[1:]
            x, y = np.concatenate([[0.0], x]), np.concatenate([y[:1], y])
            keep = _along(x, y)
            share = positive[-1] / total[-1]
            curves.append({"label": label(sample.labels[index]), "x": short(x[keep]), "y": short(y[keep]), "share": short([share])[0]})
    return {"curves": curves, "one_vs_rest": sample.task == "multiclass", "classes": len(sample.labels)} if curves else {}


def _classes(sample: Sample) -> list[int]:
    """The classes to draw: the positive one, or the most frequent ones in their own order."""
    if sample.task == "binary":
        return [1]
    support = np.bincount(sample.target, minlength=len(sample.labels))
    return sorted(int(index) for index in np.argsort(-support, kind="stable")[:CLASSES])


def _cumulated(sample: Sample, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight of the positive and of all rows from the highest score down, one point for each distinct score, from (0, 0)."""
    scores = np.zeros(0) if sample.scores is None else sample.scores[:, index]
    order = np.argsort(-scores, kind="stable")
    weight = np.ones(len(order)) if sample.weight is None else sample.weight[order]
    hit = (sample.target[order] == index) * weight
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    total = np.cumsum(weight)[last]
    seen = total > 0
    start = np.zeros(1)
    return np.concatenate([start, np.cumsum(hit)[last][seen]]), np.concatenate([start, total[seen]])


def _along(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positions of at most `POINTS` points spread evenly along the curve, both ends among them."""
    if len(x) <= POINTS:
        return np.arange(len(x))
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    keep = np.searchsorted(length, np.linspace(0.0, length[-1], POINTS))
    return np.unique(np.clip(np.append(keep, len(x) - 1), 0, len(x) - 1))
