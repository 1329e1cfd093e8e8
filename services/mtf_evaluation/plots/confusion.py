"""The confusion matrix and what it says of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.plots.effective import clustered, wilson_many
from mtf_evaluation.plots.thin import label, short

SHOWN = 20
"""Classes that a confusion matrix shows; the rest is one class `other`."""
LISTED = 200
"""Classes that the table lists; of more, the most frequent ones."""


def confusion(sample: Sample) -> dict[str, Any]:
    """Rows counted by truth (outer list) and prediction (inner list)."""
    counts = facts_of(sample).rows.astype(np.int64)
    k = len(counts)
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


def per_class(sample: Sample, level: float = 0.95) -> dict[str, Any]:
    """Precision, recall and F1 of each of several classes, the first two with Wilson intervals, by rows of the truth.

    Weights enter by Kish's number; groups by the design effect of being right, one for all classes.
    """
    if sample.task != "multiclass":
        return {}
    facts = facts_of(sample)
    matrix = facts.matrix
    order = np.argsort(-facts.truths, kind="stable")[:LISTED]
    right, truth, predicted = (found[order] for found in (np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)))
    shrink = _effective_share(facts)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision, f1 = right / truth, right / predicted, 2 * right / (truth + predicted)
    r_low, r_high = wilson_many(recall, truth * shrink, level)
    p_low, p_high = wilson_many(precision, predicted * shrink, level)
    columns = {
        "recall": recall, "recall_lower": r_low, "recall_upper": r_high,
        "precision": precision, "precision_lower": p_low, "precision_upper": p_high, "f1": f1,
    }  # fmt: skip  # a value stands beside its limits
    found: dict[str, Any] = {name: short(values) for name, values in columns.items()}
    counts = facts.rows
    return {
        "labels": [label(sample.labels[code]) for code in order],
        "rows": counts.sum(axis=1)[order].astype(int).tolist(),
        "predicted": counts.sum(axis=0)[order].astype(int).tolist(),
        **found,
        "classes": facts.classes,
        "level": level,
    }


def _effective_share(facts: Facts) -> float:
    """Effective rows for each unit of weight."""
    share = facts.design.kish / facts.design.total
    group = facts.design.group
    if group is None:
        return share
    right: NDArray[np.float64] = (facts.sample.target == facts.sample.prediction).astype(np.float64)
    return share * clustered(right, facts.sample.weight, group, np.ones(facts.n, dtype=np.bool_))
