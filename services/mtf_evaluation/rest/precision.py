"""Average precision of a slice and of the rest, counted along one order of all rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.rest.areas import levels_of
from mtf_evaluation.rest.side import UNDEFINED, Directly, Floats, Rows, Side, dot


class ByPrecision(Directly):
    """Average precision.

    A level is one score of positives, with the negatives of that score and those between it and the next higher positive: they count
    as found at the same places, so that they share one influence value.
    """

    student = False

    def __init__(self, plugin: Any, sample: Sample) -> None:
        super().__init__(plugin, sample)
        part = binary(sample, plugin.code) if isinstance(plugin, OneVsRest) else sample
        positive = part.target == 1
        scores = levels_of(facts_of(part).ranking(1), self.facts.n)
        held = np.zeros(int(scores.max()) + 1, dtype=np.int64)
        held[scores[positive]] = 1
        # Negatives below every positive are level 0; the highest score comes first in the key, as sums run downwards.
        level = np.cumsum(held)[scores]
        self._size = int(level.max()) + 1
        self._key = ((self._size - 1 - level) + self._size * positive).astype(np.intp)
        self._all = self._tally(None)

    def _tally(self, rows: Rows | None) -> Floats:
        """(1 or 3, 2, levels) rows, then weight and squared weight, of the negatives and of the positives at each level."""
        key = self._key if rows is None else self._key[rows]
        size = 2 * self._size
        count = np.bincount(key, minlength=size).astype(np.float64)
        weight = self.of(rows)
        if weight is None:
            return count.reshape(1, 2, self._size)
        weighed = [np.bincount(key, weights=w, minlength=size) for w in (weight, weight * weight)]
        return np.stack([count, *weighed]).reshape(3, 2, self._size)

    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """Both sides from the rows of their levels."""
        own = self._tally(rows)
        shown = np.flatnonzero(own[0, 0] + own[0, 1])
        rest = self._all - own
        if len(rest) > 1:
            rest *= rest[:1] > 0
        return self._counted(own[:, :, shown]), self._counted(rest)

    def _counted(self, tally: Floats) -> Side:
        n = float(tally[0].sum())
        negatives, positives = tally[min(1, len(tally) - 1)]
        all_p, total = float(positives.sum()), float(positives.sum() + negatives.sum())
        if not (all_p > 0 and total > all_p):
            return UNDEFINED
        found = np.cumsum(positives)
        among = np.cumsum(negatives)
        among += found
        # Levels that this side lacks at the top have no precision and no positive to use it.
        precise = np.divide(found, among, out=found, where=among > 0)
        value = dot(positives, precise) / all_p
        # What a row takes from the precision of every positive at or below it.
        share = np.divide(positives, among, out=np.zeros_like(among), where=among > 0)
        gain = np.cumsum(share[::-1])[::-1]
        share *= precise
        loss = np.cumsum(share[::-1])[::-1]
        of_positive = (precise + gain - value - loss) / all_p
        of_negative = loss / all_p
        squared = tally[-1]
        squares = dot(squared[1], of_positive, of_positive) + dot(squared[0], of_negative, of_negative)
        error = math.sqrt(n / (n - 1) * squares) if n > 1 else math.nan
        return Side(value, 0.0 if error <= 1e-9 / math.sqrt(n) else error, total**2 / float(squared.sum()))
