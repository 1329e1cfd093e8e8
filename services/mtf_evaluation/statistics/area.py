"""Intervals of the area under the ROC curve."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from mtf_evaluation.statistics.interval import Interval

Floats = NDArray[np.float64]
BESIDE = 1e-12


def delong_error(influence: Floats, positive: NDArray[np.bool_]) -> float:
    """DeLong's standard error (1988), S10 / m + S01 / n, from influence values of equally weighted rows.

    The influence value of a positive row is its placement value's deviation times N / m (of a negative one times N / n), with
    N = m + n rows; so the same function serves one area and the difference of two areas on the same rows. NaN with fewer than
    two rows of a class.
    """
    total = influence.size
    m = int(np.count_nonzero(positive))
    n = total - m
    if min(m, n) < 2:  # noqa: PLR2004 - a variance needs two
        return float("nan")
    squares = influence * influence
    of_positives = float(squares[positive].sum())
    of_negatives = float(squares.sum()) - of_positives
    variance = of_positives * m / (m - 1) + max(of_negatives, 0.0) * n / (n - 1)
    return math.sqrt(variance) / total


def newcombe(area: float, positives: float, negatives: float, level: float, *, quantile: float | None = None) -> Interval:
    """Newcombe's method 5 (Statistics in Medicine 2006, part 2): Hanley and McNeil's variance at the limit itself.

    V(t) = t (1 - t) (1 + N* ((1 - t) / (2 - t) + t / (1 + t))) / (m n) with N* = (m + n) / 2 - 1. Good for small samples and
    for areas near 1, where it gives a one-sided interval. The counts may be effective numbers.
    """
    z = float(special.ndtri(0.5 + level / 2)) if quantile is None else quantile
    pseudo = max((positives + negatives) / 2 - 1, 0.0)

    def excess(t: float) -> float:
        variance = t * (1 - t) * (1 + pseudo * ((1 - t) / (2 - t) + t / (1 + t))) / (positives * negatives)
        return (t - area) ** 2 - z * z * max(variance, 0.0)

    # Just beside the area the excess is negative, also where the variance vanishes at the area itself (0 or 1).
    lower = 0.0 if area <= BESIDE else _root(excess, 0.0, area - BESIDE)
    upper = 1.0 if area >= 1 - BESIDE else _root(excess, area + BESIDE, 1.0)
    return Interval(lower, upper, "newcombe-5")


def _root(excess: Callable[[float], float], left: float, right: float) -> float:
    """The limit between the area and the boundary; `excess` is negative at the area and positive at the boundary."""
    a, b = excess(left), excess(right)
    if a * b > 0:
        return left if abs(a) < abs(b) else right
    return float(optimize.brentq(excess, left, right, xtol=1e-14, rtol=1e-12))
