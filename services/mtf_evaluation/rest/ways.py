"""How each metric gets its values on both sides of a slice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mtf.contracts.report import MetricValue
from mtf.plugins import RankMetric, RowMetric, Sample
from mtf_evaluation.metrics.areas import AveragePrecision, RocAuc
from mtf_evaluation.metrics.base import Metric
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest
from mtf_evaluation.metrics.rows import SmoothMetric
from mtf_evaluation.rest.areas import ByPlacements
from mtf_evaluation.rest.cells import LARGEST, ByCells, Tallies
from mtf_evaluation.rest.order import Orders
from mtf_evaluation.rest.precision import ByPrecision
from mtf_evaluation.rest.side import Directly, Rows, Way
from mtf_evaluation.rest.sums import BySums

AGREES = 1e-9
"""How far a slice's value from sums may lie from the measured one: only rounding may tell them apart."""
MOST_WORK = 20_000_000
"""Rows times slices up to which a metric is asked for its influence values on both sides of each slice anew."""


@dataclass(frozen=True)
class Shared:
    """What metrics of one sample need alike."""

    tallies: Tallies = field(default_factory=Tallies)
    orders: Orders = field(default_factory=Orders)


def way_of(plugin: Any, sample: Sample, overall: MetricValue | None, shared: Shared) -> Way | None:
    """How a metric gets its values on both sides; None for one without influence values or without scores."""
    inner = plugin.inner if isinstance(plugin, OneVsRest) else plugin
    scored = bool(getattr(plugin, "needs_scores", False))
    if (scored and sample.scores is None) or not (hasattr(inner, "influence") or isinstance(inner, RowMetric | RankMetric)):
        return None
    if overall is not None and overall.value is not None and isinstance(inner, Metric):
        if isinstance(inner, RocAuc):
            return ByPlacements(plugin, sample, shared.orders)
        if isinstance(inner, AveragePrecision):
            return ByPrecision(plugin, sample, shared.orders)
        if isinstance(inner, SmoothMetric):
            return BySums(plugin, sample)
        if sample.task != "regression" and not scored and facts_of(sample).classes ** 2 <= LARGEST:
            return ByCells(plugin, sample, shared.tallies)
    return Directly(plugin, sample)


def agreeing(way: Way, rows: Rows, own: MetricValue) -> Way:
    """A metric whose terms depend on the other rows is measured on each side anew: the slice's value gives it away."""
    if not isinstance(way, BySums) or own.value is None:
        return way
    value = way.sides(rows)[0].value
    return way if math.isclose(value, own.value, rel_tol=AGREES, abs_tol=1e-12) else Directly(way.plugin, way.sample)


def beyond(ways: Mapping[str, Way], slices: int) -> dict[str, str]:
    """Metrics that have to be asked anew for each slice, where that would take minutes."""
    n = next(iter(ways.values())).facts.n
    if n * slices <= MOST_WORK:
        return {}
    why = f"this metric is sorted anew for each slice; {slices:,} slices of {n:,} rows would take minutes, declare fewer slices"
    anew = (name for name, way in ways.items() if type(way) is Directly or (way.sample.group is not None and isinstance(way, Directly)))
    return dict.fromkeys(anew, why)
