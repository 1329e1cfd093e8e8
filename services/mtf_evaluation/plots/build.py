"""Which plots a task has."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.plots import classification, curves, regression


def build(sample: Sample) -> dict[str, Any]:
    """Plot name to its data: plain lists and numbers, a few kilobytes whatever the number of rows."""
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
