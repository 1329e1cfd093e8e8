"""Differences between two sets of rows that share no row: a slice and the rest, or two runs on different rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.interval import Interval, no_interval

Floats = NDArray[np.float64]
HALVINGS = 60
"""Bisections of [-1, 1]: the limit is then exact to the last digit of a double."""
SAME = "the rows of each side all contribute the same, so nothing tells how much the difference would vary"


@dataclass(frozen=True)
class Unpaired:
    """An interval of a difference, the p-value of no difference, and the test that gave it."""

    interval: Interval
    p_value: float | None
    test: str


def proportions(hits_a: float, n_a: float, hits_b: float, n_b: float, level: float) -> Unpaired:
    """Miettinen and Nurminen's comparison of two shares, a minus b; `score_limits` says how. Both sides need a row."""
    lower, upper, p = score_limits(hits_a, n_a, hits_b, n_b, level)
    return Unpaired(Interval(float(lower), float(upper), "miettinen-nurminen"), float(p), "score")


def score_limits(hits_a: ArrayLike, n_a: ArrayLike, hits_b: ArrayLike, n_b: ArrayLike, level: float) -> tuple[Floats, Floats, Floats]:
    """Score limits of hits_a / n_a - hits_b / n_b, and the two-sided p-value of equal shares, for many pairs at once.

    Miettinen and Nurminen (Statistics in Medicine 1985): the limits are the differences whose score statistic, with the likelihood's
    maximum under that difference and the factor N / (N - 1), is the normal quantile. At a difference of 0 it is the pooled z test
    with that factor, so that interval and p-value agree. It holds where Wald's does not: shares of 0 and 1, and samples of ten rows.

    Args:
        hits_a: Rows of a that count as a hit, 0 to n_a; a number or an array, as the next three.
        n_a: Rows of a, above 0.
        hits_b: Rows of b that count as a hit.
        n_b: Rows of b, above 0, and above 1 together with those of a.
        level: Confidence level.

    Returns:
        Lower limits, upper limits and p-values, each of the arguments' shape.
    """
    a, m, b, n = (np.asarray(side, dtype=np.float64) for side in np.broadcast_arrays(hits_a, n_a, hits_b, n_b))
    estimate = np.asarray(a / m - b / n)
    z = float(special.ndtri(0.5 + level / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = _root(lambda delta: _score(a, m, b, n, delta) - z, np.full(estimate.shape, -1.0), estimate)
        upper = _root(lambda delta: _score(a, m, b, n, delta) + z, estimate, np.ones(estimate.shape))
        statistic = _score(a, m, b, n, np.zeros(estimate.shape))
    p = special.erfc(np.abs(statistic) / math.sqrt(2))
    return np.where(estimate <= -1, -1.0, lower), np.where(estimate >= 1, 1.0, upper), p


def _score(hits_a: Floats, n_a: Floats, hits_b: Floats, n_b: Floats, delta: Floats) -> Floats:
    """The score statistic of a difference `delta`. Where its variance vanishes it is infinite, or 0 at the estimate itself."""
    n = n_a + n_b
    of_b = _restricted(hits_a, n_a, hits_b, n_b, delta)
    of_a = np.clip(of_b + delta, 0.0, 1.0)
    variance = (of_a * (1 - of_a) / n_a + of_b * (1 - of_b) / n_b) * n / (n - 1)
    distance = hits_a / n_a - hits_b / n_b - delta
    none = np.where(np.abs(distance) <= np.finfo(np.float64).eps, 0.0, np.copysign(np.inf, distance))
    return np.where(variance > 0, distance / np.sqrt(np.where(variance > 0, variance, 1.0)), none)


def _restricted(hits_a: Floats, n_a: Floats, hits_b: Floats, n_b: Floats, delta: Floats) -> Floats:
    """The most likely share of b where a's is `delta` larger: the middle root of the likelihood equation, a cubic, by cosines."""
    n = n_a + n_b
    square = ((n_a + 2 * n_b) * delta - n - hits_a - hits_b) / (3 * n)
    linear = (n_b * delta - n - 2 * hits_b) * delta + hits_a + hits_b
    constant = hits_b * delta * (1 - delta)
    q = square**3 - linear * square / (2 * n) + constant / (2 * n)
    p = np.copysign(np.sqrt(np.maximum(square**2 - linear / (3 * n), 0.0)), q)
    cubed = p**3
    cosine = np.clip(np.divide(q, cubed, out=np.zeros_like(q), where=cubed != 0), -1.0, 1.0)
    share = 2 * p * np.cos((np.pi + np.arccos(cosine)) / 3) - square
    return np.asarray(np.clip(share, np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta)))


def _root(function: Callable[[Floats], Floats], left: Floats, right: Floats) -> Floats:
    """Roots of decreasing functions by bisection, all at once."""
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        above = function(middle) > 0
        left, right = np.where(above, middle, left), np.where(above, right, middle)
    return np.asarray((left + right) / 2)


def independent(
    difference: float, errors: tuple[float, float], units: tuple[float, float], level: float, *, student: bool, method: str = "influence"
) -> Unpaired:
    """Two independent estimates with their standard errors.

    Args:
        difference: a minus b.
        errors: Standard errors of a and of b; NaN where there are fewer than two independent units.
        units: Independent rows or groups (Kish's number with weights) behind a and behind b.
        level: Confidence level.
        student: Student's t with the degrees of freedom of Welch (1947) and Satterthwaite, right for means; else the normal quantile.
        method: Name of the interval's method.
    """
    if math.isnan(errors[0] + errors[1]):
        return Unpaired(no_interval("one side has fewer than two independent rows or groups"), None, "none")
    a, b = errors[0] ** 2, errors[1] ** 2
    if not a + b > 0:
        return _constant(difference)
    degrees = math.inf
    if student:
        below = a**2 / max(units[0] - 1, 1.0) + b**2 / max(units[1] - 1, 1.0)
        degrees = (a + b) ** 2 / below if below > 0 else math.inf
    interval, p = _limits(difference, math.sqrt(a + b), degrees, level)
    return Unpaired(replace(interval, method=method), p, "welch-t" if student else "z")


def joint(difference: float, parts: Floats, group: NDArray[np.intp], level: float, *, method: str = "sandwich") -> Unpaired:
    """The difference of two estimates whose rows share groups, so that the two depend on each other.

    Args:
        difference: a minus b.
        parts: (n,) what each row adds to the difference: w psi / sum of w of its own side, negative for the rows of b.
        group: (n,) codes of the groups, 0 or more, the same code on both sides for the same group.
        level: Confidence level.
        method: Name of the interval's method.

    The sums within the groups, over both sides, take the rows' place (Liang and Zeger 1986), with G - 1 degrees of freedom for G
    groups. A group that lies in both sides thus enters with the difference that it shows itself.
    """
    sums = np.bincount(group, weights=parts).astype(np.float64, copy=False)
    units = int(np.count_nonzero(np.bincount(group)))
    if units < 2:  # noqa: PLR2004 - a variance needs two
        return Unpaired(no_interval("all rows belong to one group"), None, "none")
    error = math.sqrt(units / (units - 1) * float(sums @ sums))
    if not error > NOISE * float(np.abs(parts).sum()):
        return _constant(difference)
    interval, p = _limits(difference, error, units - 1, level)
    return Unpaired(replace(interval, method=method), p, "cluster-t")


def _constant(difference: float) -> Unpaired:
    return Unpaired(no_interval(SAME), 1.0 if difference == 0 else None, "identical" if difference == 0 else "none")


def _limits(difference: float, error: float, degrees: float, level: float) -> tuple[Interval, float]:
    """The interval, difference ± quantile * error, and the p-value of the same statistic."""
    ratio, p = -abs(difference / error), 0.5 + level / 2
    if math.isinf(degrees):
        q, tail = float(special.ndtri(p)), float(special.ndtr(ratio))
    else:
        q, tail = float(special.stdtrit(degrees, p)), float(special.stdtr(degrees, ratio))
    return Interval(difference - q * error, difference + q * error), min(2 * tail, 1.0)
