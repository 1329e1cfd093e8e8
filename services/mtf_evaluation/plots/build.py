"""Which plots a task has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import KEY as FACTS
from mtf_evaluation.metrics.facts import with_facts
from mtf_evaluation.plots import confusion, curves, errors, regression, reliability, scores


def build(
    sample: Sample, *, level: float = 0.95, metrics: Sequence[str] = (), columns: Mapping[str, pa.Array] | None = None
) -> dict[str, Any]:
    """Plot name to its data: plain lists and numbers, a few kilobytes whatever the number of rows.

    Args:
        sample: The n rows that count, best with the facts that the metrics used, so that nothing is sorted twice.
        level: Confidence level of the bands.
        metrics: Canonical names of the metrics of the report; an expected cost among them is drawn over the threshold.
        columns: (n,) values by column, in the order of the rows, over which the error is drawn.
    """
    ready = with_facts(sample, 0) if FACTS not in sample.extra else sample
    with np.errstate(all="ignore"):  # squares of absurd predictions overflow; what is not finite is shown as a dash
        found = regression.build(ready, level) if sample.task == "regression" else _classes(ready, level, metrics)
        found["errors"] = errors.errors(ready, columns or {}, level)
    return {name: data for name, data in found.items() if data}


def _classes(sample: Sample, level: float, metrics: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"confusion": confusion.confusion(sample), "classes": confusion.per_class(sample, level)}
    if sample.scores is None:
        return found
    return found | {
        "roc": curves.roc(sample, level),
        "precision_recall": curves.precision_recall(sample, level),
        "reliability": reliability.reliability(sample, level),
        "scores": scores.distributions(sample),
        "gain": scores.gain(sample, level),
        "thresholds": scores.thresholds(sample, level, metrics),
    }
