"""The delta method: from per-row terms to influence values, from influence values to an interval."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.scales import IDENTITY, Scale
from mtf_evaluation.statistics.sums import central_moments, combine

Floats = NDArray[np.float64]
NOISE = 1e-11
"""A standard error below this share of the numbers it came from is rounding, not information."""


def gradient(function: Callable[[Floats], float], means: Floats, spread: Floats) -> Floats:
    """(t,) central differences of a smooth function at the (t,) means.

    The step is the cube root of the machine's precision times the size of a mean or its spread, which balances the error of the
    formula against rounding. NaN where the function is undefined beside the point.
    """
    steps = np.cbrt(np.finfo(np.float64).eps) * np.maximum(np.abs(means), spread)
    result = np.zeros_like(means)
    for index in np.flatnonzero(steps > 0):
        above, below = means.copy(), means.copy()
        above[index] += steps[index]
        below[index] -= steps[index]
        result[index] = (function(above) - function(below)) / (above[index] - below[index])
    return result


def delta_influence(terms: Floats, means: Floats, slope: Floats) -> Floats:
    """(n,) influence values of f(means) from (n, t) terms and the (t,) gradient of f."""
    return combine(terms, slope) - float(means @ slope)


def delta_interval(
    value: float, error: float, design: Design, level: float, scale: Scale = IDENTITY, *, method: str = "delta", student: bool = True
) -> Interval:
    """The limits value ± q * error on the scale where the metric is closest to normal.

    Args:
        value: The estimate.
        error: Its standard error on its own scale; NaN or 0 give no interval.
        design: Decides between the normal quantile and Student's t.
        level: Confidence level.
        scale: Where the interval is symmetric.
        method: Name of the method; the scale's name is added to it.
        student: Whether a simple mean's t quantile is used for independent rows.
    """
    if math.isnan(error):
        return no_interval("there are fewer than two independent rows or groups")
    if error <= NOISE * abs(value) or not scale.inside(value):
        return no_interval("every row contributes the same, so nothing tells how much the value would vary")
    q = float(special.stdtrit(design.degrees(), 0.5 + level / 2)) if student and design.group is None else design.quantile(level)
    centre, half = scale.forward(value), q * error * scale.slope(value)
    name = method if scale is IDENTITY else f"{method}-{scale.name}"
    lower, upper = scale.inverse(centre - half), scale.inverse(centre + half)
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return no_interval("the value varies too much between rows for an interval")
    return Interval(lower, upper, name)


def tail_index(parts: Floats, n: int | None = None) -> float:
    """Hill's index of the largest sqrt(n) of n non-negative parts: about how many moments they have.

    `parts` may be the largest of them alone, where `n` tells how many there were. Below 2 the variance is infinite and no normal interval holds, however many rows there are. Infinity where the largest are equal.
    """
    k = min(max(5, math.isqrt(n or parts.size)), parts.size - 1)
    if k < 1:
        return math.inf
    largest = np.partition(parts, parts.size - k - 1)[parts.size - k - 1 :]
    if not largest[0] > 0:
        return 0.0 if largest[-1] > 0 else math.inf
    excess = float(np.log(largest[1:] / largest[0]).mean())
    return 1 / excess if excess > 0 else math.inf


def tail_weight(influence: Floats, design: Design) -> float:
    """Skewness of the rows' contributions: how far a few rows decide the value. 0 where all contribute the same."""
    parts = influence if design.weight is None else design.weight * influence
    if design.group is not None:
        parts = np.bincount(design.group, weights=parts, minlength=design.groups).astype(np.float64, copy=False)
    second, third = central_moments(parts)
    # An overflow is a few rows that decide everything.
    if not math.isfinite(second):
        return math.inf
    return third / (second * math.sqrt(second)) if second > 0 else 0.0
