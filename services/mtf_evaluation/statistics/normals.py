"""Random numbers that a seed alone decides, drawn once however many intervals are read from them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KEPT = 8
"""Sets of numbers that are held: for one matrix of two classes 0.3 MB each, at most 3 MB."""


def generator(seed: int, stream: int) -> np.random.Generator:
    """Our own random numbers; `stream` keeps two uses apart."""
    return np.random.default_rng([seed, stream])


@lru_cache(maxsize=KEPT)
def normals(seed: int, stream: int, count: int) -> Floats:
    """(count,) standard normal numbers, read only. Fewer of the same seed and stream are the first of more."""
    drawn = generator(seed, stream).standard_normal(count)
    drawn.flags.writeable = False
    return drawn
