"""ROC and precision-recall curves with pointwise bands, one against the rest for several classes, thinned along their own length."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.plots.cutoffs import Cutoffs
from mtf_evaluation.plots.effective import wilson_many
from mtf_evaluation.plots.thin import label, short

POINTS = 120
"""Points that a curve keeps; half of them where several curves share a plot."""
CLASSES = 6
"""Curves that a plot can show apart; the most frequent classes are drawn."""
START = 30
"""Of the points of a precision-recall curve, those that look at the first rows, where precision jumps."""


def roc(sample: Sample, level: float = 0.95) -> dict[str, Any]:
    """True-positive rate (y) over false-positive rate (x). Empty where no class has both kinds of rows.

    The band of a single curve is made of one rectangle for each threshold, a Wilson interval of each rate at the square root of
    the level: the rates come from different rows, so that together they hold the true pair with the level's probability.
    """
    facts = facts_of(sample)
    curves = []
    for code in _classes(facts):
        cut = Cutoffs.of(facts, code)
        if not cut.both:
            continue
        index = _along(cut, _points(sample))
        tp, fp = cut.at(index)
        x, y = fp / cut.negatives, tp / cut.positives
        curve = {"label": label(sample.labels[code]), "x": short(x), "y": short(y)}
        if sample.task == "binary":
            each, n = math.sqrt(level), cut.effective(index)
            (x_low, x_high), (y_low, y_high) = wilson_many(x, n.negatives, each), wilson_many(y, n.positives, each)
            curve |= {"threshold": short(cut.scores(index))}
            curve |= {"x_lower": short(x_low), "x_upper": short(x_high), "y_lower": short(y_low), "y_upper": short(y_high)}
        curves.append(curve)
    return _named(sample, curves, level, "wilson rectangles")


def precision_recall(sample: Sample, level: float = 0.95) -> dict[str, Any]:
    """Precision (y) over recall (x) as steps, and the share of the class, which is what a guess reaches.

    The band of a single curve is, for each threshold, the Wilson interval of the precision among the rows flagged there.
    """
    facts = facts_of(sample)
    curves = []
    for code in _classes(facts):
        cut = Cutoffs.of(facts, code)
        if not cut.positives > 0:
            continue
        index = _by_recall(cut, _points(sample))
        tp, fp = cut.at(index)
        x, y = tp / cut.positives, tp / (tp + fp)
        share = cut.positives / (cut.positives + cut.negatives)
        curve = {"label": label(sample.labels[code]), "x": _from_zero(x, 0.0), "y": _from_zero(y, y[0]), "share": short([share])[0]}
        if sample.task == "binary":
            n = cut.effective(index)
            low, high = wilson_many(y, n.flagged, level)
            x_low, x_high = wilson_many(x, n.positives, level)
            curve |= {"threshold": [None, *short(cut.scores(index))]}
            curve |= {"y_lower": _from_zero(low, low[0]), "y_upper": _from_zero(high, high[0])}
            curve |= {"x_lower": _from_zero(x_low, 0.0), "x_upper": _from_zero(x_high, 0.0)}
        curves.append(curve)
    return _named(sample, curves, level, "wilson")


def _named(sample: Sample, curves: list[dict[str, Any]], level: float, band: str) -> dict[str, Any]:
    if not curves:
        return {}
    found = {"curves": curves, "one_vs_rest": sample.task == "multiclass", "classes": len(sample.labels)}
    return found if sample.task == "multiclass" else found | {"band": band, "level": level}


def _from_zero(values: NDArray[np.float64], first: float) -> list[float | None]:
    return short([first, *values])


def _points(sample: Sample) -> int:
    return POINTS if sample.task == "binary" else POINTS // 2


def _classes(facts: Facts) -> list[int]:
    """The classes to draw: the positive one, or the most frequent ones in their own order."""
    if facts.sample.task == "binary":
        return [1]
    support = facts.truths
    return sorted(int(index) for index in np.argsort(-support, kind="stable")[:CLASSES] if support[index] > 0)


def _along(cut: Cutoffs, points: int) -> NDArray[np.intp]:
    """Cut-offs spread evenly along the ROC curve from (0, 0) to (1, 1); all of them where there are few."""
    if cut.size < points:
        return np.arange(cut.size, -1, -1, dtype=np.intp)
    p, n = cut.positives, cut.negatives
    found = cut.where(lambda tp, fp: tp / p + fp / n, np.linspace(0.0, 2.0, points))
    return np.unique(np.append(found, [0, cut.size]))[::-1]


def _by_recall(cut: Cutoffs, points: int) -> NDArray[np.intp]:
    """Cut-offs that flag something: evenly by recall, and closer together where few rows are flagged."""
    if cut.size <= points:
        return np.arange(cut.size - 1, -1, -1, dtype=np.intp)
    total, p = cut.positives + cut.negatives, cut.positives
    start = np.geomspace(total / cut.facts.n, total, START)
    found = np.append(cut.where(lambda tp, fp: tp + fp, start), cut.where(lambda tp, _: tp / p, np.linspace(0.0, 1.0, points - START)))
    return np.unique(np.clip(np.append(found, 0), 0, cut.size - 1))[::-1]
