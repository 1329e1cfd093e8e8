"""Scores as bins that need no look at the data first, so that bins of any two partitions are the same and can be added up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]

DIGITS = 12
"""Bits of the mantissa that a bin keeps: neighbouring bins differ by 2^-12 of their distance from the end of the scale."""
_SHIFT = 23 - DIGITS
_SMALLEST = -40
"""Probabilities within 2^-40 of 0 or of 1 share the outermost bin."""


def _bits(values: Floats) -> Keys:
    """The leading bits of float32 numbers of at least 0: an integer that grows with the number and the same share of it everywhere."""
    return (np.asarray(values, dtype=np.float32).view(np.int32) >> _SHIFT).astype(np.int64)


def _number(bits: Keys) -> Floats:
    finite = np.minimum(bits, _LARGEST)
    return (finite << _SHIFT).astype(np.int32).view(np.float32).astype(np.float64)


_LARGEST = int(_bits(np.array([np.finfo(np.float32).max]))[0])
_BASE = int(_bits(np.array([2.0**_SMALLEST]))[0])
_HALF = int(_bits(np.array([0.5]))[0]) - _BASE + 1


@dataclass(frozen=True)
class Unit:
    """Probabilities: bins that are as fine near 1 as near 0, because models that are sure live there."""

    size: int = 2 * _HALF + 2

    def of(self, scores: Floats) -> Keys:
        """Bins by the distance from the nearer end."""
        rest = 1 - scores
        near = np.maximum(_bits(np.minimum(scores, rest)) - _BASE + 1, 0)
        return np.where(scores < 0.5, near, 2 * _HALF + 1 - near)  # noqa: PLR2004 - the middle of the scale

    def edges(self, keys: Keys) -> tuple[Floats, Floats]:
        """Numbers between which the bin's probabilities lie."""
        near = np.where(keys <= _HALF, keys, 2 * _HALF + 1 - keys)
        low = np.where(near > 0, _number(np.maximum(near - 1 + _BASE, 0)), 0.0)
        high = np.where(near < _HALF, _number(near + _BASE), 0.5)
        # float32 rounds to the nearest, so that a bin begins half a step before its first number.
        slack = high * 2.0**-24
        low, high = np.maximum(low - slack, 0.0), np.minimum(high + slack, 0.5)
        return np.where(keys <= _HALF, low, 1 - high), np.where(keys <= _HALF, high, 1 - low)


@dataclass(frozen=True)
class Line:
    """Scores of any size and sign: bins of equal relative width."""

    size: int = 2 * (1 << (31 - _SHIFT))

    def of(self, scores: Floats) -> Keys:
        """Bins by sign and size. What float32 cannot hold shares the outermost bins."""
        largest = float(np.finfo(np.float32).max)
        clipped = np.clip(scores, -largest, largest)
        size = _bits(np.abs(clipped))
        return np.where(clipped < 0, self.size // 2 - 1 - size, self.size // 2 + size)

    def edges(self, keys: Keys) -> tuple[Floats, Floats]:
        """Numbers between which the bin's scores lie."""
        half = self.size // 2
        size = np.where(keys < half, half - 1 - keys, keys - half)
        low, high = _number(size), np.where(size < _LARGEST, _number(size + 1), float(np.finfo(np.float32).max))
        slack = high * 2.0**-24
        low, high = np.maximum(low - slack, 0.0), high + slack
        return np.where(keys < half, -high, low), np.where(keys < half, -low, high)


Scale = Unit | Line
"""A monotone map from scores to bins from 0 to size - 1."""


@cache
def table(scale: Scale) -> tuple[Floats, Floats]:
    """The lower edge and the width of every bin of a scale."""
    low, high = scale.edges(np.arange(scale.size))
    return low, np.maximum(high - low, np.finfo(np.float64).tiny)


def inside(scale: Scale, bins: Keys, scores: Floats) -> Floats:
    """(n,) place of each score within its bin, from 0 to 1."""
    low, width = table(scale)
    return np.clip((scores - low[bins]) / width[bins], 0.0, 1.0)


def scale_of(lowest: float, highest: float) -> Scale:
    """The scale for scores that lie in a range."""
    return Unit() if lowest >= 0.0 and highest <= 1.0 else Line()
