"""Intervals of one proportion."""

from __future__ import annotations

import math

from scipy import special

from mtf_evaluation.statistics.interval import Interval


def wilson(share: float, n: float, level: float, *, quantile: float | None = None, method: str = "wilson") -> Interval:
    """Wilson's score interval (1927) of a share out of `n` rows; `n` may be an effective number and need not be whole.

    `quantile` replaces the normal quantile (Student's t for few groups). At a share of 0 or 1 the outer limit is the share itself.
    """
    z = float(special.ndtri(0.5 + level / 2)) if quantile is None else quantile
    z2 = z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(max(share * (1 - share), 0.0) / n + z2 / (4 * n * n))
    lower = 0.0 if share <= 0 else max(middle - half, 0.0)
    upper = 1.0 if share >= 1 else min(middle + half, 1.0)
    return Interval(lower, upper, method)
