"""Weighted quantiles and their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.proportion import wilson

Floats = NDArray[np.float64]


def median(values: Floats, weight: Floats | None) -> float:
    """The median; weighted, the mean of the two values where exactly half of the weight lies below (equal to repetition)."""
    if weight is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    values, cumulative = values[order], np.cumsum(weight[order])
    half = cumulative[-1] / 2
    # A sum of fractional weights may miss the exact half by rounding.
    slack = cumulative[-1] * 1e-12
    first = int(np.searchsorted(cumulative, half - slack, side="left"))
    if abs(cumulative[first] - half) <= slack and first + 1 < values.size:
        return float(values[first] + values[first + 1]) / 2
    return float(values[first])


def median_interval(values: Floats, design: Design, level: float) -> Interval:
    """Interval of the median by inverting the interval of the share below it (Woodruff 1952).

    Independent, equally weighted rows: order statistics with exact binomial coverage of at least `level`. Otherwise the share
    1/2 gets a Wilson interval at its effective number of rows, and the weighted quantiles at its limits are the answer.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    n = ordered.size
    if design.simple:
        low, high = _order_statistics(n, level)
        if low < 0:
            return no_interval(f"{n} rows are too few for an interval of the median at this level")
        return _apart(ordered, low, high, "order-statistics")
    if design.groups < 2:  # noqa: PLR2004 - a variance needs two
        return no_interval("all rows belong to one group")
    centre = median(values, design.weight)
    below = (values <= centre).astype(np.float64)
    share = wilson(0.5, design.effective(below - design.mean(below)), level, quantile=design.quantile(level))
    if share.lower is None or share.upper is None:
        return no_interval()
    weight = np.ones(n) if design.weight is None else design.weight[order]
    cumulative = np.cumsum(weight) / weight.sum()
    low, high = (int(np.searchsorted(cumulative, limit)) for limit in (share.lower, share.upper))
    return _apart(ordered, low, min(high, n - 1), "woodruff")


def _order_statistics(n: int, level: float) -> tuple[int, int]:
    """0-based positions whose values enclose the median with binomial probability of at least `level`; (-1, n) where none do."""
    tail = (1 - level) / 2
    # The largest r with P(Binomial(n, 1/2) <= r - 1) <= tail.
    position = int(special.bdtrik(tail, n, 0.5)) + 1 if special.bdtr(0, n, 0.5) <= tail else 0
    while position > 0 and special.bdtr(position - 1, n, 0.5) > tail:
        position -= 1
    return position - 1, n - position


def _apart(ordered: Floats, low: int, high: int, method: str) -> Interval:
    """The two values, or where ties make them one the next distinct values: a limit between ties is not known to the sample."""
    lower, upper = float(ordered[low]), float(ordered[high])
    if lower == upper:
        left = int(np.searchsorted(ordered, lower, side="left")) - 1
        right = int(np.searchsorted(ordered, upper, side="right"))
        lower = float(ordered[left]) if left >= 0 else lower
        upper = float(ordered[right]) if right < ordered.size else upper
    if lower == upper:
        return no_interval("every row has the same error, so nothing tells how much the median would vary")
    return Interval(lower, upper, method)
