"""Confusion matrix, reliability and distributions of scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.calibration import bin_count, quantile_bins
from mtf_evaluation.plots.thin import label, short
from mtf_evaluation.statistics.proportion import wilson

SHOWN = 20
"""Classes that a confusion matrix shows; the rest is one class `other`."""
BINS = 24
MOST_RELIABILITY_BINS = 15


def confusion(sample: Sample) -> dict[str, Any]:
    """Rows counted by truth (outer list) and prediction (inner list)."""
    k = len(sample.labels)
    counts = np.bincount(sample.target.astype(np.int64) * k + sample.prediction, minlength=k * k).reshape(k, k)
    names = [label(one) for one in sample.labels]
    if k > SHOWN:
        support = counts.sum(axis=1) + counts.sum(axis=0)
        kept = np.sort(np.argsort(-support, kind="stable")[: SHOWN - 1])
        place = np.full(k, SHOWN - 1)
        place[kept] = np.arange(SHOWN - 1)
        merged = np.zeros((SHOWN, SHOWN), dtype=np.int64)
        np.add.at(merged, (place[:, None], place[None, :]), counts)
        counts, names = merged, [*(names[index] for index in kept), f"other ({k - SHOWN + 1})"]
    return {"labels": names, "counts": counts.tolist()}


def reliability(sample: Sample) -> dict[str, Any]:
    """How often what is predicted with a score happens, in bins of equal numbers of rows, with 95 % Wilson intervals.

    Binary: the score of the positive class. Multiclass: the highest score, and whether its class is right.
    """
    if sample.scores is None:
        return {}
    if sample.task == "binary":
        score, hit, of = sample.scores[:, 1], sample.target == 1, label(sample.labels[1])
    else:
        top = np.argmax(sample.scores, axis=1)
        score, hit, of = sample.scores[np.arange(len(top)), top], sample.target == top, "the class with the highest score"
    order = np.argsort(score, kind="stable")
    weight = None if sample.weight is None else sample.weight[order]
    found = quantile_bins(score[order], hit[order], weight, min(MOST_RELIABILITY_BINS, bin_count(len(order))))
    bins = []
    for mean, share, rows in zip(found.confidence, found.right, found.effective, strict=True):
        band = wilson(float(share), float(rows), 0.95)
        predicted, observed, low, high = short([mean, share, band.lower, band.upper])
        bins.append({"predicted": predicted, "observed": observed, "lower": low, "upper": high, "rows": round(float(rows))})
    return {"of": of, "bins": bins}


def score_distributions(sample: Sample) -> dict[str, Any]:
    """Histograms of the score: binary of the positive class by truth, multiclass of the highest score by right and wrong."""
    if sample.scores is None:
        return {}
    if sample.task == "binary":
        score, groups = sample.scores[:, 1], [(label(one), sample.target == code) for code, one in enumerate(sample.labels)]
    else:
        score, right = sample.scores.max(axis=1), sample.prediction == sample.target
        groups = [("wrong", ~right), ("right", right)]
    low, high = min(0.0, float(score.min())), max(1.0, float(score.max()))
    edges = np.linspace(low, high, BINS + 1)
    series = [{"label": name, "counts": np.histogram(score[mask], bins=edges)[0].tolist()} for name, mask in groups]
    return {"edges": short(edges), "series": series, "of": label(sample.labels[1]) if sample.task == "binary" else "highest score"}
