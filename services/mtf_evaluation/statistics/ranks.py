"""Weighted ranks as shares of the sample, ties by midranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Ranks:
    """One sort of (n,) values, from which ranks and sums over larger values are read. Integer weights equal repetition."""

    def __init__(self, values: Floats, weight: Floats | None) -> None:
        self._place = np.unique(values, return_inverse=True)[1]
        self._weight = weight
        self._count = np.bincount(self._place, weights=weight).astype(np.float64, copy=False)
        self._total = float(self._count.sum())
        below = np.cumsum(self._count) - self._count
        self.centred: Floats = ((below + self._count / 2) / self._total - 0.5)[self._place]
        """(n,) share of the weight below each value plus half of the share tied with it, less 1/2: its weighted mean is 0."""

    def above(self, parts: Floats) -> Floats:
        """(n,) for each row the weighted sum of (n,) `parts` over the rows with a larger value, plus half of those tied, over all weight."""
        weighted = parts if self._weight is None else self._weight * parts
        sums = np.bincount(self._place, weights=weighted, minlength=self._count.size)
        larger = sums[::-1].cumsum()[::-1] - sums
        return np.asarray((larger + sums / 2)[self._place] / self._total, dtype=np.float64)
