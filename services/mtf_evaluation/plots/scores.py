"""Plots over the score of the positive class: its distribution, gain and lift, and what each threshold would bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.plots.costs import Cost, costs_of
from mtf_evaluation.plots.cutoffs import Cutoffs
from mtf_evaluation.plots.effective import wilson_many
from mtf_evaluation.plots.thin import label, short

Floats = NDArray[np.float64]
BINS = 24
DEPTHS = 50
THRESHOLDS = 100


def distributions(sample: Sample) -> dict[str, Any]:
    """Histograms of the score: binary of the positive class by truth, multiclass of the highest score by right and wrong."""
    if sample.scores is None:
        return {}
    facts = facts_of(sample)
    if sample.task == "binary":
        ranking = facts.ranking(1)
        low, high = min(0.0, float(ranking.score[0])), max(1.0, float(ranking.score[-1]))
        edges = np.linspace(low, high, BINS + 1)
        below = np.searchsorted(ranking.score, edges, side="left")
        below[-1] = ranking.score.size
        hits = np.diff(np.concatenate(([0], np.cumsum(ranking.positive)))[below])
        counts = [np.diff(below) - hits, hits]
        series = [{"label": label(name), "counts": one.tolist()} for name, one in zip(sample.labels, counts, strict=True)]
        return {"edges": short(edges), "series": series, "of": label(sample.labels[1])}
    score, right = sample.scores.max(axis=1), sample.prediction == sample.target
    edges = np.linspace(min(0.0, float(score.min())), max(1.0, float(score.max())), BINS + 1)
    groups = [("wrong", ~right), ("right", right)]
    series = [{"label": name, "counts": np.histogram(score[mask], bins=edges)[0].tolist()} for name, mask in groups]
    return {"edges": short(edges), "series": series, "of": "highest score"}


def gain(sample: Sample, level: float = 0.95) -> dict[str, Any]:
    """Share of the positives (gain) among the share of rows with the highest scores, and how many times more than a guess (lift).

    Equal scores are taken together, so that the shares of rows are those that a threshold can reach. The limits are the Wilson
    interval of the precision among these rows, divided by the share of positives in all rows.
    """
    if sample.task != "binary" or sample.scores is None:
        return {}
    cut = Cutoffs.of(facts_of(sample), 1)
    if not cut.both:
        return {}
    total = cut.positives + cut.negatives
    index = np.unique(cut.where(lambda tp, fp: (tp + fp) / total, np.linspace(0.0, 1.0, DEPTHS + 1)))[::-1]
    index = index[index < cut.size]
    index = index if index[-1] == 0 else np.append(index, 0)
    tp, fp = cut.at(index)
    depth, share, base = (tp + fp) / total, tp / (tp + fp), cut.positives / total
    low, high = wilson_many(share, cut.effective(index).flagged, level)
    return {
        "of": label(sample.labels[1]),
        "share": short([base])[0],
        "x": short(depth),
        "gain": short(tp / cut.positives),
        "lift": short(share / base),
        "lift_lower": short(low / base),
        "lift_upper": short(high / base),
        "threshold": short(cut.scores(index)),
        "level": level,
    }


def thresholds(sample: Sample, level: float = 0.95, metrics: Sequence[str] = ()) -> dict[str, Any]:
    """Precision, recall, F1, share of flagged rows and, where a metric asks for it, cost per row, for each threshold on the score."""
    if sample.task != "binary" or sample.scores is None:
        return {}
    facts = facts_of(sample)
    cut = Cutoffs.of(facts, 1)
    if not cut.both:
        return {}
    low, high = float(cut.ranking.score[0]), float(cut.ranking.score[-1])
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    grid = np.linspace(low, high, THRESHOLDS + 1)
    index = cut.from_score(grid)
    tp, fp = cut.at(index)
    n = cut.effective(index)
    total, flagged = cut.positives + cut.negatives, tp + fp
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = tp / flagged
    recall = tp / cut.positives
    (p_low, p_high), (r_low, r_high) = wilson_many(precision, n.flagged, level), wilson_many(recall, n.positives, level)
    found: dict[str, Any] = {
        "of": label(sample.labels[1]),
        "x": short(grid),
        "precision": short(precision),
        "precision_lower": short(p_low),
        "precision_upper": short(p_high),
        "recall": short(recall),
        "recall_lower": short(r_low),
        "recall_upper": short(r_high),
        "f1": short(2 * tp / (flagged + cut.positives)),
        "flagged": short(flagged / total),
        "in_use": in_use(facts),
        "level": level,
    }
    costs = costs_of(metrics)
    return found | ({"costs": [_cost(one, cut, tp, fp, grid) for one in costs]} if costs else {})


def in_use(facts: Facts) -> list[float] | None:
    """Between which two scores the predictions change from negative to positive; None where no threshold on the score explains them."""
    score, predicted = facts.scores[:, 1], facts.sample.prediction == 1
    if predicted.all() or not predicted.any():
        return None
    highest, lowest = float(np.where(predicted, -np.inf, score).max()), float(np.where(predicted, score, np.inf).min())
    return [float(f"{highest:.6g}"), float(f"{lowest:.6g}")] if highest < lowest else None


def _cost(cost: Cost, cut: Cutoffs, tp: Floats, fp: Floats, grid: Floats) -> dict[str, Any]:
    total = cut.positives + cut.negatives
    each = (cost.tp * tp + cost.fp * fp + cost.fn * (cut.positives - tp) + cost.tn * (cut.negatives - fp)) / total
    least = int(np.argmin(each))
    return {"name": cost.name, "y": short(each), "least": short([grid[least], each[least]])}
