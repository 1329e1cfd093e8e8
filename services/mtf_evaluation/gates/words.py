"""Why a gate got its verdict, in one sentence with the numbers that decided."""

from __future__ import annotations

import math

from mtf.contracts.report import Comparison, MetricValue, Verdict
from mtf.contracts.stages import Term
from mtf_evaluation import numerals

_MEANS = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
_FAR = 1e9


def undefined(subject: str, why: str | None) -> str:
    """No value at all."""
    return f"{subject} is undefined: {why or 'there is nothing to compute it from'}"


def unreliable(subject: str, value: MetricValue) -> str:
    """A value whose uncertainty cannot be trusted."""
    shown = numerals.interval(value.value or 0.0, value.lower, value.upper)
    return f"{subject} is {shown}, but that cannot be relied on: {value.reason or 'too few rows'}"


def unreliable_difference(subject: str, found: Comparison) -> str:
    """The same for a difference."""
    return f"the difference in {subject} is {_difference(found)}, but that cannot be relied on: {found.reason or 'too few rows'}"


def no_interval(subject: str, value: MetricValue, term: Term) -> str:
    """A metric that has a value alone."""
    return (
        f"{subject} is {numerals.number(value.value)} without an interval, so the rows cannot settle it; "
        f"`point({term.metric})` judges the value alone"
    )


def point(term: Term, value: MetricValue, subject: str, verdict: Verdict) -> str:
    """A bound on the value alone."""
    relation = "meets" if verdict == "pass" else "misses"
    return (
        f"{subject} is {_against(value.value or 0.0, term.bound)}, which {relation} the bound {_bound(term.bound)}; "
        "its uncertainty was left out, as `point()` asks"
    )


def bound(term: Term, value: MetricValue, subject: str, verdict: Verdict) -> str:
    """A bound on the interval."""
    middle, lower, upper = value.value or 0.0, value.lower or 0.0, value.upper or 0.0
    shown = f"{subject} is {numerals.interval(middle, lower, upper, against=term.bound)}"
    demanded = f"{_MEANS[term.operator]} {_bound(term.bound)}"
    if verdict == "pass":
        return f"{shown}: the whole interval is {demanded}"
    if verdict == "fail":
        return f"{shown}: none of the interval is {demanded}"
    return f"{shown}: the bound {_bound(term.bound)} lies inside the interval{_needed(middle, lower, upper, term.bound, value.n)}"


def not_worse(term: Term, found: Comparison, subject: str, verdict: Verdict, *, greater_is_better: bool) -> str:
    """A bound on the paired difference."""
    limit = -term.bound if greater_is_better else term.bound
    shown = f"{subject} minus the baseline's is {_difference(found, limit)}"
    if verdict == "pass":
        within = f"at most {_bound(term.bound)} worse than" if term.bound else "at least as good as"
        return f"{shown}: the whole interval is {within} the baseline"
    if verdict == "fail":
        by = f"more than {_bound(term.bound)} worse" if term.bound else "worse"
        return f"{shown}: the whole interval is {by} than the baseline"
    named = f"the limit {_bound(limit)}" if term.bound else "0, no difference,"
    needed = _needed(found.difference or 0.0, found.lower or 0.0, found.upper or 0.0, limit, found.n)
    return f"{shown}: {named} lies inside the interval{needed}"


def _needed(middle: float, lower: float, upper: float, limit: float, n: int) -> str:
    """How many rows would settle it, if the value stays where it is."""
    arm, distance = (middle - lower if middle > limit else upper - middle), abs(middle - limit)
    share = _shrink(arm, (upper - lower) / 2, distance)
    if n > share**2 * _FAR:
        return "; the value lies so close to it that more rows will hardly settle it"
    rows = numerals.about(max(n / share**2, n + 1))
    return f"; if the value stays where it is, about {rows} rows would settle it (there are {n:,})"


def _shrink(arm: float, half: float, distance: float) -> float:
    """The u = sqrt(n / rows) at which an interval's arm has shrunk to `distance`.

    Half of the width falls with u. By how much the arm is longer or shorter than that, the skewness of the interval, falls with u^2
    (exactly so to first order for Wilson's interval). So skew * u^2 + half * u = distance, and u = 1 gives the arm back.
    """
    skew = arm - half
    if abs(skew) < 1e-9 * half or skew < -0.49 * half or distance > arm:
        return min(1.0, distance / arm) if arm > 0 else 0.0
    return (math.sqrt(half * half + 4 * skew * distance) - half) / (2 * skew)


def _difference(found: Comparison, against: float | None = None) -> str:
    return numerals.interval(found.difference or 0.0, found.lower, found.upper, against=against)


def _against(value: float, limit: float) -> str:
    """A value with the digits that tell it from the limit."""
    places = numerals.decimals(value, None)
    while (
        places < numerals.MOST_DECIMALS
        and value != limit
        and numerals.number(value, places=places) == numerals.number(limit, places=places)
    ):
        places += 1
    return numerals.number(value, places=places)


def _bound(value: float) -> str:
    """A bound as a person wrote it, without digits that only the machine sees."""
    return f"{value:.10g}"
