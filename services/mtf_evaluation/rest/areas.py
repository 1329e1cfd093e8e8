"""The area under the ROC curve of a slice and of the rest, from one order of all rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.areas import Gini
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.rest.order import Order, Orders
from mtf_evaluation.rest.side import UNDEFINED, Directly, Floats, Rows, Side, dot
from mtf_evaluation.rest.untied import Untied

PAIR = (0, 1)


class ByPlacements(Directly):
    """ROC AUC or Gini's coefficient.

    The placement value of a row among the rest is the one among all rows less the one among the slice's rows. Between two rows of the
    slice the latter does not change, so that sums of placement values and of their squares over the rest need sums over all rows,
    which are taken once, and the rows of the slice: the cost of a slice is that of its own rows.
    """

    student = False

    def __init__(self, plugin: Any, sample: Sample, orders: Orders) -> None:
        super().__init__(plugin, sample)
        inner = plugin.inner if isinstance(plugin, OneVsRest) else plugin
        self._gini = isinstance(inner, Gini)
        part = binary(sample, plugin.code) if isinstance(plugin, OneVsRest) else sample
        order = orders.of(part)
        self._untied = Untied(order) if self.weight is None and not order.mixed else None
        if self._untied is None:
            self._count(order, part)

    def _count(self, order: Order, part: Sample) -> None:
        """Rows and weights at every score."""
        self._key = (order.levels * 2 + (part.target == 1)).astype(np.int64)
        size = 2 * (int(self._key.max()) // 2 + 1)
        count = np.bincount(self._key, minlength=size).astype(np.float64)
        weighed = [count, count]
        if self.weight is not None:
            weighed = [_sums(self._key, w, size) for w in (self.weight, self.weight**2)]
        negatives, positives = (_columns([count, *weighed], side) for side in PAIR)
        # Towards higher scores for the positives, who win over what is below them; towards lower ones for the negatives.
        self._up = _Against(positives, negatives)
        self._down = _Against(_turned(negatives), _turned(positives))

    def sides(self, rows: Rows) -> tuple[Side, Side]:
        """Both sides, from the slice's rows in the order of their scores."""
        if self._untied is not None:
            up, down = self._untied.sums(rows)
            return self._counted(up[0], down[0]), self._counted(up[1], down[1])
        levels, negatives, positives = self._own(rows)
        backwards = self._up.size - 1 - levels[::-1]
        turned = (_turned(negatives), _turned(positives))
        up = self._up.sums(levels, positives, negatives)
        down = self._down.sums(backwards, turned[0], turned[1])
        return self._counted(up[0], down[0]), self._counted(up[1], down[1])

    def _own(self, rows: Rows) -> tuple[Rows, list[Floats], list[Floats]]:
        """Levels of the slice, rising; rows, weight and squared weight of its negatives and of its positives there."""
        key = self._key[rows]
        weight = self.of(rows)
        if weight is None:
            key = np.sort(key)
        else:
            order = np.argsort(key)
            key, weight = key[order], weight[order]
        level = key >> 1
        starts = np.flatnonzero(np.concatenate([[True], level[1:] != level[:-1]]))
        positive = (key & 1).astype(np.float64)
        ones = [np.ones(key.size)] * 3 if weight is None else [np.ones(key.size), weight, weight * weight]
        both = [np.add.reduceat(one, starts) for one in ones]
        found = [np.add.reduceat(one * positive, starts) for one in ones]
        return level[starts].astype(np.int64), [whole - own for whole, own in zip(both, found, strict=True)], found

    def _counted(self, up: Floats, down: Floats) -> Side:
        """DeLong's standard error, or the sandwich with weights.

        `up` has of the positives: rows, weight, squared weight, and the sums of placement, of placement times squared weight, of
        squared placement times squared weight; `down` has the same of the negatives.
        """
        if not (up[1] > 0 and down[1] > 0):
            return UNDEFINED
        area = float(up[3]) / float(up[1] * down[1])
        variance = 0.0
        n = float(up[0] + down[0])
        for own, other in ((up, down), (down, up)):
            m = float(own[0])
            squares = float(own[5] / other[1] ** 2 - 2 * area * own[4] / other[1] + area**2 * own[2]) / float(own[1]) ** 2
            free = m / (m - 1) if m > 1 else math.nan
            variance += max(squares, 0.0) * (free if self.weight is None else n / (n - 1))
        error = math.sqrt(variance) if variance >= 0 else math.nan
        units = float(up[1] + down[1]) ** 2 / float(up[2] + down[2])
        error = 0.0 if error <= 1e-9 / math.sqrt(n) else error
        return Side(2 * area - 1, 2 * error, units) if self._gini else Side(area, error, units)


class _Against:
    """Sums over all rows of one class of their placement among the other, for every level in rising order.

    Args:
        own: (levels,) rows, weight and squared weight of the class at each level.
        other: The same of the class that is placed against.
    """

    def __init__(self, own: list[Floats], other: list[Floats]) -> None:
        self.size = own[0].size
        below = np.cumsum(other[1]) - other[1] / 2
        self._totals = np.array(
            [own[0].sum(), own[1].sum(), own[2].sum(), dot(own[1], below), dot(own[2], below), dot(own[2], below, below)]
        )
        self._weighed = own[2] is not own[1]
        upto = np.cumsum(own[2])
        self._all = float(upto[-1])
        columns = [below, own[2], upto, _above(own[2]), _above(own[2] * below)]
        if self._weighed:
            columns.append(_above(own[1]))
        # One row a level, so that a level of the slice is fetched from memory once.
        self._table = np.stack(columns, axis=1)

    def sums(self, levels: Rows, own: list[Floats], other: list[Floats]) -> tuple[Floats, Floats]:
        """(6,) sums of the slice and of the rest: rows, weight, squared weight and three sums of placements, as in `_counted`."""
        here = np.ascontiguousarray(self._table.take(levels, axis=0).T)
        below, at, reached, above2, placed = here[:5]
        upto = np.cumsum(other[1])
        among = upto - other[1] / 2
        count, weight = float(own[0].sum()), float(own[1].sum())
        slice_ = np.array(
            [count, weight, own[2].sum(), dot(own[1], among), dot(own[2], among), dot(own[2], among, among)], dtype=np.float64
        )
        # All rows of the class against the slice's rows of the other: what they lose when the slice goes.
        lost2 = dot(other[1], above2)
        lost = dot(other[1], here[5]) if self._weighed else lost2
        between = np.append(reached[1:] - at[1:], self._all)
        between -= reached
        squared = dot(at, among, among) + dot(between, upto, upto)
        below -= among
        gone = dot(own[2], below)
        rest = self._totals - slice_
        rest[3] = self._totals[3] - lost - (dot(own[1], below) if self._weighed else gone)
        rest[4] = self._totals[4] - lost2 - gone
        rest[5] = self._totals[5] - 2 * dot(other[1], placed) + squared - dot(own[2], below, below)
        return slice_, rest


def _above(values: Floats) -> Floats:
    """(levels,) sums of the values above each level, with half of what lies there."""
    upto = np.cumsum(values)
    return np.asarray(upto[-1] - upto + values / 2)


def _columns(table: list[Floats], side: int) -> list[Floats]:
    """Every second number, of the negatives or of the positives; equal arrays stay one array."""
    found: dict[int, Floats] = {id(one): np.ascontiguousarray(one[side::2]) for one in table}
    return [found[id(one)] for one in table]


def _turned(table: list[Floats]) -> list[Floats]:
    found: dict[int, Floats] = {id(one): np.ascontiguousarray(one[::-1]) for one in table}
    return [found[id(one)] for one in table]


def _sums(key: Rows, values: Floats, size: int) -> Floats:
    return np.bincount(key, weights=values, minlength=size).astype(np.float64, copy=False)
