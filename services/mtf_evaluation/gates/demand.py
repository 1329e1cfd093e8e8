"""What a gate demands of one judged number, whether that is a metric or a difference from the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mtf.contracts.report import Comparison, MetricValue, Verdict
from mtf.contracts.stages import Term

MEETS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": lambda value, bound: value >= bound,
    ">": lambda value, bound: value > bound,
    "<=": lambda value, bound: value <= bound,
    "<": lambda value, bound: value < bound,
}
UPWARD = (">=", ">")


@dataclass(frozen=True)
class Seen:
    """A judged number with its interval."""

    value: float | None
    lower: float | None
    upper: float | None
    level: float | None
    reliable: bool
    reason: str | None
    undefined: str | None

    @classmethod
    def of(cls, found: MetricValue | Comparison) -> Seen:
        """The number of a metric, or the difference of a comparison."""
        value = found.difference if isinstance(found, Comparison) else found.value
        return cls(value, found.lower, found.upper, found.level, found.reliable, found.reason, found.undefined)


@dataclass(frozen=True)
class Demand:
    """A bound on the interval, the value or one limit of it. `not worse than baseline by m` bounds the difference by m on its bad side."""

    operator: str
    bound: float
    part: Literal["interval", "value", "lower", "upper"] = "interval"

    @classmethod
    def of(cls, term: Term, *, greater_is_better: bool = True) -> Demand:
        """What the term demands of the metric, or of the difference from the baseline."""
        if term.operator == "not_worse":
            return cls(">=", -term.bound) if greater_is_better else cls("<=", term.bound)
        return cls(term.operator, term.bound, "value" if term.point else term.limit or "interval")

    @property
    def upward(self) -> bool:
        """Whether larger numbers meet it."""
        return self.operator in UPWARD

    def meets(self, number: float) -> bool:
        """Whether a number meets the bound."""
        return MEETS[self.operator](number, self.bound)

    def judged(self, seen: Seen) -> Verdict | None:
        """The verdict on a number; None where the number cannot be judged: undefined, not reliable, or without the interval it takes."""
        if seen.value is None or not seen.reliable:
            return None
        if self.part == "value":
            return "pass" if self.meets(seen.value) else "fail"
        if seen.lower is None or seen.upper is None:
            return None
        if self.part == "interval":
            return of_interval(self.operator, self.bound, seen.lower, seen.upper)
        return "pass" if self.meets(seen.lower if self.part == "lower" else seen.upper) else "fail"


def of_interval(operator: str, bound: float, lower: float, upper: float) -> Verdict:
    """Whether all, none or a part of [lower, upper] meets the bound."""
    meets = MEETS[operator]
    ends = meets(lower, bound), meets(upper, bound)
    return "pass" if all(ends) else "inconclusive" if any(ends) else "fail"
