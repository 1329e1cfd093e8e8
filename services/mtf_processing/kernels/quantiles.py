"""Quantiles of numbers as a state that merges: exact up to 10^7 values, beyond it with values rounded to 20 bits of mantissa.

The rounding depends on the number of values alone, never on how they were cut into batches or on free memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EXACT = 10_000_000
"""Up to this many values are kept as they are, 8 bytes each."""
RELATIVE_ERROR = 2.0**-20
"""Beyond, a quantile is off by at most this share of its own size."""

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(0x80000000)


@dataclass(frozen=True)
class Quantiles:
    """The values themselves in `parts`, or, beyond `EXACT`, rounded values in ascending order with their counts."""

    n: int
    parts: tuple[NDArray[np.float64], ...] = ()
    rounded: NDArray[np.float64] | None = None
    counts: NDArray[np.int64] | None = None
    exact: int = EXACT

    @classmethod
    def of(cls, values: NDArray[np.float64], exact: int = EXACT) -> Quantiles:
        """Summarise (n,) values; NaN does not count."""
        present = values[~np.isnan(values)]
        return _bounded(cls(present.size, (present,), exact=exact))

    def merge(self, other: Quantiles) -> Quantiles:
        """Both together."""
        n = self.n + other.n
        if self.rounded is None and other.rounded is None:
            return _bounded(Quantiles(n, self.parts + other.parts, exact=self.exact))
        a, b = _rounded(self), _rounded(other)
        values, where = np.unique(np.concatenate([a[0], b[0]]), return_inverse=True)
        counts = np.zeros(values.size, dtype=np.int64)
        np.add.at(counts, where, np.concatenate([a[1], b[1]]))
        return Quantiles(n, (), values, counts, self.exact)

    def at(self, shares: Sequence[float]) -> list[float]:
        """The quantiles at `shares` in [0, 1], by linear interpolation (R-7, numpy's and scikit-learn's default). Needs a value."""
        if self.rounded is None or self.counts is None:
            return [float(value) for value in np.quantile(np.concatenate(self.parts), shares)]
        last = np.cumsum(self.counts) - 1
        positions = np.asarray(shares, dtype=np.float64) * (self.n - 1)
        below, above = np.floor(positions), np.ceil(positions)
        low, high = self.rounded[np.searchsorted(last, below)], self.rounded[np.searchsorted(last, above)]
        return [float(value) for value in low + (high - low) * (positions - below)]


def _bounded(state: Quantiles) -> Quantiles:
    if state.n <= state.exact:
        return state
    values, counts = _rounded(state)
    return Quantiles(state.n, (), values, counts, state.exact)


def _rounded(state: Quantiles) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values in ascending order, fractions rounded to 20 bits of mantissa, with their counts."""
    if state.rounded is not None and state.counts is not None:
        return state.rounded, state.counts
    values = np.concatenate(state.parts) + 0.0 if state.parts else np.zeros(0)  # adding 0 turns -0 into 0
    middle = ((np.ascontiguousarray(values).view(np.uint64) & ~_LOW) | _HALF).view(np.float64)
    whole = (values == np.trunc(values)) & (np.abs(values) < 2.0**53)
    found, counts = np.unique(np.where(whole, values, middle), return_counts=True)
    return found, counts.astype(np.int64)
