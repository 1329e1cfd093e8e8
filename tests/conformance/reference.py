"""What an independent definition of a metric is, and how the answer is held against it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from mtf.plugins import Sample

TOLERANCE = 1e-10
NOTHING = 1e-14
"""A value this small beside the other is 0."""


@dataclass(frozen=True)
class Reference:
    """Who defines a metric besides us: a library, or a formula written down plainly.

    The function answers the value for a sample, NaN or a ValueError where the metric has none.
    """

    said_by: str
    value: Callable[[Sample], float]

    def answer(self, sample: Sample) -> float | None:
        """The value, or None where there is none. What the library warns of is its own matter."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = float(self.value(sample))
            except (ValueError, ZeroDivisionError):
                return None
        return found if math.isfinite(found) else None


def apart(ours: float | None, theirs: float | None) -> float:
    """The relative difference; infinity where one has a value and the other has none."""
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else math.inf
    size = max(abs(ours), abs(theirs))
    return 0.0 if size < NOTHING else abs(ours - theirs) / size
