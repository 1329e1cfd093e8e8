"""Predicted against actual, and residuals. A residual is prediction - truth, the sign of `bias`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.plots.thin import short

POINTS = 800
"""Rows that are drawn as points; more are counted in cells."""
CELLS = 32
BINS = 30
TAIL = 0.001
"""Share of the rows at each end that an axis may leave out, so that one outlier does not squeeze the rest into a corner."""
_DECILES = 10


def predicted_actual(sample: Sample) -> dict[str, Any]:
    """Prediction (y) over truth (x) on one common axis."""
    low, high = _range(np.concatenate([sample.target, sample.prediction]))
    return _cloud(sample.target, sample.prediction, (low, high), (low, high)) | {"summary": _summary(sample)}


def residuals_predicted(sample: Sample) -> dict[str, Any]:
    """Residual (y) over prediction (x)."""
    residual = sample.prediction - sample.target
    low, high = _range(residual)
    low, high = min(low, 0.0), max(high, 0.0)
    return _cloud(sample.prediction, residual, _range(sample.prediction), (low, high)) | {"summary": _summary(sample)}


def residuals(sample: Sample) -> dict[str, Any]:
    """Histogram of the residuals."""
    residual = sample.prediction - sample.target
    low, high = _range(residual)
    edges = np.linspace(low, high, BINS + 1)
    inside = (residual >= low) & (residual <= high)
    counts = np.histogram(residual[inside], bins=edges)[0]
    return {"edges": short(edges), "counts": counts.tolist(), "outside": int((~inside).sum())}


def _cloud(x: NDArray[np.float64], y: NDArray[np.float64], across: tuple[float, float], up: tuple[float, float]) -> dict[str, Any]:
    """Points where they can be told apart, else counts in cells."""
    inside = (x >= across[0]) & (x <= across[1]) & (y >= up[0]) & (y <= up[1])
    found: dict[str, Any] = {"x_range": short(across), "y_range": short(up), "outside": int((~inside).sum()), "rows": len(x)}
    x, y = x[inside], y[inside]
    if len(x) <= POINTS:
        return found | {"points": [short(x), short(y)]}
    counts = np.histogram2d(x, y, bins=CELLS, range=[across, up])[0].astype(np.int64)
    filled = np.argwhere(counts)
    return found | {"grid": CELLS, "cells": [[int(i), int(j), int(counts[i, j])] for i, j in filled]}


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    """The axis: everything, or all but the outermost `TAIL` on each side where the rest would use less than half of it."""
    low, high = float(values.min()), float(values.max())
    inner_low, inner_high = (float(one) for one in np.quantile(values, [TAIL, 1 - TAIL]))
    if inner_high > inner_low and (inner_high - inner_low) < (high - low) / 2:
        low, high = inner_low, inner_high
    if high > low:
        return low, high
    pad = abs(low) * 0.5 or 0.5
    return low - pad, high + pad


def _summary(sample: Sample) -> list[dict[str, Any]]:
    """Ten parts of equal numbers of rows by rising prediction: the same picture as a table."""
    parts = []
    for rows in np.array_split(np.argsort(sample.prediction, kind="stable"), min(_DECILES, len(sample.prediction))):
        prediction, truth = sample.prediction[rows], sample.target[rows]
        error = prediction - truth
        low, high, mean, actual, bias, rmse = short(
            [prediction.min(), prediction.max(), prediction.mean(), truth.mean(), error.mean(), np.sqrt((error**2).mean())]
        )
        parts.append({"from": low, "to": high, "rows": len(rows), "predicted": mean, "actual": actual, "bias": bias, "rmse": rmse})
    return parts
