"""One sort of the scores, from which the areas and the calibration bins are read."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Ranking:
    """Rows in ascending order of a score, with tied scores as one group.

    Args:
        score: (n,) finite scores.
        positive: (n,) whether a row is positive.
        weight: (n,) sampling weights above 0, or None for equal ones.
    """

    def __init__(self, score: Floats, positive: NDArray[np.bool_], weight: Floats | None) -> None:
        self.order = np.argsort(score)
        self.score = score[self.order]
        self.positive = positive[self.order]
        self.weight = None if weight is None else weight[self.order]
        # The last row of each tie group.
        self.ends = np.append(np.flatnonzero(self.score[1:] != self.score[:-1]), score.size - 1)

    @cached_property
    def cumulative(self) -> tuple[Floats, Floats]:
        """Weight of the positives and of the negatives up to the end of each tie group, both (g,)."""
        if self.weight is None:
            positives = np.cumsum(self.positive)[self.ends].astype(np.float64)
            return positives, (self.ends + 1) - positives
        of_positives = np.where(self.positive, self.weight, 0.0)
        return np.cumsum(of_positives)[self.ends], np.cumsum(self.weight - of_positives)[self.ends]

    @cached_property
    def totals(self) -> tuple[float, float]:
        """Weight of all positives and of all negatives."""
        positives, negatives = self.cumulative
        return float(positives[-1]), float(negatives[-1])

    @cached_property
    def areas(self) -> tuple[float, Floats, Floats]:
        """Area under the ROC curve with half credit for ties, and its placement values per tie group.

        The first array says which share of the negatives lies below a positive of the group, the second which share of the
        positives lies above a negative of it; ties count half (midranks).
        """
        positives, negatives = self.cumulative
        all_positives, all_negatives = self.totals
        before_p, before_n = _before(positives), _before(negatives)
        below = (before_n + negatives) / (2 * all_negatives)
        above = 1 - (before_p + positives) / (2 * all_positives)
        return float((positives - before_p) @ below) / all_positives, below, above

    def area_influence(self) -> tuple[float, Floats]:
        """The area and its (n,) influence values in the caller's order."""
        area, below, above = self.areas
        all_positives, all_negatives = self.totals
        total = all_positives + all_negatives
        of_positive = (below - area) * (total / all_positives)
        of_negative = (above - area) * (total / all_negatives)
        return area, self._spread(of_positive, of_negative)

    def precision_influence(self) -> tuple[float, Floats]:
        """Average precision (the step form) and its (n,) influence values in the caller's order.

        AP is the mean precision at the scores of the positives. A row moves it by its own precision, if it is positive, and by
        changing the precision at every positive that does not score higher than it does.
        """
        positives, negatives = self.cumulative
        all_positives, all_negatives = self.totals
        total = all_positives + all_negatives
        before = _before(positives)
        own = positives - before
        at_least = total - before - _before(negatives)
        precision = (all_positives - before) / at_least
        average = float(own @ precision) / all_positives
        ratio = own / at_least
        gain, loss = np.cumsum(ratio), np.cumsum(ratio * precision)
        share = all_positives / total
        return average, self._spread((precision - average + gain - loss) / share, -loss / share)

    def _spread(self, of_positive: Floats, of_negative: Floats) -> Floats:
        """Values per tie group, given for the positives and the negatives in it, to rows in the caller's order."""
        if self.ends.size < self.order.size:
            sizes = np.diff(self.ends, prepend=-1)
            of_positive, of_negative = np.repeat(of_positive, sizes), np.repeat(of_negative, sizes)
        result = np.empty(self.order.size)
        result[self.order] = np.where(self.positive, of_positive, of_negative)
        return result


def _before(cumulative: Floats) -> Floats:
    """What had gathered before each group."""
    return np.concatenate(([0.0], cumulative[:-1]))
