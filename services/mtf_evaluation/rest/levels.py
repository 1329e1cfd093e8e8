"""Metrics of ranks: all rows are sorted once, and each side is counted along that order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.areas import AveragePrecision, Gini, RocAuc
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.metrics.ranking import Ranked, Ranking
from mtf_evaluation.rest.side import UNDEFINED, Floats, Rows, Side, Way

RANKED = (RocAuc, AveragePrecision)


class Counted(Ranking):
    """A ranking of which only the weights of the levels are known."""

    def __init__(self, positives: Floats, negatives: Floats, weight: Floats | None) -> None:
        self.weight = weight
        self.__dict__["own"] = (positives, negatives)
        self.__dict__["upto"] = (np.cumsum(positives), np.cumsum(negatives))


class ByLevels(Way):
    """An area under a curve.

    Rows of one score are a level. So are the negatives between two positives: no score among them is told from another by any
    positive, so that they share one influence value.
    """

    student = False

    def __init__(self, plugin: Any, sample: Sample) -> None:
        super().__init__(plugin, sample)
        self._inner = plugin.inner if isinstance(plugin, OneVsRest) else plugin
        part = binary(sample, plugin.code) if isinstance(plugin, OneVsRest) else sample
        self._positive = part.target == 1
        self._level = _levels(facts_of(part).ranking(1), self.facts.n)
        self._key = self._level * 2 + self._positive
        self._count = int(self._level.max()) + 1
        self._all = self._tally(None)

    def _tally(self, rows: Rows | None) -> Floats:
        """(1 or 3, levels, 2) rows, then weight and squared weight, of the negatives and the positives of each level."""
        key = self._key if rows is None else self._key[rows]
        size = 2 * self._count
        count = np.bincount(key, minlength=size).astype(np.float64)
        weight = self.of(rows)
        found = [count] if weight is None else [count, *(np.bincount(key, weights=w, minlength=size) for w in (weight, weight * weight))]
        return np.stack(found).reshape(len(found), self._count, 2)

    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """Both sides from the rows of their levels."""
        own = self._tally(rows)
        return self._side(own), self._side(np.where(self._all[:1] > own[:1], self._all - own, 0.0))

    def _side(self, tally: Floats) -> Side:
        shown = np.flatnonzero(tally[0, :, 0] + tally[0, :, 1])
        tally = tally[:, shown]
        found = self._found(tally)
        if found is None:
            return UNDEFINED
        ranking, ranked = found
        n = float(tally[0].sum())
        if len(tally) == 1:
            error = ranking.error(ranked, by_class=isinstance(self._inner, RocAuc))
            return self._scaled(ranked.value, error, n)
        negatives, positives = tally[2].T
        squares = float(positives @ ranked.of_positive**2) + float(negatives @ ranked.of_negative**2)
        total = float(tally[1].sum())
        error = math.sqrt(n / (n - 1) * squares) / total if n > 1 else math.nan
        return self._scaled(ranked.value, error, total**2 / float(tally[2].sum()))

    def _found(self, tally: Floats) -> tuple[Ranking, Ranked] | None:
        """The metric of some levels; None where a class has no row."""
        weighed = tally[0] if len(tally) == 1 else tally[1]
        negatives, positives = (np.ascontiguousarray(column) for column in weighed.T)
        if not (negatives.any() and positives.any()):
            return None
        ranking = Counted(positives, negatives, None if len(tally) == 1 else positives)
        return ranking, ranking.precision if isinstance(self._inner, AveragePrecision) else ranking.area

    def _scaled(self, value: float, error: float, units: float) -> Side:
        """Gini's coefficient is the area on another scale."""
        gini = isinstance(self._inner, Gini)
        return Side(2 * value - 1 if gini else value, 2 * error if gini else error, units)

    def influence(self, rows: Rows) -> tuple[float, Floats]:
        """Each row has the influence value of its class and level."""
        tally = self._tally(rows)
        shown = np.flatnonzero(tally[0, :, 0] + tally[0, :, 1])
        found = self._found(tally[:, shown])
        if found is None:
            return math.nan, np.zeros(len(rows))
        place = np.searchsorted(shown, self._level[rows])
        ranked = found[1]
        psi = np.where(self._positive[rows], ranked.of_positive[place], ranked.of_negative[place])
        side = self._scaled(ranked.value, 1.0, 0.0)
        return side.value, psi * side.error


def _levels(ranking: Ranking, n: int) -> Rows:
    """(n,) level of each row, rising with its score."""
    positives, _ = ranking.own
    plain = positives == 0
    starts = np.ones(plain.size, dtype=np.bool_)
    starts[1:] = ~(plain[1:] & plain[:-1])
    level = np.cumsum(starts) - 1
    if ranking.ends is not None:
        level = np.repeat(level, np.diff(ranking.ends, prepend=-1))
    if ranking.order is None:
        return level
    found = np.empty(n, dtype=np.int64)
    found[ranking.order] = level
    return found
