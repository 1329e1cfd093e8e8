"""Sums of products over rows.

Not by BLAS: its threads wait for one another by spinning, which doubles the processor time of a sum over a million rows for nothing
(memory is the limit) and makes threads over slices slower than one. numpy's own loop is as fast and always in the same order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BLOCK = 1 << 16
"""Rows that are worked on at once where a temporary array as long as all rows would cost more than the work: they stay in the cache."""


def dot(a: Floats, b: Floats) -> float:
    """Sum of the products of two (n,) arrays."""
    return float(np.einsum("i,i->", a, b))


def central_moments(values: Floats) -> tuple[float, float]:
    """Means of the squares and of the cubes of (n,) values around their mean."""
    mean, second, third = float(values.mean()), 0.0, 0.0
    for start in range(0, values.size, BLOCK):
        part = values[start : start + BLOCK] - mean
        second += dot(part, part)
        third += float(np.einsum("i,i,i->", part, part, part))
    return second / values.size, third / values.size


def means(terms: Floats) -> Floats:
    """(t,) means of the columns of (n, t) terms: one after the other, which is several times faster than along short rows."""
    return np.array([column.mean() for column in terms.T], dtype=np.float64)


def spreads(terms: Floats) -> Floats:
    """(t,) standard deviations of the columns of (n, t) terms."""
    return np.array([column.std() for column in terms.T], dtype=np.float64)


def combine(terms: Floats, factors: Floats) -> Floats:
    """(n,) sums over the columns of (n, t) terms, each times its factor."""
    if terms.shape[1] == 1:
        return np.asarray(terms[:, 0] * factors[0])
    return np.asarray(np.einsum("ij,j->i", terms, factors))
