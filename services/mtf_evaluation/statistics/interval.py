"""What an interval is, and the two rules that hold for each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Interval:
    """Two limits and how they were made. Both limits are None where no interval can be given, and `reason` says why."""

    lower: float | None
    upper: float | None
    method: str = "none"
    reason: str | None = None

    @property
    def known(self) -> bool:
        """Whether there are limits."""
        return self.lower is not None


def no_interval(reason: str | None = None) -> Interval:
    """The interval of a number whose uncertainty is not known."""
    return Interval(None, None, "none", reason)


def around(interval: Interval, value: float) -> Interval:
    """Widen the interval until it holds the value it belongs to.

    Draws with pseudo-counts pull towards the middle, so that a perfect score may lie above its own upper limit; at the boundary
    the interval is then one-sided. An interval of zero width is withdrawn: certainty is never a result of a finite sample.
    """
    if interval.lower is None or interval.upper is None:
        return interval
    lower, upper = min(interval.lower, value), max(interval.upper, value)
    if not upper > lower:
        return no_interval("every row contributes the same, so nothing tells how much the value would vary")
    return replace(interval, lower=float(lower), upper=float(upper))
