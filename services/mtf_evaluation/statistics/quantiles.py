"""Weighted quantiles and their intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.proportion import wilson

Floats = NDArray[np.float64]
SLACK = 1e-12
HUGE = 8e307
"""Above it the sum of two numbers overflows."""


def quantile(values: Floats, weight: Floats | None, share: float) -> float:
    """The quantile: the smallest value at which `share` of the weight is reached.

    Where the share is reached exactly, the mean of that value and the next (numpy's `averaged_inverted_cdf`; the median as everybody knows it).
    Integer weights equal repetition.
    """
    if weight is None:
        position = share * values.size
        # A product such as 0.7 * 10 may miss the whole number by rounding.
        whole = round(position)
        exact = abs(position - whole) <= SLACK * values.size and 0 < whole < values.size
        first = whole - 1 if exact else min(max(math.ceil(position - SLACK * values.size) - 1, 0), values.size - 1)
        parts = np.partition(values, [first, first + 1] if exact else first)
        return _middle(float(parts[first]), float(parts[first + 1])) if exact else float(parts[first])
    order = np.argsort(values, kind="stable")
    values, cumulative = values[order], np.cumsum(weight[order])
    wanted = cumulative[-1] * share
    # A sum of fractional weights may miss the exact share by rounding.
    slack = cumulative[-1] * SLACK
    first = min(int(np.searchsorted(cumulative, wanted - slack, side="left")), values.size - 1)
    if abs(cumulative[first] - wanted) <= slack and first + 1 < values.size:
        return _middle(float(values[first]), float(values[first + 1]))
    return float(values[first])


def _middle(low: float, high: float) -> float:
    return low / 2 + high / 2 if max(abs(low), abs(high)) > HUGE else (low + high) / 2


def median(values: Floats, weight: Floats | None) -> float:
    """The quantile of one half."""
    return quantile(values, weight, 0.5)


def quantile_interval(values: Floats, design: Design, level: float, share: float = 0.5) -> Interval:
    """Interval of a quantile by inverting the interval of the share below it (Woodruff 1952).

    Independent, equally weighted rows: order statistics with exact binomial coverage of at least `level`. Otherwise the share
    gets a Wilson interval at its effective number of rows, and the weighted quantiles at its limits are the answer.
    """
    n = values.size
    if design.simple:
        ordered = np.sort(values)
        low, high = _order_statistics(n, level, share)
        if low < 0 or high >= n:
            return no_interval(f"{n} rows are too few for an interval of the {share:g} quantile at this level")
        return _apart(ordered, low, high, "order-statistics")
    if design.groups < 2:  # noqa: PLR2004 - a variance needs two
        return no_interval("all rows belong to one group")
    below = (values <= quantile(values, design.weight, share)).astype(np.float64)
    limits = wilson(share, design.effective(below - design.mean(below)), level, quantile=design.quantile(level))
    if limits.lower is None or limits.upper is None:
        return no_interval()
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    weight = np.ones(n) if design.weight is None else design.weight[order]
    cumulative = np.cumsum(weight) / weight.sum()
    low, high = (int(np.searchsorted(cumulative, limit)) for limit in (limits.lower, limits.upper))
    return _apart(ordered, low, min(high, n - 1), "woodruff")


def median_interval(values: Floats, design: Design, level: float) -> Interval:
    """Interval of the median."""
    return quantile_interval(values, design, level)


def quantile_influence(values: Floats, design: Design, share: float) -> tuple[float, Floats]:
    """The quantile and its (n,) influence values, (share - [value <= quantile]) / density.

    The density at the quantile follows from the width of its own 95 % interval: an interval of a share is z sqrt(share (1 - share) / n) wide
    on either side, and the values that lie so far apart say how dense they are (McKean and Schrader 1984; Woodruff 1952 for weighted
    rows). NaN where the sample has no such interval, or where its limits coincide.
    """
    value = quantile(values, design.weight, share)
    half = float(special.ndtri(0.975)) * math.sqrt(share * (1 - share) / design.kish)
    low, high = (quantile(values, design.weight, min(max(limit, 0.0), 1.0)) for limit in (share - half, share + half))
    # Near the ends of the sample one limit is cut off; what is left of the width is known.
    covered = min(share + half, 1.0) - max(share - half, 0.0)
    sparsity = (high - low) / covered if high > low else math.nan
    below = (values <= value).astype(np.float64)
    return value, np.asarray((design.mean(below) - below) * sparsity, dtype=np.float64)


def _order_statistics(n: int, level: float, share: float = 0.5) -> tuple[int, int]:
    """0-based positions whose values enclose the quantile with binomial probability of at least `level`; -1 and n where no value does."""
    tail = (1 - level) / 2
    # The largest r with P(Binomial(n, share) <= r - 1) <= tail.
    low = _largest(n, tail, share)
    high = _largest(n, tail, 1 - share)
    return low - 1, n - high


def _largest(n: int, tail: float, share: float) -> int:
    """The largest r with P(Binomial(n, share) <= r - 1) <= tail; 0 where there is none."""
    if special.bdtr(0, n, share) > tail:
        return 0
    position = int(special.bdtrik(tail, n, share)) + 2
    while position > 0 and special.bdtr(position - 1, n, share) > tail:
        position -= 1
    return position


def _apart(ordered: Floats, low: int, high: int, method: str) -> Interval:
    """The two values, or where ties make them one the next distinct values: a limit between ties is not known to the sample."""
    lower, upper = float(ordered[low]), float(ordered[high])
    if lower == upper:
        left = int(np.searchsorted(ordered, lower, side="left")) - 1
        right = int(np.searchsorted(ordered, upper, side="right"))
        lower = float(ordered[left]) if left >= 0 else lower
        upper = float(ordered[right]) if right < ordered.size else upper
    if lower == upper:
        return no_interval("every row has the same error, so nothing tells how much the quantile would vary")
    return Interval(lower, upper, method)
