"""Metric values of one part of the rows, read from what the passes kept of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.areas import RocAuc, RocAucOvr
from mtf_evaluation.metrics.base import undefined
from mtf_evaluation.metrics.calibration import Bins, ExpectedCalibrationError
from mtf_evaluation.metrics.facts import Centre, Facts, facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.metrics.rows import SmoothMetric
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.streams.bounds import bound
from mtf_evaluation.streams.counted import Clusters, CountedFacts, WitnessFacts, counted
from mtf_evaluation.streams.moments import Point, measured, point
from mtf_evaluation.streams.parts import Part, terms_of
from mtf_evaluation.streams.plan import CONFUSION, ERRORS, Plan, class_view
from mtf_evaluation.streams.second import PAIRS, Second
from mtf_evaluation.streams.views import Confusion

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]


class CountedCalibrationError(ExpectedCalibrationError):
    """The calibration error of cells, whose bins hold as many rows as were counted."""

    def bins(self, sample: Sample) -> Bins:
        """The reliability bins with Kish's number of rows, not of cells."""
        found, design = super().bins(sample), facts_of(sample).design
        return replace(found, effective=found.weight * design.kish / design.total)


class Values:
    """Reads the metrics of a part.

    Args:
        part: What the first pass kept.
        plan: What is measured.
        level: Of the intervals.
        seed: Of draws.
        weighted: Whether rows have sampling weights.
        centre: What terms are centred by.
    """

    def __init__(self, part: Part, plan: Plan, *, level: float, seed: int, weighted: bool, centre: Centre) -> None:
        self._part, self._plan = part, plan
        self.level, self._seed, self._weighted, self._centre = level, seed, weighted, centre
        self._samples: dict[str, Sample] = {}
        self._influence: dict[str, Floats] = {}
        self._groups: Clusters | None = None

    @cached_property
    def n(self) -> int:
        """Rows that were measured."""
        return self._part.cells[self._base].total

    @cached_property
    def points(self) -> dict[str, Point]:
        """Functions of means at their means, for those that are defined."""
        total = float(self._part.cells[self._base].weight.sum())
        return {
            name: point(_inner(plugin), self._part.sums[name], total)
            for name, plugin in self._plan.moments.items()
            if self.n and self._missing(plugin) is None
        }

    def values(self, second: Second | None, names: Collection[str] | None = None) -> dict[str, MetricValue]:
        """The metrics of the plan, or some of them, in no particular order."""
        plan = self._plan if names is None else self._plan.only(names)
        found = {name: undefined(reason, self.n) for name, reason in plan.refused.items()}
        if not self.n:
            names = [*plan.moments, *plan.viewed, *plan.areas]
            return found | {name: undefined(self._empty(), 0) for name in names}
        second = second or Second({})
        if "" in second.pairs:
            self._groups = Clusters(int(np.count_nonzero(second.pairs[""])), math.nan)
        for name, plugin in plan.moments.items():
            found[name] = self._moment(name, plugin, second)
        for name, (view, inner) in plan.viewed.items():
            found[name] = self._viewed(view, inner, self._clusters(name, second, view))
        for name, plugin in plan.areas.items():
            found[name] = self._area(name, plugin, second)
        return found

    def _clusters(self, name: str, second: Second, view: str = "") -> Clusters | None:
        """What the second pass found of the groups, for one metric; None for independent rows."""
        if "" not in second.pairs:
            return None
        groups, sums = int(np.count_nonzero(second.pairs[""])), second.sums.get(name)
        if sums is None or groups < 2:  # noqa: PLR2004 - a variance needs two
            return Clusters(groups, math.nan, math.nan)
        total = float(self._part.cells[self._base].weight.sum())
        error = math.sqrt(groups / (groups - 1) * float(sums @ sums)) / total
        if not view:
            return Clusters(groups, error)
        alone = facts_of(self.sample(view)).design.standard_error(self._influence[name]) if name in self._influence else math.nan
        bins = max(1, self._plan.views[view].size // PAIRS)
        return Clusters(groups, error, error / alone if alone > 0 else 1.0, second.pairs.get(view), bins)

    def _moment(self, name: str, plugin: Any, second: Second) -> MetricValue:
        reason = self._missing(plugin)
        if reason:
            return undefined(reason, self.n)
        facts = self._facts(plugin, self._clusters(name, second))
        return measured(_inner(plugin), self.points[name], second.spreads[name], facts, self.level, groups=second.sums.get(name))

    @property
    def design(self) -> Design:
        """Weights and groups of the rows, for methods that ask how many independent units there are."""
        return CountedFacts(
            self._part.witness, self._part.cells[self._base], self._seed, weighted=self._weighted, clusters=self._groups
        ).design

    def has_influence(self, name: str) -> bool:
        """Whether a metric, defined here, can say how much each row adds."""
        return (
            name in self.points
            or name in self._plan.areas
            or (name in self._plan.viewed and hasattr(self._plan.viewed[name][1], "influence"))
        )

    def influence(self, name: str, sample: Sample) -> Floats:
        """(n,) influence of rows, seen or not, on a metric for which `has_influence` holds. All of them must lie in cells that were counted."""
        if name in self.points:
            return self.points[name].influence(terms_of(self._plan.moments[name], sample))
        if name in self._plan.areas:
            return self.area_influence({view: self._plan.views[view].see(sample).keys for view in self._areas})
        view = self._plan.viewed[name][0]
        found = self.view_influence(name, self._plan.views[view].see(sample).keys)
        return np.zeros(sample.target.size) if found is None else found

    def at(self, level: float) -> Values:
        """The same at another confidence level."""
        other = copy(self)
        other.level = level
        return other

    def value(self, name: str, second: Second | None) -> MetricValue:
        """One metric."""
        return self.values(second, [name])[name]

    def coverage(self) -> MetricValue:
        """The share of rows with a prediction, as the accuracy of the claim that every row has one."""
        kept = replace(self._part.kept, keys=self._part.kept.keys + 2)
        sample = Confusion("binary", (0, 1)).sample(kept, self._seed, weighted=self._weighted)
        plugin = measure.find(["accuracy"], "binary")["accuracy"]
        return measure.measure_one(plugin, sample, self.level)

    def sample(self, view: str) -> Sample:
        """The rows as cells of a view."""
        if view not in self._samples:
            self._samples[view] = self._plan.views[view].sample(self._part.cells[view], self._seed, weighted=self._weighted)
        return self._samples[view]

    def area_influence(self, keys: Mapping[str, Keys]) -> Floats:
        """(n,) influence of rows on the mean of the classes' areas, from the (n,) cell of each row in each class's view."""
        total = np.zeros(len(next(iter(keys.values()))))
        for view, influence in self._areas.items():
            total += influence[np.searchsorted(self._part.cells[view].keys, keys[view])]
        return total / max(len(self._areas), 1)

    @cached_property
    def _areas(self) -> dict[str, Floats]:
        """Influence values per cell, for each class that both is and is not there."""
        found = {}
        for code in self._present:
            view = class_view(code)
            value, influence = RocAuc().influence(self.sample(view))
            if math.isfinite(value):
                found[view] = influence
        return found

    @cached_property
    def _present(self) -> list[int]:
        truths = facts_of(self.sample(CONFUSION)).truths
        return [int(code) for code in np.flatnonzero(truths)] if np.count_nonzero(truths) > 1 else []

    def _area(self, name: str, plugin: RocAucOvr, second: Second) -> MetricValue:
        if not self._present:
            return undefined("the truth has one class; two are needed", self.n)
        clusters = self._clusters(name, second)
        facts = facts_of(self._clustered(CONFUSION, clusters))
        areas = [RocAuc().influence(self.sample(class_view(code)))[0] for code in self._present]
        design = facts.design
        alone = math.sqrt(self.n / (self.n - 1) * second.spreads[name].second) / design.total
        error = alone if clusters is None else clusters.error
        effective = design.kish if error <= 0 else min(max(design.kish * (alone / error) ** 2, 1.0), float(self.n))
        found = plugin.concluded(facts, float(np.mean(areas)), error, effective, self.level)
        off = [
            bound(RocAuc(), self._plan.views[class_view(code)], self._part.cells[class_view(code)], area, weighted=self._weighted) or 0.0
            for code, area in zip(self._present, areas, strict=True)
        ]
        return found.model_copy(update={"bound": float(np.mean(off))})

    def _clustered(self, view: str, clusters: Clusters | None) -> Sample:
        if clusters is None:
            return self.sample(view)
        return counted(self.sample(view), self._part.cells[view], self._seed, weighted=self._weighted or view == ERRORS, clusters=clusters)

    def view_influence(self, name: str, keys: Keys) -> Floats | None:
        """(n,) influence of rows in the cells `keys` on a metric that is read from a view; None where it has none."""
        view, inner = self._plan.viewed[name]
        if not hasattr(inner, "influence") or not self.n:
            return None
        if name not in self._influence:
            self._influence[name] = np.asarray(inner.influence(self.sample(view))[1])
        return self._influence[name][np.searchsorted(self._part.cells[view].keys, keys)]

    def _viewed(self, view: str, inner: Any, clusters: Clusters | None) -> MetricValue:
        metric = CountedCalibrationError(inner.args) if type(inner) is ExpectedCalibrationError else inner
        found = measure.measure_one(metric, self._clustered(view, clusters), self.level)
        if found.value is None:
            return found
        off = bound(metric, self._plan.views[view], self._part.cells[view], found.value, weighted=self._weighted)
        return found if off is None else found.model_copy(update={"bound": off})

    @property
    def _base(self) -> str:
        return ERRORS if ERRORS in self._plan.views else CONFUSION

    def _missing(self, plugin: Any) -> str | None:
        inner = _inner(plugin)
        return inner.missing(self._facts(plugin)) if isinstance(inner, SmoothMetric) else None

    def _facts(self, plugin: Any, clusters: Clusters | None = None) -> Facts:
        """The part's size and weights, with the rows at the ends of its ranges."""
        witness, code = self._part.witness, None
        if isinstance(plugin, OneVsRest):
            witness, code = binary(measure.prepared(witness), plugin.code), plugin.code
        facts = WitnessFacts(
            witness,
            self._part.cells[self._base],
            self._seed,
            weighted=self._weighted,
            clusters=clusters,
            confusion=facts_of(self.sample(CONFUSION)) if self._base == CONFUSION else None,
            code=code,
        )
        facts.centre = self._centre
        return facts

    def _empty(self) -> str:
        return "no row of the slice has a prediction" if self._part.rows else "the slice has no row"


def _inner(plugin: Any) -> Any:
    return plugin.inner if isinstance(plugin, OneVsRest) else plugin
