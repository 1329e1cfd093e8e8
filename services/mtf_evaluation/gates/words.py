"""Why a gate got its verdict, in one sentence with the numbers that decided."""

from __future__ import annotations

from mtf.contracts.report import Verdict
from mtf.contracts.stages import Term
from mtf_evaluation import numerals
from mtf_evaluation.gates.demand import Demand, Seen

_MEANS = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}


def unknown(seen: Seen, subject: str, term: Term) -> str:
    """Why a number cannot be judged: undefined, not to be relied on, or without an interval."""
    if seen.value is None:
        return f"{subject} is undefined: {seen.undefined or 'there is nothing to compute it from'}"
    if not seen.reliable:
        return f"{subject} is {interval(seen)}, but that cannot be relied on: {seen.reason or 'too few rows'}"
    shown = f"{subject} is {numerals.number(seen.value)} without an interval, so the rows cannot settle it"
    if term.operator == "not_worse":
        return f"{shown}: {seen.reason}" if seen.reason else shown
    return f"{shown}; `point({term.metric})` judges the value alone"


def judged(seen: Seen, demand: Demand, subject: str, verdict: Verdict) -> str:
    """A bound on a metric: on the interval, or on a part of it."""
    if demand.part == "interval":
        return f"{subject} is {interval(seen, demand.bound)}: {_outcome(demand, verdict)}"
    relation = "meets" if verdict == "pass" else "misses"
    if demand.part == "value":
        shown = f"{subject} is {against(seen.value or 0.0, demand.bound)}"
        return f"{shown}, which {relation} the bound {bound(demand.bound)}; its uncertainty was left out, as `point()` asks"
    limit = (seen.lower if demand.part == "lower" else seen.upper) or 0.0
    shown = f"{subject} is {interval(seen, demand.bound)}"
    return f"{shown}: the {demand.part} limit {against(limit, demand.bound)} {relation} the bound {bound(demand.bound)}"


def _outcome(demand: Demand, verdict: Verdict) -> str:
    if verdict == "inconclusive":
        return f"the bound {bound(demand.bound)} lies inside the interval"
    return f"{'the whole interval' if verdict == 'pass' else 'none of the interval'} is {demanded(demand)}"


def demanded(demand: Demand) -> str:
    """`at least 0.9`."""
    return f"{_MEANS[demand.operator]} {bound(demand.bound)}"


def not_worse(term: Term, seen: Seen, demand: Demand, subject: str, verdict: Verdict) -> str:
    """A bound on the paired difference."""
    shown = f"{subject} minus the baseline's is {interval(seen, demand.bound)}"
    if verdict == "pass":
        within = f"at most {bound(term.bound)} worse than" if term.bound else "at least as good as"
        return f"{shown}: the whole interval is {within} the baseline"
    if verdict == "fail":
        by = f"more than {bound(term.bound)} worse" if term.bound else "worse"
        return f"{shown}: the whole interval is {by} than the baseline"
    limit = f"the limit {bound(demand.bound)}" if term.bound else "0, no difference,"
    return f"{shown}: {limit} lies inside the interval"


def interval(seen: Seen, limit: float | None = None) -> str:
    """The number with its interval, in digits that tell its ends from the limit."""
    return numerals.interval(seen.value or 0.0, seen.lower, seen.upper, against=limit)


def against(value: float, limit: float) -> str:
    """A value with the digits that tell it from the limit."""
    places = numerals.decimals(value, None)
    while (
        places < numerals.MOST_DECIMALS
        and value != limit
        and numerals.number(value, places=places) == numerals.number(limit, places=places)
    ):
        places += 1
    return numerals.number(value, places=places)


def bound(value: float) -> str:
    """A bound as a person wrote it, without digits that only the machine sees, and without the sign of zero."""
    return f"{value + 0.0:.10g}"
