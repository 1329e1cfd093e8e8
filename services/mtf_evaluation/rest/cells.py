"""Metrics of hard labels: the rest's confusion matrix is that of all rows less that of the slice."""

from __future__ import annotations

import math
from dataclasses import replace
from threading import local
from typing import Any

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import with_facts
from mtf_evaluation.metrics.one_vs_rest import OneVsRest
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.rest.layers import Layers
from mtf_evaluation.rest.side import UNDEFINED, Floats, Rows, Side, Way

LARGEST = 1_000_000
"""Cells of the largest confusion matrix that is counted slice by slice."""


class Last(local):
    """The slice that this thread counted last, shared by all metrics of a sample."""


class Tallies:
    """What metrics of the same cells share."""

    def __init__(self) -> None:
        self.last = Last()
        self.known: dict[int, Floats] | None = None
        """(3, cells) of the slices that were counted together, by the id of their rows; None before that."""


class ByCells(Way):
    """A metric whose value and influence values follow from the cells of the confusion matrix.

    A sample of one row a cell, which weighs what the cell weighs, has the same value and, row for row, the influence values of the cells.
    """

    def __init__(self, plugin: Any, sample: Sample, tallies: Tallies) -> None:
        super().__init__(plugin, sample)
        self._size = self.facts.classes**2
        self._all = self._tally(None)
        self._tallies, self._last = tallies, tallies.last

    def _tally(self, rows: Rows | None) -> Floats:
        """(3, cells) rows, weight and squared weight of each cell."""
        cells = self.facts.cells if rows is None else self.facts.cells[rows]
        count = np.bincount(cells, minlength=self._size).astype(np.float64)
        weight = self.of(rows)
        if weight is None:
            return np.stack([count, count, count])
        weighed = [np.bincount(cells, weights=power, minlength=self._size) for power in (weight, weight * weight)]
        return np.stack([count, *weighed])

    def gather(self, layers: Layers) -> None:
        """The tallies of all slices of a layer in one pass, for all metrics."""
        if self._tallies.known is None:
            found = layers.counts(self.facts.cells, self._size, [] if self.weight is None else [self.weight, self.weight * self.weight])
            self._tallies.known = {key: tally if len(tally) > 1 else np.repeat(tally, 3, axis=0) for key, tally in found.items()}

    def _counted(self, rows: Rows) -> Floats:
        """The tally, which other metrics have asked for already, one slice after the other."""
        known = (self._tallies.known or {}).get(id(rows))
        if known is not None:
            return known
        if getattr(self._last, "rows", None) is not rows:
            self._last.rows, self._last.tally = rows, self._tally(rows)
        found: Floats = self._last.tally
        return found

    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """Both sides from their cells."""
        own = self._counted(rows)
        return self._side(own), self._side(np.where(self._all[0] > own[0], self._all - own, 0.0))

    def _side(self, tally: Floats) -> Side:
        count, weight, squares = tally
        value, cells, psi = self._per_cell(weight)
        if not math.isfinite(value):
            return UNDEFINED
        n = float(count.sum())
        total = float(weight.sum())
        variance = float(squares[cells] @ (psi * psi)) * n / (n - 1) if n > 1 else math.nan
        error = math.sqrt(variance) / total if variance >= 0 else math.nan
        kish = total**2 / float(squares.sum())
        return Side(value, 0.0 if error <= 1e-9 * float(np.abs(psi).max(initial=0.0)) / math.sqrt(n) else error, kish)

    def _per_cell(self, weight: Floats) -> tuple[float, Rows, Floats]:
        """The value, the cells with rows and their influence values."""
        cells = np.flatnonzero(weight)
        k = self.facts.classes
        sample = replace(
            self.sample,
            target=(cells // k).astype(np.int32),
            prediction=(cells % k).astype(np.int32),
            scores=None,
            weight=weight[cells],
            group=None,
            extra={},
        )
        value, psi = self.plugin.influence(with_facts(sample, self.facts.seed))
        return float(value), cells, np.asarray(psi, dtype=np.float64)

    def influence(self, rows: Rows) -> tuple[float, Floats]:
        """Each row has the influence value of its cell."""
        value, cells, psi = self._per_cell(self._tally(rows)[1])
        spread = np.zeros(self._size)
        spread[cells] = psi
        return value, spread[self.facts.cells[rows]]

    @property
    def share(self) -> bool:
        """Whether the metric is a share of rows, so that the score method serves."""
        return isinstance(self._inner, Proportion)

    @property
    def _inner(self) -> Any:
        return self.plugin.inner if isinstance(self.plugin, OneVsRest) else self.plugin

    def counts(self, rows: Rows) -> tuple[float, float, float, float]:
        """Hits and counted rows of the slice, and of the rest; effective numbers with weights."""
        own = self._counted(rows)
        return (*self._hits(own), *self._hits(np.where(self._all[0] > own[0], self._all - own, 0.0)))

    def _hits(self, tally: Floats) -> tuple[float, float]:
        _, weight, squares = (self._matrix(one) for one in tally)
        base, hit = self._inner.base(len(weight)), self._inner.hit(len(weight))
        total, squared = float(weight[base].sum()), float(squares[base].sum())
        counted = total**2 / squared if squared > 0 else 0.0
        return (float(weight[hit].sum()) / total * counted if counted else 0.0), counted

    def _matrix(self, cells: Floats) -> Floats:
        """The confusion matrix; of one class against the rest for a metric of one class."""
        k = self.facts.classes
        matrix = cells.reshape(k, k)
        if not isinstance(self.plugin, OneVsRest):
            return matrix
        code = self.plugin.code
        right, truth, predicted = matrix[code, code], matrix[code].sum(), matrix[:, code].sum()
        return np.array([[matrix.sum() - truth - predicted + right, predicted - right], [truth - right, right]])
