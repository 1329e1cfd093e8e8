"""Difference, interval and p-value of every metric between each slice and the rest, corrected over all slices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtf.compute import local
from mtf.contracts.report import MetricValue, RestComparison
from mtf.plugins import Sample
from mtf_evaluation.measure import measure_one, prepared, subset
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.rest.cells import ByCells
from mtf_evaluation.rest.layers import Layers
from mtf_evaluation.rest.region import Region
from mtf_evaluation.rest.side import Rows, Way, complement
from mtf_evaluation.rest.ways import Shared, agreeing, beyond, way_of
from mtf_evaluation.rest.words import sentence
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.multiplicity import benjamini_hochberg
from mtf_evaluation.statistics.unpaired import Unpaired, independent, joint, score_limits

LOOKED_AT = 1000
"""A smaller rest is measured itself to see whether its interval holds; a larger one is as reliable as all rows together."""
Values = Mapping[str, MetricValue]
Found = dict[str, RestComparison]


def compare(
    sample: Sample,
    slices: Sequence[Rows | None],
    measured: Sequence[Values],
    overall: Values,
    plugins: Mapping[str, Any],
    *,
    level: float,
    cpus: float = 1.0,
) -> list[Found]:
    """Compare each slice with the rows outside it.

    Slice and rest share no row, so nothing is paired. Shares of independent rows are compared by Miettinen and Nurminen's score
    method, with weights at the effective numbers of rows (Kish) as their own intervals are; everything else by the standard errors of the two sides, which follow from their influence values, with
    Welch's degrees of freedom for means. With groups, the sums of the influence values within the groups, over both sides, take the
    rows' place, so that a group that lies in both is accounted for.

    Args:
        sample: All n rows, prepared.
        slices: For each slice the rising positions of its rows in the sample; None for one that was not measured.
        measured: The metrics of each slice.
        overall: The metrics of all rows.
        plugins: The metrics, by name.
        level: Confidence level of the intervals.
        cpus: Threads. Results do not depend on it.

    Returns:
        The comparisons of each slice, by metric. Metrics without influence values are left out. `p_adjusted` is Benjamini and
        Hochberg's over all slices of a metric.
    """
    with np.errstate(all="ignore"):  # as in `measure`: what is not finite ends as undefined
        shared = Shared()
        ways = {name: way for name, plugin in plugins.items() if (way := way_of(plugin, sample, overall.get(name), shared)) is not None}
    asked = [(rows, values) for rows, values in zip(slices, measured, strict=True) if rows is not None and ways]
    if not asked:
        return [{} for _ in slices]
    task = _Task(ways, overall, level, beyond(ways, len(asked)), Region(sample))
    layers = Layers([rows for rows, _ in asked], sample.target.size)
    task.region.gather(layers)
    for way in ways.values():
        way.gather(layers)
    with local(min(cpus, len(asked))) as runner:
        raw = iter(_judged(list(runner.map(lambda one: _differences(task, one[0], one[1]), asked)), level))
    found = [next(raw) if rows is not None else {} for rows in slices]
    return _adjusted(found, list(ways))


@dataclass(frozen=True)
class _Difference:
    """One metric of one slice against the rest, before it is put into words."""

    one: RestComparison
    bounds: tuple[float, float]
    found: Unpaired | None = None
    counts: tuple[float, float, float, float] | None = None
    """Hits and counted rows of both sides, of a share that is still to be compared."""
    doubt: str | None = None


@dataclass(frozen=True)
class _Task:
    """What all slices share."""

    ways: Mapping[str, Way]
    overall: Values
    level: float
    beyond: Mapping[str, str]
    """Metrics that would take too long, with the reason."""
    region: Region


def _differences(task: _Task, rows: Rows, measured: Values) -> dict[str, _Difference]:
    """Every metric of one slice."""
    ways, overall, level = task.ways, task.overall, task.level
    # Threads do not inherit the caller's setting.
    with np.errstate(all="ignore"):
        sample = next(iter(ways.values())).sample
        small = _small_rest(sample, rows)
        sides = task.region.sides(rows)
        result = {}
        for name, way in ways.items():
            own = measured.get(name)
            if own is not None and name in task.beyond:
                one = _undefined(RestComparison(n_rest=sample.target.size - rows.size), task.beyond[name])
                result[name] = _Difference(one, (-math.inf, math.inf))
            elif own is not None:
                found = _difference(agreeing(way, rows, own), rows, own, level)
                doubt = _doubt(own, overall.get(name), way.plugin, small, level) or task.region.doubt(way.plugin, sides)
                result[name] = replace(found, doubt=doubt)
        return result


def _judged(found: list[dict[str, _Difference]], level: float) -> list[Found]:
    """All shares are compared at once, as the score method searches for its limits; then everything is put into words."""
    waiting = [(one, name) for one in found for name, difference in one.items() if difference.counts is not None]
    if waiting:
        table = np.array([one[name].counts for one, name in waiting], dtype=np.float64).T
        limits = zip(*(side.tolist() for side in score_limits(table[0], table[1], table[2], table[3], level)), strict=True)
        for (one, name), (lower, upper, p) in zip(waiting, limits, strict=True):
            one[name] = replace(one[name], found=Unpaired(Interval(lower, upper, "miettinen-nurminen"), p, "score"))
    return [{name: _told(difference, level) for name, difference in one.items()} for one in found]


def _told(difference: _Difference, level: float) -> RestComparison:
    one, found = difference.one, difference.found
    if found is None or one.undefined is not None:
        return one
    interval, width = found.interval, difference.bounds[1] - difference.bounds[0]
    reason = interval.reason if not interval.known else difference.doubt
    return one.model_copy(
        update={
            "lower": None if interval.lower is None else max(interval.lower, -width),
            "upper": None if interval.upper is None else min(interval.upper, width),
            "level": level if interval.known else None,
            "p_value": found.p_value,
            "interval_method": interval.method,
            "test_method": found.test,
            "reliable": reason is None,
            "reason": reason,
        }
    )


def _small_rest(sample: Sample, rows: Rows) -> Sample | None:
    if not 0 < sample.target.size - rows.size < LOOKED_AT:
        return None
    return prepared(subset(sample, complement(rows, sample.target.size)), facts_of(sample).seed)


def _difference(way: Way, rows: Rows, own: MetricValue, level: float) -> _Difference:
    n = way.facts.n
    one = RestComparison(n_rest=n - rows.size)
    bounds = getattr(way.plugin, "bounds", (-math.inf, math.inf))
    if own.value is None:
        return _Difference(_undefined(one, f"undefined for the slice: {own.undefined}"), bounds)
    if rows.size == n:
        return _Difference(_undefined(one, "the slice is all rows"), bounds)
    if way.sample.group is not None:
        rest, found, counts = *_grouped(way, rows, own.value, level), None
    else:
        rest, found, counts = _independent(way, rows, own.value, level)
    if not math.isfinite(rest):
        return _Difference(_undefined(one, "the metric is undefined for the rest"), bounds)
    one = one.model_copy(update={"value": own.value, "rest": rest, "difference": own.value - rest})
    return _Difference(one, bounds, found, counts)


def _undefined(one: RestComparison, why: str) -> RestComparison:
    return one.model_copy(update={"undefined": why, "reliable": False})


def _independent(
    way: Way, rows: Rows, value: float, level: float
) -> tuple[float, Unpaired | None, tuple[float, float, float, float] | None]:
    """The metric of the rest with the comparison, or with the counts of a share to compare."""
    if isinstance(way, ByCells) and way.share:
        counts = way.counts(rows)
        return (counts[2] / counts[3] if counts[3] else math.nan), None, counts if counts[1] and counts[3] else None
    own, rest = way.sides(rows)
    if not math.isfinite(rest.value) or not math.isfinite(own.value):
        return math.nan, None, None
    if 0.0 in (own.error, rest.error):
        # One silent side would let the other alone say how far the difference is known.
        side = "slice" if own.error == 0 else "rest"
        why = f"every row of the {side} contributes the same, so nothing tells how much the difference would vary"
        return rest.value, Unpaired(no_interval(why), None, "none"), None
    method = "influence" if way.weight is None else "sandwich"
    errors, units = (own.error, rest.error), (own.units, rest.units)
    return rest.value, independent(value - rest.value, errors, units, level, student=way.student, method=method), None


def _grouped(way: Way, rows: Rows, value: float, level: float) -> tuple[float, Unpaired | None]:
    others = complement(rows, way.facts.n)
    own, of_slice = way.influence(rows)
    rest, of_rest = way.influence(others)
    if not (math.isfinite(own) and math.isfinite(rest)):
        return math.nan, None
    parts = np.empty(way.facts.n)
    for at, psi, sign in ((rows, of_slice, 1.0), (others, of_rest, -1.0)):
        weight = way.of(at)
        parts[at] = sign * (psi / psi.size if weight is None else weight * psi / weight.sum())
    group = way.facts.design.group
    if group is None:
        raise ValueError("the sample has no groups")
    return rest, joint(value - rest, parts, group, level)


def _doubt(own: MetricValue, overall: MetricValue | None, plugin: Any, small: Sample | None, level: float) -> str | None:
    """Which side's interval is not known to hold."""
    if not own.reliable:
        return f"in the slice {own.reason or own.undefined}"
    rest = overall if small is None else measure_one(plugin, small, level)
    if rest is not None and not rest.reliable:
        return f"in the rest {rest.reason or rest.undefined}"
    return None


def _adjusted(found: list[Found], names: Sequence[str]) -> list[Found]:
    """Benjamini and Hochberg's p-values, and the sentences; the family is one metric over all slices."""
    for name in names:
        tested = [(place, p) for place, one in enumerate(found) if name in one and (p := one[name].p_value) is not None]
        corrected = benjamini_hochberg([p for _, p in tested])
        for (place, _), p in zip(tested, corrected, strict=True):
            found[place][name] = found[place][name].model_copy(update={"p_adjusted": p, "tests": len(tested)})
    return [{name: one.model_copy(update={"sentence": sentence(name, one)}) for name, one in part.items()} for part in found]
