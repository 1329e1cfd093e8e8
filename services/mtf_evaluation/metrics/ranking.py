"""One sort of the scores, from which the areas and the calibration bins are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mtf_evaluation.statistics.sums import dot

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """A metric of ranks and its influence values, which are equal within a tie group and a class."""

    value: float
    of_positive: Floats
    """(g,) influence of a positive row of each tie group."""
    of_negative: Floats
    """(g,) influence of a negative row of each tie group."""


class Ranking:
    """Rows in ascending order of a score, with tied scores as one group.

    Args:
        score: (n,) finite scores.
        positive: (n,) whether a row is positive.
        weight: (n,) sampling weights above 0, or None for equal ones.
    """

    def __init__(self, score: Floats, positive: NDArray[np.bool_], weight: Floats | None) -> None:
        self.order: NDArray[np.intp] | None = None
        """The rows in rising order of their score; None where they came like that, as those of a slice do."""
        if not (score[:-1] <= score[1:]).all():
            self.order = order = np.argsort(score)
            score, positive = score[order], positive[order]
            weight = None if weight is None else weight[order]
        self.score, self.positive, self.weight = score, positive, weight
        last = np.empty(score.size, dtype=np.bool_)
        np.not_equal(self.score[1:], self.score[:-1], out=last[:-1])
        last[-1:] = True
        self.ends: NDArray[np.intp] | None = None if last.all() else np.flatnonzero(last)
        """Last row of each tie group; None where no two scores are equal, so that rows are groups."""

    @cached_property
    def own(self) -> tuple[Floats, Floats]:
        """Weight of the positives and of the negatives in each tie group, both (g,)."""
        ones = np.ones(self.score.size) if self.weight is None else self.weight
        positives = ones * self.positive
        negatives = ones - positives
        if self.ends is None:
            return positives, negatives
        starts = np.concatenate(([0], self.ends[:-1] + 1))
        return np.add.reduceat(positives, starts), np.add.reduceat(negatives, starts)

    @cached_property
    def upto(self) -> tuple[Floats, Floats]:
        """Weight of the positives and of the negatives up to the end of each tie group, both (g,)."""
        positives, negatives = self.own
        upto = np.cumsum(positives)
        if self.weight is not None:
            return upto, np.cumsum(negatives)
        rows = np.arange(1.0, self.score.size + 1) if self.ends is None else self.ends + 1.0
        rows -= upto
        return upto, rows

    @cached_property
    def totals(self) -> tuple[float, float]:
        """Weight of all positives and of all negatives."""
        positives, negatives = self.upto
        return float(positives[-1]), float(negatives[-1])

    @cached_property
    def area(self) -> Ranked:
        """Area under the ROC curve with half credit for ties (midranks).

        A positive contributes the share of the negatives below it, a negative the share of the positives above it: the placement
        values of DeLong, DeLong and Clarke-Pearson (1988).
        """
        (own_p, own_n), (upto_p, upto_n), (all_p, all_n) = self.own, self.upto, self.totals
        total = all_p + all_n
        below = own_n * -0.5
        below += upto_n
        area = dot(own_p, below) / (all_p * all_n)
        below *= total / (all_p * all_n)
        below -= area * total / all_p
        above = own_p * 0.5
        above -= upto_p
        above *= total / (all_p * all_n)
        above += (1 - area) * total / all_n
        return Ranked(area, below, above)

    @cached_property
    def precision(self) -> Ranked:
        """Average precision: the mean over the positives of the precision at their score (the step form).

        A row moves it by its own precision, if it is positive, and by changing the precision at every positive that does not
        score higher than it does.
        """
        (own_p, own_n), (upto_p, upto_n), (all_p, all_n) = self.own, self.upto, self.totals
        total = all_p + all_n
        right = all_p - upto_p
        right += own_p
        at_least = all_n - upto_n
        at_least += own_n
        at_least += right
        right /= at_least
        average = dot(own_p, right) / all_p
        at_least = np.divide(own_p, at_least, out=at_least)
        gain = np.cumsum(at_least)
        at_least *= right
        loss = np.cumsum(at_least)
        loss *= -total / all_p
        gain += right
        gain -= average
        gain *= total / all_p
        gain += loss
        return Ranked(average, gain, loss)

    def spread(self, found: Ranked) -> Floats:
        """(n,) influence values in the caller's order."""
        of_positive, of_negative = found.of_positive, found.of_negative
        if self.ends is not None:
            sizes = np.diff(self.ends, prepend=-1)
            of_positive, of_negative = np.repeat(of_positive, sizes), np.repeat(of_negative, sizes)
        ordered = np.where(self.positive, of_positive, of_negative)
        if self.order is None:
            return ordered
        result = np.empty(ordered.size)
        result[self.order] = ordered
        return result

    def error(self, found: Ranked, *, by_class: bool) -> float:
        """Standard error for independent rows of equal weight, without going back to the caller's order.

        `by_class` divides by the rows of each class less one (DeLong), else by all rows less one.
        """
        own_p, own_n = self.own
        m, n = self.totals
        positives = float(np.einsum("i,i,i->", own_p, found.of_positive, found.of_positive))
        negatives = float(np.einsum("i,i,i->", own_n, found.of_negative, found.of_negative))
        if not by_class:
            rows = m + n
            return math.sqrt((positives + negatives) * rows / (rows - 1)) / rows if rows > 1 else math.nan
        if min(m, n) < 2:  # noqa: PLR2004 - a variance needs two
            return math.nan
        return math.sqrt(positives * m / (m - 1) + negatives * n / (n - 1)) / (m + n)
