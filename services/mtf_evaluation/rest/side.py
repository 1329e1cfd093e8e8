"""What is known of a metric on one side, a slice or the rest, and how the ways of computing it look from outside."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.measure import prepared, subset
from mtf_evaluation.metrics.adapter import influence_of
from mtf_evaluation.metrics.base import Metric
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.influence import NOISE

if TYPE_CHECKING:
    from mtf_evaluation.rest.layers import Layers

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """A metric on one side."""

    value: float
    """NaN where it is undefined."""
    error: float
    """Standard error for independent rows; 0 where all rows contribute the same."""
    units: float
    """Rows, or Kish's number with weights."""


UNDEFINED = Side(math.nan, math.nan, 0.0)


class Way(ABC):
    """One metric on any slice of a sample and on the rest of it.

    Args:
        plugin: The metric.
        sample: All n rows, prepared.
    """

    student = True
    """Whether a difference is compared by Student's t, as means are, or by the normal quantile, as ranks are."""

    def __init__(self, plugin: Any, sample: Sample) -> None:
        self.plugin, self.sample = plugin, sample
        self.facts = facts_of(sample)
        self.weight = sample.weight

    def gather(self, layers: Layers) -> None:  # noqa: B027 - most ways need nothing
        """Take what disjoint slices can share, before they are asked for one by one."""

    @abstractmethod
    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """The slice of these rows, and the rest. The rows are rising; neither side is empty."""

    @abstractmethod
    def influence(self, rows: Rows) -> tuple[float, Floats]:
        """The value and the influence values of these rows alone, for rows that depend on each other."""

    def of(self, rows: Rows | None) -> Floats | None:
        """The weights of some rows (all for None); None without weights."""
        return self.weight if self.weight is None or rows is None else self.weight[rows]


def side_of(value: float, influence: Floats, weight: Floats | None) -> Side:
    """A side from its influence values."""
    if not math.isfinite(value):
        return UNDEFINED
    design = Design(influence.size, weight)
    error = design.standard_error(influence)
    silent = error <= NOISE * max(abs(value), float(np.abs(influence).max(initial=0.0)))
    return Side(value, 0.0 if silent else error, design.kish)


def dot(*factors: Floats) -> float:
    """Sum of the products of some (n,) arrays.

    numpy's own loop: the threads of a linear algebra library would wait for each other wherever slices share the processors.
    """
    return float(np.einsum(",".join("i" * len(factors)) + "->", *factors))


def complement(rows: Rows, n: int) -> Rows:
    """The other rows, rising."""
    outside = np.ones(n, dtype=np.bool_)
    outside[rows] = False
    return np.flatnonzero(outside)


class Directly(Way):
    """Any metric with influence values: they are asked for on each side anew."""

    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """Both sides as samples of their own."""
        rest = complement(rows, self.facts.n)
        return self._side(rows), self._side(rest)

    def _side(self, rows: Rows) -> Side:
        value, influence = self.influence(rows)
        return side_of(value, influence, self.of(rows))

    def influence(self, rows: Rows) -> tuple[float, Floats]:
        """What the metric itself says of these rows."""
        part = prepared(subset(self.sample, rows), self.facts.seed)
        if isinstance(self.plugin, Metric | OneVsRest):
            value, influence = self.plugin.influence(part)  # type: ignore[union-attr]  # only metrics with influence values come here
            return float(value), np.asarray(influence, dtype=np.float64)
        return influence_of(self.plugin, part)
