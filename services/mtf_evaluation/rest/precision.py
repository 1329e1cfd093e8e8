"""Average precision of a slice and of the rest, counted along one order of all rows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.rest.order import Orders
from mtf_evaluation.rest.side import UNDEFINED, Directly, Floats, Rows, Side, dot


class Run(NamedTuple):
    """Rows along the levels: at each level and up to its end. Rows, or their weights."""

    positives: Floats
    negatives: Floats
    found: Floats
    """Positives up to the end of the level."""
    among: Floats
    """Rows up to there."""


class ByPrecision(Directly):
    """Average precision.

    A level is one score of positives, with the negatives of that score and those between it and the next higher positive: they count
    as found at the same places, so that they share one influence value. Negatives below every positive are the last level. What
    stands above a level in the rest is what stands there in all less what the slice has there, which only changes at its own levels.
    """

    student = False

    def __init__(self, plugin: Any, sample: Sample, orders: Orders) -> None:
        super().__init__(plugin, sample)
        self._order = order = orders.of(binary(sample, plugin.code) if isinstance(plugin, OneVsRest) else sample)
        scores = order.levels[order.rows]
        held = np.zeros(int(scores.max()) + 1, dtype=np.int64)
        held[scores[order.positive]] = 1
        level = np.cumsum(held)[scores]
        self._size = int(level.max()) + 1
        self._level = (self._size - 1 - level).astype(order.kind)
        """(n,) level of each row in falling order of the scores."""
        self._weights = None if self.weight is None else self.weight[order.rows]
        everything = np.arange(self.facts.n)
        levels, runs = self._own(everything)
        self._read = (True, True, False)[: len(runs)]
        """Which runs are read along the levels: squared weights are only summed."""
        self._all = [_spread(run, levels, self._size) for run in runs]

    def _own(self, places: NDArray[Any]) -> tuple[NDArray[Any], list[Run]]:
        """Levels of some places in the order; their rows there, then with weights their weight and squared weight."""
        level, positive = self._level.take(places), self._order.positive.take(places)
        last = np.empty(level.size, dtype=np.bool_)
        np.not_equal(level[1:], level[:-1], out=last[:-1])
        last[-1:] = True
        ends = np.flatnonzero(last)
        runs = [_run(np.cumsum(positive, dtype=np.int32)[ends].astype(np.float64), (ends + 1).astype(np.float64))]
        if self._weights is not None:
            weight = self._weights.take(places)
            starts = np.concatenate(([0], ends[:-1] + 1))
            for one in (weight, weight * weight):
                own = np.add.reduceat(one * positive, starts)
                other = np.add.reduceat(one * ~positive, starts)
                found = np.cumsum(own)
                runs.append(Run(own, other, found, np.cumsum(other) + found))
        return level[ends], runs

    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """Both sides from the rows of their levels."""
        levels, runs = self._own(self._order.places(rows))
        starts = np.concatenate(([0], levels, [self._size]))
        stay = np.diff(starts)
        rest = [_less(run, own, levels, stay if read else None) for run, own, read in zip(self._all, runs, self._read, strict=True)]
        for side in ("positives", "negatives") if len(rest) > 1 else ():  # where no row is left, rounding leaves no weight either
            gone = levels[getattr(rest[0], side)[levels] <= 0]
            for run in rest[1:]:
                getattr(run, side)[gone] = 0.0
        return self._counted(runs), self._counted(rest)

    def _counted(self, runs: list[Run]) -> Side:
        """Rows, and with weights their weight and squared weight. The runs of a rest are used up."""
        rows, weighed, squared = runs[0], runs[min(1, len(runs) - 1)], runs[-1]
        n = float(rows.among[-1])
        positives, _, found, among = weighed
        all_p, total = float(positives.sum()), float(among[-1])
        if not (rows.found[-1] > 0 and n > rows.found[-1]):
            return UNDEFINED
        # Levels that this side lacks at the top have no precision and no positive to use it.
        none = int(np.searchsorted(rows.among, 0.0, side="right"))
        among[:none], found[:none] = 1.0, 0.0
        precise = found / among
        value = dot(positives, precise) / all_p
        # What a row takes from the precision of every positive at or below it.
        share = np.divide(positives, among, out=among)
        gain = np.cumsum(share[::-1])[::-1]
        share *= precise
        loss = np.cumsum(share[::-1])[::-1]
        gain += precise
        gain -= loss
        gain -= value
        squares = dot(squared.positives, gain, gain) + dot(squared.negatives, loss, loss)
        error = math.sqrt(n / (n - 1) * squares) / all_p if n > 1 else math.nan
        kish = total**2 / float(squared.positives.sum() + squared.negatives.sum())
        return Side(value, 0.0 if error <= 1e-9 / math.sqrt(n) else error, kish)


def _run(found: Floats, among: Floats) -> Run:
    positives = np.diff(found, prepend=0.0)
    return Run(positives, np.diff(among, prepend=0.0) - positives, found, among)


def _spread(run: Run, levels: NDArray[Any], size: int) -> Run:
    """All rows, with the levels that have none."""
    positives, negatives = np.zeros(size), np.zeros(size)
    positives[levels], negatives[levels] = run.positives, run.negatives
    found = np.cumsum(positives)
    return Run(positives, negatives, found, np.cumsum(negatives) + found)


def _less(whole: Run, own: Run, levels: NDArray[Any], stay: NDArray[Any] | None) -> Run:
    """What is left of all rows without those of a slice, whose counts stay the same from one of its levels to the next.

    Without `stay`, for how many levels they do, only what lies at each level is told.
    """
    positives, negatives = whole.positives.copy(), whole.negatives.copy()
    positives[levels] -= own.positives
    negatives[levels] -= own.negatives
    if stay is None:
        return Run(positives, negatives, own.found, own.among)
    found, among = (np.repeat(np.concatenate(([0.0], one)), stay) for one in (own.found, own.among))
    return Run(positives, negatives, np.subtract(whole.found, found, out=found), np.subtract(whole.among, among, out=among))
