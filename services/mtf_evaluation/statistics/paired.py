"""Tests of the difference between two models on the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import optimize, special

from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.power import NOTHING, Reach, of_discordant, of_error


@dataclass(frozen=True)
class Paired:
    """An interval of a difference and the p-value of no difference."""

    interval: Interval
    p_value: float | None
    test: str
    reach: Reach = NOTHING
    discordant: int | None = None
    """Rows on which one model was right and the other wrong."""
    mid_p: float | None = None
    """McNemar's mid-p value, an extra beside the score test."""


def tango(only_a: int, only_b: int, n: int, level: float) -> Paired:
    """Tango's score interval (1998) for the difference of two proportions of the same n rows, and the p-value that inverts it.

    `only_a` rows have the property in a alone, `only_b` in b alone. At a difference of 0 the score test is McNemar's. With no
    discordant row the interval is ± z^2 / (n + z^2).
    """
    z = float(special.ndtri(0.5 + level / 2))
    estimate = (only_a - only_b) / n

    def excess(delta: float) -> float:
        return _tango_score(only_a, only_b, n, delta)

    edge = 1 - 1e-12
    lower = -1.0 if estimate <= -edge else _limit(lambda d: excess(d) - z, -edge, estimate)
    upper = 1.0 if estimate >= edge else _limit(lambda d: excess(d) + z, estimate, edge)
    discordant = only_a + only_b
    p = 1.0 if only_a == only_b else float(special.erfc(abs(only_a - only_b) / math.sqrt(2 * discordant)))
    reach = of_discordant(only_a, only_b, n, level)
    return Paired(Interval(lower, upper, "tango"), p, "score", reach, discordant, mid_p(only_a, only_b))


def _tango_score(b: int, c: int, n: int, delta: float) -> float:
    """The score statistic at a difference `delta`, with the constrained maximum-likelihood estimate of the second discordant cell."""
    linear = -b - c + (2 * n - b + c) * delta
    constant = -c * delta * (1 - delta)
    q = (math.sqrt(max(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    distance = b - c - n * delta
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def _limit(function: Callable[[float], float], left: float, right: float) -> float:
    """The root of a decreasing function; the boundary itself where it does not change its sign."""
    a, b = function(left), function(right)
    if a <= 0:
        return left
    if b >= 0:
        return right
    if math.isinf(a) or math.isinf(b):
        # An infinite score only says on which side the root is.
        return float(optimize.bisect(lambda d: max(min(function(d), 1e6), -1e6), left, right, xtol=1e-12))
    return float(optimize.brentq(function, left, right, xtol=1e-14))


def mid_p(only_a: int, only_b: int) -> float:
    """McNemar's mid-p value (Fagerland 2013): the exact binomial p-value minus half of the observed point's probability."""
    n = only_a + only_b
    if n == 0 or only_a == only_b:
        return 1.0
    low = min(only_a, only_b)
    tail = float(special.bdtr(low, n, 0.5))
    point = tail - (float(special.bdtr(low - 1, n, 0.5)) if low > 0 else 0.0)
    return min(2 * tail - point, 1.0)


def paired_normal(difference: float, error: float, design: Design, level: float, method: str, *, student: bool) -> Paired:
    """Interval and p-value of a difference with a standard error: Student's t for means, normal for ranks, G - 1 for few groups."""
    if math.isnan(error):
        return Paired(no_interval("there are fewer than two independent rows or groups"), None, "none")
    ratio = difference / error
    if student or (design.group is not None and design.quantile(level) > special.ndtri(0.5 + level / 2) + 1e-9):
        df = design.degrees()
        reach = of_error(difference, error, design.n, level, degrees=df)
        q = float(special.stdtrit(df, 0.5 + level / 2))
        p, test = 2 * float(special.stdtr(df, -abs(ratio))), "paired-t"
    else:
        reach = of_error(difference, error, design.n, level)
        q = design.quantile(level)
        p, test = float(special.erfc(abs(ratio) / math.sqrt(2))), "paired-z"
    return Paired(Interval(difference - q * error, difference + q * error, method), min(p, 1.0), test, reach)
