"""What is flagged at which score: the numbers below every curve over a threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mtf_evaluation.metrics.facts import Facts
from mtf_evaluation.metrics.ranking import Ranking
from mtf_evaluation.plots.effective import clustered

Floats = NDArray[np.float64]
DEPTHS = (0.1, 0.5)
"""Shares of the rows at which the dependence within groups is looked at; the worst of them counts."""


@dataclass(frozen=True)
class Effective:
    """How many independent rows the rates stand on. Without weights and groups: the rows themselves."""

    positives: float
    negatives: float
    flagged: Floats
    """(p,) flagged rows at each cut-off."""


class Cutoffs:
    """Rows of one class against all others, flagged from a score on.

    Args:
        facts: The rows with scores.
        code: The class.
    """

    def __init__(self, facts: Facts, code: int) -> None:
        self.facts, self.code = facts, code
        self.ranking: Ranking = facts.ranking(code)
        self.positives, self.negatives = self.ranking.totals
        upto_p, _ = self.ranking.upto
        self.size = int(upto_p.size)
        """Distinct scores."""

    @classmethod
    def of(cls, facts: Facts, code: int) -> Cutoffs:
        """The cut-offs of a class, made once for all plots."""
        if code not in facts.cutoffs:
            facts.cutoffs[code] = cls(facts, code)
        return cast("Cutoffs", facts.cutoffs[code])

    @property
    def both(self) -> bool:
        """Whether the class and its rest have rows."""
        return self.positives > 0 and self.negatives > 0

    def at(self, index: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Weight of the positives and the negatives flagged when the cut-off is the `index`-th distinct score from below; at `size` none is."""
        below_p, below_n = self._below(index)
        return np.maximum(self.positives - below_p, 0.0), np.maximum(self.negatives - below_n, 0.0)

    def scores(self, index: NDArray[np.intp]) -> list[float | None]:
        """The cut-offs themselves; None where nothing is flagged."""
        rows = index if self.ranking.ends is None else np.append(self.ranking.ends, -1)[index]
        return [float(self.ranking.score[row]) if at < self.size else None for at, row in zip(index.tolist(), rows.tolist(), strict=True)]

    def from_score(self, thresholds: Floats) -> NDArray[np.intp]:
        """Index of the smallest distinct score that is not below each threshold."""
        rows = np.searchsorted(self.ranking.score, thresholds, side="left")
        return rows if self.ranking.ends is None else np.searchsorted(self.ranking.ends, rows, side="left")

    def where(self, falling: Callable[[Floats, Floats], Floats], targets: Floats) -> NDArray[np.intp]:
        """For each target the smallest index at which a function of what is flagged, which falls with the cut-off, is at most the target."""
        low, high = np.zeros(targets.size, dtype=np.intp), np.full(targets.size, self.size, dtype=np.intp)
        while (low < high).any():
            middle = (low + high) // 2
            reached = falling(*self.at(middle)) <= targets
            high = np.where(reached, middle, high)
            low = np.where(reached, low, np.minimum(middle + 1, high))
        return high

    def effective(self, index: NDArray[np.intp]) -> Effective:
        """How many independent rows stand behind the rates at these cut-offs, after weights (Kish) and groups (design effect)."""
        flagged_p, flagged_n = self.at(index)
        sample = self.facts.sample
        if sample.weight is None:
            found = Effective(self.positives, self.negatives, flagged_p + flagged_n)
        else:
            squares, of_positives = self._squares
            from_row = squares[-1] - squares[self._rows_below(index)]
            flagged = np.divide((flagged_p + flagged_n) ** 2, from_row, out=np.zeros(index.size), where=from_row > 0)
            of_negatives = float(squares[-1]) - of_positives
            found = Effective(_kish(self.positives, of_positives), _kish(self.negatives, of_negatives), flagged)
        if self.facts.design.group is None:
            return found
        of_positive, of_negative, of_flagged = self._shares
        return Effective(found.positives * of_positive, found.negatives * of_negative, found.flagged * of_flagged)

    @cached_property
    def _squares(self) -> tuple[Floats, float]:
        """Squared weights added up from the lowest score, (n + 1,), and those of the positives together."""
        weight: Floats = np.asarray(self.ranking.weight)
        squares = weight * weight
        return np.concatenate(([0.0], np.cumsum(squares))), float(squares @ self.ranking.positive)

    @cached_property
    def _shares(self) -> tuple[float, float, float]:
        """By how much groups shrink the number of positives, of negatives and of flagged rows."""
        sample, group = self.facts.sample, cast("NDArray[np.intp]", self.facts.design.group)
        score, positive = self.facts.scores[:, self.code], sample.target == self.code
        cuts = [float(self.ranking.score[int((1 - depth) * (self.facts.n - 1))]) for depth in DEPTHS]

        def worst(value: Callable[[float], NDArray[Any]], mask: Callable[[float], NDArray[np.bool_]]) -> float:
            return min(clustered(value(cut).astype(np.float64), sample.weight, group, mask(cut)) for cut in cuts)

        return (
            worst(lambda cut: score >= cut, lambda _: positive),
            worst(lambda cut: score >= cut, lambda _: ~positive),
            worst(lambda _: positive, lambda cut: score >= cut),
        )

    def _below(self, index: NDArray[np.intp]) -> tuple[Floats, Floats]:
        upto_p, upto_n = self.ranking.upto
        before = np.maximum(index - 1, 0)
        return np.where(index > 0, upto_p[before], 0.0), np.where(index > 0, upto_n[before], 0.0)

    def _rows_below(self, index: NDArray[np.intp]) -> NDArray[np.intp]:
        ends = self.ranking.ends
        return index if ends is None else np.concatenate(([0], ends + 1))[index]


def _kish(total: float, squares: float) -> float:
    return total * total / squares if squares > 0 else 0.0
