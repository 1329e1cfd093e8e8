"""Which plots a task has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mtf.plugins import Sample
from mtf_evaluation.plots import classification, curves, regression


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
    if sample.task == "regression":
        with np.errstate(all="ignore"):  # squares of absurd predictions overflow; what is not finite is shown as a dash
            return _numbers(sample)
    found: dict[str, Any] = {"confusion": classification.confusion(sample)}
    if sample.scores is not None:
        found["roc"] = curves.roc(sample)
        found["precision_recall"] = curves.precision_recall(sample)
        found["reliability"] = classification.reliability(sample)
        found["scores"] = classification.score_distributions(sample)
    return {name: data for name, data in found.items() if data}


def _numbers(sample: Sample) -> dict[str, Any]:
    """Plots of numbers; none where they span more than a number can hold, because no axis could show it."""
    if not np.isfinite(2 * (np.abs(sample.target).max() + np.abs(sample.prediction).max())):
        return {}
    return {
        "predicted_actual": regression.predicted_actual(sample),
        "residuals": regression.residuals(sample),
        "residuals_predicted": regression.residuals_predicted(sample),
    }
