"""Predicted against actual, and residuals. A residual is prediction - truth, the sign of `bias`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.plots.effective import clustered
from mtf_evaluation.plots.thin import short

Floats = NDArray[np.float64]
POINTS = 800
"""Rows that are drawn as points; more are counted in cells."""
CELLS = 32
BINS = 30
TAIL = 0.001
"""Share of the rows at each end that an axis may leave out, so that one outlier does not squeeze the rest into a corner."""
_DECILES = 10
QUANTILES = 60
"""Points of a quantile plot."""
MOST_TAIL = 1e5
"""The plot ends at the 1 / MOST_TAIL quantiles, however many rows there are."""


def build(sample: Sample, level: float = 0.95) -> dict[str, Any]:
    """The plots of numbers; none where they span more than a number can hold, because no axis could show it."""
    if not np.isfinite(2 * (np.abs(sample.target).max() + np.abs(sample.prediction).max())):
        return {}
    summary = _summary(facts_of(sample), level)
    return {
        "predicted_actual": predicted_actual(sample) | {"summary": summary, "level": level},
        "residuals": residuals(sample),
        "residuals_predicted": residuals_predicted(sample) | {"summary": summary, "level": level},
        "residual_quantiles": residual_quantiles(sample, level),
    }


def predicted_actual(sample: Sample) -> dict[str, Any]:
    """Prediction (y) over truth (x) on one common axis."""
    low, high = _range(np.concatenate([sample.target, sample.prediction]))
    return _cloud(sample.target, sample.prediction, (low, high), (low, high))


def residuals_predicted(sample: Sample) -> dict[str, Any]:
    """Residual (y) over prediction (x)."""
    residual = sample.prediction - sample.target
    low, high = _range(residual)
    return _cloud(sample.prediction, residual, _range(sample.prediction), (min(low, 0.0), max(high, 0.0)))


def residuals(sample: Sample) -> dict[str, Any]:
    """Histogram of the residuals."""
    residual = sample.prediction - sample.target
    low, high = _range(residual)
    edges = np.linspace(low, high, BINS + 1)
    inside = (residual >= low) & (residual <= high)
    counts = np.histogram(residual[inside], bins=edges)[0]
    return {"edges": short(edges), "counts": counts.tolist(), "outside": int((~inside).sum())}


def residual_quantiles(sample: Sample, level: float = 0.95) -> dict[str, Any]:
    """Quantiles of the residuals (y) over those of a normal distribution with their mean and standard deviation (x).

    The band holds each quantile with the level's probability if the residuals are normal: the k-th of n uniform numbers in order
    has the distribution Beta(k, n - k + 1). Empty where all residuals are equal.
    """
    residual = sample.prediction - sample.target
    weight = np.ones(residual.size) if sample.weight is None else sample.weight
    mean = float(np.average(residual, weights=weight))
    spread = float(np.sqrt(np.average((residual - mean) ** 2, weights=weight)))
    if not 0 < spread < np.inf or residual.size < 3:  # noqa: PLR2004 - two rows lie on every line
        return {}
    facts = facts_of(sample)
    n = max(2.0, facts.design.kish * _share(facts, residual))
    end = special.ndtri(0.5 / min(n, MOST_TAIL))
    k = np.unique(np.clip(np.round(special.ndtr(np.linspace(end, -end, min(QUANTILES, residual.size))) * n + 0.5), 1, np.floor(n)))
    p = (k - 0.5) / n
    observed = np.quantile(residual, p, method="inverted_cdf", weights=sample.weight)
    low, high = (special.ndtri(special.betaincinv(k, n + 1 - k, tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return {
        "x": short(mean + spread * special.ndtri(p)),
        "y": short(observed),
        "lower": short(mean + spread * low),
        "upper": short(mean + spread * high),
        "share": short(p),
        "level": level,
    }


def _share(facts: Facts, values: Floats) -> float:
    group = facts.design.group
    return 1.0 if group is None else clustered(values, facts.sample.weight, group, np.ones(facts.n, dtype=np.bool_))


def _cloud(x: Floats, y: Floats, across: tuple[float, float], up: tuple[float, float]) -> dict[str, Any]:
    """Points where they can be told apart, else counts in cells."""
    inside = (x >= across[0]) & (x <= across[1]) & (y >= up[0]) & (y <= up[1])
    found: dict[str, Any] = {"x_range": short(across), "y_range": short(up), "outside": int((~inside).sum()), "rows": len(x)}
    x, y = x[inside], y[inside]
    if len(x) <= POINTS:
        return found | {"points": [short(x), short(y)]}
    counts = np.bincount(_cell(x, across) * CELLS + _cell(y, up), minlength=CELLS * CELLS).reshape(CELLS, CELLS)
    filled = np.argwhere(counts)
    return found | {"grid": CELLS, "cells": [[int(i), int(j), int(counts[i, j])] for i, j in filled]}


def _cell(values: Floats, ends: tuple[float, float]) -> NDArray[np.intp]:
    """Which of `CELLS` equal parts of an axis each value lies in; the upper end belongs to the last."""
    return np.minimum(((values - ends[0]) * (CELLS / (ends[1] - ends[0]))).astype(np.intp), CELLS - 1)


def _range(values: Floats) -> tuple[float, float]:
    """The axis: everything, or all but the outermost `TAIL` on each side where the rest would use less than half of it."""
    low, high = float(values.min()), float(values.max())
    quarter, least = (high - low) / 4, TAIL * values.size + 1
    if np.count_nonzero(values < low + quarter) < least or np.count_nonzero(values > high - quarter) < least:
        inner_low, inner_high = (float(one) for one in np.quantile(values, [TAIL, 1 - TAIL]))
        if inner_high > inner_low and (inner_high - inner_low) < (high - low) / 2:
            low, high = inner_low, inner_high
    if high > low:
        return low, high
    pad = abs(low) * 0.5 or 0.5
    return low - pad, high + pad


def _summary(facts: Facts, level: float) -> list[dict[str, Any]]:
    """Ten parts of nearly equal numbers of rows by rising prediction, equal predictions in one: the same picture as a table.

    The mean residual has Student's t interval.
    """
    sample = facts.sample
    prediction, truth = sample.prediction, sample.target
    marks = np.unique(np.quantile(prediction, np.linspace(0, 1, _DECILES + 1)[1:], method="inverted_cdf"))
    part = np.searchsorted(marks, prediction, side="left")
    weight = np.ones(facts.n) if sample.weight is None else sample.weight
    error = prediction - truth
    mass, squares = np.bincount(part, weight), np.bincount(part, weight * weight)

    def mean(values: Floats) -> Floats:
        return np.bincount(part, weight * values) / mass

    bias, square = mean(error), mean(error * error)
    freedom = np.maximum(_share(facts, error) * mass * mass / squares - 1, 0.0)
    half = special.stdtrit(freedom, 0.5 + level / 2) * np.sqrt(np.maximum(square - bias**2, 0.0) / freedom)
    columns = {
        "from": np.append(prediction.min(), marks[:-1]), "to": marks, "predicted": mean(prediction), "actual": mean(truth),
        "bias": bias, "bias_lower": bias - half, "bias_upper": bias + half, "rmse": np.sqrt(square),
    }  # fmt: skip  # a value stands beside its limits
    rows = zip(np.bincount(part).tolist(), *(short(values) for values in columns.values()), strict=True)
    return [{"rows": count} | dict(zip(columns, values, strict=True)) for count, *values in rows]
