"""Rows counted by what a metric can see of them. Two counts add up, so that partitions can be counted apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]

FEW = 8
"""Counting in a table costs its size, sorting costs the rows: where the table is this many times larger, rows are sorted."""


@dataclass(frozen=True)
class Cells:
    """What the rows of each cell add up to; c cells, keys rising.

    `weight` is the sum of the sampling weights, `squares` the sum of their squares (both the number of rows without weights). Where cells are bins,
    `inside` and `inside_squared` are the sums of weight times the place within the bin, 0 at its lower and 1 at its upper edge, and of its square.
    """

    keys: Keys
    rows: Keys
    weight: Floats
    squares: Floats
    inside: Floats
    inside_squared: Floats

    @cached_property
    def total(self) -> int:
        """Rows in all cells."""
        return int(self.rows.sum())


def tally(keys: Keys, inside: Floats | None, weight: Floats | None, size: int) -> Cells:
    """Count rows by cell.

    Args:
        keys: (n,) cell of each row, from 0 to size - 1.
        inside: (n,) places within the bins, or None where cells are no bins.
        weight: (n,) sampling weights above 0, or None.
        size: Number of possible cells.
    """
    if keys.size * FEW < size:
        found, keys = np.unique(keys, return_inverse=True)
        size = found.size
    else:
        found = np.arange(size)
    rows = np.bincount(keys, minlength=size)
    used = np.flatnonzero(rows)
    rows = rows[used]

    def added(values: Floats) -> Floats:
        return np.bincount(keys, weights=values, minlength=size)[used].astype(np.float64, copy=False)

    nothing = np.zeros(used.size)
    if weight is None:
        ones = rows.astype(np.float64)
        places = (nothing, nothing) if inside is None else (added(inside), added(inside * inside))
        return Cells(found[used], rows, ones, ones, *places)
    places = (nothing, nothing) if inside is None else (added(weight * inside), added(weight * inside * inside))
    return Cells(found[used], rows, added(weight), added(weight * weight), *places)


def merge(a: Cells, b: Cells) -> Cells:
    """The cells of both."""
    keys = np.concatenate([a.keys, b.keys])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    if not keys.size:
        return a
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))

    def added(name: str) -> NDArray[np.float64]:
        return np.add.reduceat(np.concatenate([getattr(a, name), getattr(b, name)])[order], starts)

    return Cells(keys[starts], added("rows").astype(np.int64), added("weight"), added("squares"), added("inside"), added("inside_squared"))
