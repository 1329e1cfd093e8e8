"""All rows from the highest score to the lowest, in which the rows of every slice find their places."""

from __future__ import annotations

from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.ranking import Ranking
from mtf_evaluation.rest.side import Rows

Places = NDArray[np.signedinteger[Any]]


class Order:
    """Rows of two classes in falling order of the positive class's score, shared by all metrics of ranks.

    Args:
        part: The n rows, with the positive class as 1.
    """

    def __init__(self, part: Sample) -> None:
        ranking = facts_of(part).ranking(1)
        n = part.target.size
        self.levels = levels_of(ranking, n)
        """(n,) number of each row's score among the distinct scores, rising, in the caller's order."""
        self.mixed = ranking.ends is not None and _mixed(ranking)
        """Whether a positive has the score of a negative."""
        self.kind: type[np.signedinteger[Any]] = np.int32 if n < np.iinfo(np.int32).max else np.int64
        """What counts rows."""
        self._place: Places = np.arange(n - 1, -1, -1, dtype=self.kind)
        if ranking.order is not None:
            self._place = np.empty(n, dtype=self.kind)
            self._place[ranking.order] = np.arange(n - 1, -1, -1, dtype=self.kind)
        self.rows = np.arange(n - 1, -1, -1) if ranking.order is None else ranking.order[::-1]
        """(n,) the rows, highest score first."""
        self.positive = np.ascontiguousarray(ranking.positive[::-1])
        """(n,) whether each of them is positive."""
        self._last = local()

    def places(self, rows: Rows) -> Places:
        """Rising places of some rows in this order. The last answer is kept, as several metrics ask in turn."""
        if getattr(self._last, "rows", None) is not rows:
            self._last.rows, self._last.places = rows, np.sort(self._place.take(rows))
        found: Places = self._last.places
        return found


def _mixed(ranking: Ranking) -> bool:
    same, different = ranking.score[1:] == ranking.score[:-1], ranking.positive[1:] != ranking.positive[:-1]
    return bool((same & different).any())


class Orders:
    """The orders of a report, by sample."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Sample, Order]] = {}

    def of(self, part: Sample) -> Order:
        """The order of this very sample."""
        if id(part) not in self._found:
            self._found[id(part)] = (part, Order(part))
        return self._found[id(part)][1]


def levels_of(ranking: Ranking, n: int) -> Rows:
    """(n,) number of each row's score among the distinct scores, rising."""
    level = np.arange(n) if ranking.ends is None else np.repeat(np.arange(ranking.ends.size), np.diff(ranking.ends, prepend=-1))
    if ranking.order is None:
        return level
    found = np.empty(n, dtype=np.int64)
    found[ranking.order] = level
    return found
