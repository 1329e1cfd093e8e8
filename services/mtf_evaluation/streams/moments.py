"""Losses and other functions of means in two passes: first the means, then how the rows' influence values spread around 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.adapter import scale_for
from mtf_evaluation.metrics.base import answer, undefined
from mtf_evaluation.metrics.facts import Facts
from mtf_evaluation.metrics.rows import FEWEST, FEWEST_GROUPS, HEAVY, TAIL, Loss, SmoothMetric
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.influence import delta_interval, gradient, tail_index, tail_weight

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """First pass: sums over rows of weight times term, (t,), and of weight times squared term."""

    terms: Floats
    squares: Floats

    def __add__(self, other: Sums) -> Sums:
        """The sums over both sets of rows."""
        return Sums(self.terms + other.terms, self.squares + other.squares)


def sums(terms: Floats, weight: Floats | None) -> Sums:
    """Sum (n, t) terms."""
    if weight is None:
        return Sums(terms.sum(axis=0), (terms * terms).sum(axis=0))
    return Sums(weight @ terms, weight @ (terms * terms))


@dataclass(frozen=True)
class Point:
    """A metric at the means of all rows, and what turns a row's terms into its influence value."""

    value: float
    means: Floats
    slope: Floats

    def influence(self, terms: Floats) -> Floats:
        """(n,) influence values of rows with these (n, t) terms."""
        return np.asarray(terms @ self.slope - float(self.means @ self.slope))


def point(plugin: Any, found: Sums, total: float) -> Point:
    """The value and its gradient, from sums over rows of weight `total`."""
    means = found.terms / total
    spread = np.sqrt(np.maximum(found.squares / total - means * means, 0.0))
    if isinstance(plugin, SmoothMetric):
        return Point(plugin.value(means), means, plugin.slope(means, spread))
    return Point(float(plugin.value(means)), means, gradient(lambda at: float(plugin.value(at)), means, spread))


@dataclass(frozen=True)
class Spread:
    """Second pass: power sums of weight times influence, the lowest influence, and the largest parts of the tail (at most `most`)."""

    second: float
    third: float
    lowest: float
    largest: Floats
    most: int

    def __add__(self, other: Spread) -> Spread:
        """The spread of both sets of rows."""
        largest = np.concatenate([self.largest, other.largest])
        return Spread(
            self.second + other.second, self.third + other.third, min(self.lowest, other.lowest), _top(largest, self.most), self.most
        )


def spread(plugin: Any, influence: Floats, weight: Floats | None, sample: Sample, most: int) -> Spread:
    """The spread of (n,) influence values."""
    parts = influence if weight is None else weight * influence
    squares = parts * parts
    lowest = float(influence.min(initial=0.0))
    tail = np.abs(influence)
    if isinstance(plugin, Loss):
        tail = influence  # judged from the lowest on, which only all rows tell
    elif isinstance(plugin, SmoothMetric):
        tail = np.abs(plugin.tail(sample, influence))
    return Spread(float(squares.sum()), float(squares @ parts), lowest, _top(tail, most), most)


def _top(values: Floats, most: int) -> Floats:
    return values if values.size <= most else np.partition(values, values.size - most)[values.size - most :]


def measured(plugin: Any, at: Point, spreads: Spread, facts: Facts, level: float, *, groups: Floats | None) -> MetricValue:
    """The metric with its delta-method interval, as `SmoothMetric.measured` gives it for rows in memory.

    `facts` are of the rows as cells: their number, weights and extremes. `groups` are the sums of weight times influence over groups.
    """
    design, n = facts.design, facts.n
    if not math.isfinite(at.value):
        return undefined("the metric has no value for these rows", n)
    alone = math.sqrt(n / (n - 1) * spreads.second) / design.total if n > 1 else math.nan
    error = alone if groups is None else _clustered(groups, design)
    smooth = isinstance(plugin, SmoothMetric)
    scale = plugin.scale if smooth else scale_for(plugin.bounds)
    interval = delta_interval(at.value, error, design, level, scale, method="delta" if design.simple else "sandwich")
    doubt = (plugin.remark(facts) if smooth else None) or _doubt(plugin, spreads, design, groups)
    bounds = plugin.limits(facts) if smooth else plugin.bounds
    return answer(at.value, interval, level=level, n=n, n_effective=_effective(design, alone, error), doubt=doubt, bounds=bounds)


def _clustered(groups: Floats, design: Design) -> float:
    """Liang and Zeger's standard error (1986) from the groups' sums."""
    return math.sqrt(design.groups / (design.groups - 1) * float(groups @ groups)) / design.total if design.groups > 1 else math.nan


def _effective(design: Design, alone: float, error: float) -> float:
    if design.group is None:
        return design.kish
    if not 0 < error < math.inf or not alone < math.inf:
        return float(min(design.groups, design.kish))
    return float(min(max(design.kish * (alone / error) ** 2, 1.0), design.n))


def _doubt(plugin: Any, spreads: Spread, design: Design, groups: Floats | None) -> str | None:
    """Which condition of the delta method's validity region fails, in the words of `rows.small_or_skewed`."""
    units = design.kish if groups is None else float(design.groups)
    fewest = FEWEST if groups is None else FEWEST_GROUPS
    if units < fewest:
        return f"{units:.3g} {'effective rows' if groups is None else 'groups'}; the interval is known to hold from {fewest}"
    skewness = _skewness(spreads.second, spreads.third, design.n) if groups is None else tail_weight(groups[groups != 0], Design(1))
    if not units >= TAIL * skewness**2:
        return f"a few rows decide the value (skewness {skewness:.3g}); the interval would need {TAIL * skewness**2:,.0f} rows"
    largest = spreads.largest - spreads.lowest if isinstance(plugin, Loss) else spreads.largest
    index = tail_index(largest, design.n)
    if index < HEAVY:
        return f"the largest rows have a heavy tail (index {index:.2g}): rows larger than any seen may decide the value"
    return None


def _skewness(second: float, third: float, n: int) -> float:
    variance = second / n
    return third / n / (variance * math.sqrt(variance)) if variance > 0 else 0.0
