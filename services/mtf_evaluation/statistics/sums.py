"""Sums of products over rows.

Not by BLAS: its threads wait for one another by spinning, which doubles the processor time of a sum over a million rows for nothing
(memory is the limit) and makes threads over slices slower than one. numpy's own loop is as fast and always in the same order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def dot(a: Floats, b: Floats) -> float:
    """Sum of the products of two (n,) arrays."""
    return float(np.einsum("i,i->", a, b))


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
