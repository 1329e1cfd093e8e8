"""How many rows would settle an inconclusive gate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mtf_evaluation import numerals

FAR = 1e9
"""Rows beyond which it is more honest to say that more rows will not help."""
_WORTH_TELLING = 0.99


@dataclass(frozen=True)
class Basis:
    """The rows that a judged number was computed from."""

    rows: int
    """Rows of the test set or of the slice."""
    entered: int
    """Rows of them that the metric looks at: the positives for recall."""
    effective: float | None = None
    """What those are worth after weights and groups, where that is known."""
    weighted: bool = False
    grouped: bool = False

    def words(self) -> str:
        """`there are 128, of which 64 enter`."""
        parts = [f"there are {self.rows:,}"]
        if self.entered < self.rows:
            parts.append(f"of which {self.entered:,} enter this metric")
        if self.effective is not None and self.effective < _WORTH_TELLING * self.entered:
            parts.append(f"which weights and groups make worth {self.effective:,.0f} independent ones")
        return ", ".join(parts)

    def like(self) -> str:
        """What the further rows must be like for the count to hold."""
        if self.grouped:
            return " in as many more groups"
        return " with weights like these" if self.weighted else ""


def rows_needed(value: float, lower: float, upper: float, limit: float, rows: int) -> int | None:
    """Rows at which the interval would no longer hold the limit, if the value stays where it is; None where it is too close to tell.

    The answer grows from the rows that there are, with the same mix of classes, weights and groups.
    """
    share = _shrink(value - lower if value > limit else upper - value, (upper - lower) / 2, abs(value - limit))
    if share <= 0 or rows > share**2 * FAR:
        return None
    return math.ceil(max(rows / share**2, rows + 1))


def sentence(needed: int | None, basis: Basis) -> str:
    """The end of a reason."""
    if needed is None:
        return "; the value lies so close to it that more rows will hardly settle it"
    return f"; if the value stays where it is, about {numerals.about(needed)} rows{basis.like()} would settle it ({basis.words()})"


def _shrink(arm: float, half: float, distance: float) -> float:
    """The u = sqrt(n / rows) at which an interval's arm has shrunk to `distance`.

    Half of the width falls with u. By how much the arm is longer or shorter than that, the skewness of the interval, falls with u^2
    (exactly so to first order for Wilson's interval). So skew * u^2 + half * u = distance, and u = 1 gives the arm back.
    """
    skew = arm - half
    if abs(skew) <= 1e-9 * half or skew < -0.49 * half or distance > arm:
        return min(1.0, distance / arm) if arm > 0 else 0.0
    return (math.sqrt(half * half + 4 * skew * distance) - half) / (2 * skew)
