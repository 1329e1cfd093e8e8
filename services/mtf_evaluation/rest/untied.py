"""Sums of placement values where no positive has the score of a negative and all rows weigh the same: one look at each row of a slice."""

from __future__ import annotations

import numpy as np

from mtf_evaluation.rest.order import Order
from mtf_evaluation.rest.side import Floats, Rows, dot


class Untied:
    """Sums over the positives and over the negatives of a slice and of the rest.

    In falling order of the scores, a positive wins over the negatives behind it and a negative loses to the positives before it. What
    a row of the rest wins is what it wins among all rows less what it wins against the slice, whose sum and sum of squares over all
    rows follow from where the slice's rows of the other class stand.

    Args:
        order: All rows.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        positive = order.positive
        before = np.cumsum(positive, dtype=np.float64)
        behind = np.cumsum(~positive[::-1], dtype=np.float64)[::-1]
        wins, losses = np.where(positive, behind, 0.0), np.where(positive, 0.0, before)
        self._totals = [_summed(float(positive.sum()), wins), _summed(float((~positive).sum()), losses)]
        # Of a positive: what it wins, and the losses of the negatives behind it; of a negative: the same the other way round.
        placed = np.where(positive, np.cumsum(losses[::-1])[::-1], np.cumsum(wins))
        self._won = (wins + losses).astype(order.kind)
        self._placed = placed

    def sums(self, rows: Rows) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """(6,) sums of the slice and of the rest, of the positives and then of the negatives.

        Rows three times, as they weigh 1; the sum of placements, twice, and of their squares.
        """
        places = self._order.places(rows)
        won, placed, positive = self._won.take(places), self._placed.take(places), self._order.positive.take(places)
        ups, downs = np.flatnonzero(positive), np.flatnonzero(~positive)
        up, down = ((won.take(at).astype(np.float64), placed.take(at)) for at in (ups, downs))
        first, second = np.arange(float(ups.size)), np.arange(float(downs.size))
        # Slice's rows of the other class, behind a positive and before a negative.
        behind, before = downs.size - ups + first, downs - second
        own = (_summed(ups.size, behind), _summed(downs.size, before))
        against = (_against(down, downs.size - second), _against(up, first + 1))
        rest = [
            whole - [among.size, among.size, among.size, *_gone(other, mine[0] - among)]
            for whole, other, mine, among in zip(self._totals, against, (up, down), (behind, before), strict=True)
        ]
        return (own[0], rest[0]), (own[1], rest[1])


def _summed(count: float, placements: Floats) -> Floats:
    total = float(placements.sum())
    return np.array([count, count, count, total, total, dot(placements, placements)])


def _against(other: tuple[Floats, Floats], rank: Floats) -> tuple[float, float]:
    """What all rows of a class win against the slice's rows of the other class, and what that takes from the sum of their squares.

    A row that wins over r of them wins 1 + 3 + ... + (2r - 1) = r^2 squared, an odd number for each, by its rank.
    """
    squared = dot(other[0], 2 * rank - 1)
    return float(other[0].sum()), 2 * float(other[1].sum()) - squared


def _gone(against: tuple[float, float], outside: Floats) -> tuple[float, float, float]:
    """What goes from the three sums over all rows: the slice's rows of the other class, then those of this class."""
    total = against[0] + float(outside.sum())
    return total, total, against[1] + dot(outside, outside)
