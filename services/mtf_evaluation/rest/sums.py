"""Functions of means of per-row terms: the rest's sums are those of all rows less those of the slice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.metrics.rows import SmoothMetric
from mtf_evaluation.rest.layers import Layers
from mtf_evaluation.rest.side import UNDEFINED, Floats, Rows, Side, Way, complement, dot
from mtf_evaluation.statistics.influence import NOISE, gradient


class BySums(Way):
    """A metric of means; the terms of all rows are computed once."""

    def __init__(self, plugin: Any, sample: Sample) -> None:
        super().__init__(plugin, sample)
        inner = plugin.inner if isinstance(plugin, OneVsRest) else plugin
        self._inner = inner
        terms = np.asarray(inner.terms(binary(sample, plugin.code) if isinstance(plugin, OneVsRest) else sample), dtype=np.float64)
        # Sums of squares lose digits where the mean is large beside the spread, so terms are taken from their mean.
        self._centre = self.facts.design.means(terms)
        self._terms = [np.ascontiguousarray(column) for column in (terms - self._centre).T]
        self._all = self._sums(None)
        self._known: dict[int, tuple[float, Floats, Floats]] = {}

    def _sums(self, rows: Rows | None) -> tuple[float, Floats, Floats]:
        """Rows; weight and weighted terms; squared weight with the terms' products."""
        terms = self._terms if rows is None else [column.take(rows) for column in self._terms]
        n = self.facts.n if rows is None else rows.size
        weight = self.of(rows)
        heavy = terms if weight is None else [weight * column for column in terms]
        t = len(terms)
        first, second = np.empty(t + 1), np.empty((t + 1, t + 1))
        first[0], second[0, 0] = (n, n) if weight is None else (weight.sum(), dot(weight, weight))
        for i, column in enumerate(heavy, start=1):
            first[i] = column.sum()
            second[i, 0] = second[0, i] = first[i] if weight is None else dot(weight, column)
            for j, other in enumerate(heavy[:i], start=1):
                second[i, j] = second[j, i] = dot(column, other)
        return float(n), first, second

    def gather(self, layers: Layers) -> None:
        """The sums of all slices of a layer in one pass."""
        heavy = self._terms if self.weight is None else [self.weight, *(self.weight * column for column in self._terms)]
        t = len(heavy)
        pairs = [(i, j) for i in range(t) for j in range(i + 1)]
        for key, found in layers.sums([*heavy, *(heavy[i] * heavy[j] for i, j in pairs)]).items():
            n = float(layers.sizes[key])
            first, second = found[:t], np.empty((t, t))
            for (i, j), value in zip(pairs, found[t:], strict=True):
                second[i, j] = second[j, i] = value
            if self.weight is None:
                first = np.concatenate(([n], first))
                second = np.block([[first[:1, None], first[None, 1:]], [first[1:, None], second]])
            self._known[key] = (n, first, second)

    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """Both sides from their sums; a rest that is smaller than the slice is summed itself, which keeps its digits."""
        own = self._known.get(id(rows)) or self._sums(rows)
        if 2 * len(rows) > self.facts.n:
            return self._side(own), self._side(self._sums(complement(rows, self.facts.n)))
        rest = (self._all[0] - own[0], self._all[1] - own[1], self._all[2] - own[2])
        return self._side(own), self._side(rest)

    def _side(self, sums: tuple[float, Floats, Floats]) -> Side:
        n, first, second = sums
        total, squares = float(first[0]), float(second[0, 0])
        means = first[1:] / total
        value, slope = self._value(means, second, squares)
        if not math.isfinite(value):
            return UNDEFINED
        # sum of w^2 (slope . (t - mean))^2, with the terms taken from the common centre
        away = np.concatenate([[-float(slope @ means)], slope])
        below = float(np.abs(away) @ np.abs(second) @ np.abs(away))
        spread = float(away @ second @ away)
        if n < 2:  # noqa: PLR2004 - a variance needs two
            return Side(value, math.nan, n)
        error = math.sqrt(n / (n - 1) * spread) / total if spread > NOISE * below else 0.0
        return Side(value, error, total**2 / squares)

    def _value(self, means: Floats, second: Floats, squares: float) -> tuple[float, Floats]:
        """The metric and its gradient at means that are taken from the centre."""
        at = means + self._centre
        spread = np.sqrt(np.maximum(np.diag(second)[1:] / squares - means * means, 0.0))
        value = float(self._inner.value(at))
        if not math.isfinite(value):
            return value, np.zeros_like(at)
        if isinstance(self._inner, SmoothMetric):
            return value, np.asarray(self._inner.slope(at, spread))
        return value, gradient(lambda point: float(self._inner.value(point)), at, spread)

    def influence(self, rows: Rows) -> tuple[float, Floats]:
        """The terms along the gradient, from their mean."""
        _, first, second = self._sums(rows)
        means = first[1:] / float(first[0])
        value, slope = self._value(means, second, float(second[0, 0]))
        terms = np.stack([column[rows] for column in self._terms], axis=1)
        return value, terms @ slope - float(means @ slope)
