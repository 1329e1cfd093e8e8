"""`worst slice of COLUMN`: the bound must hold in every slice, and looking at many slices must not let chance decide.

The worst of many slices looks worse than it is, because chance picks it (the winner's curse). Holm's step-down procedure (1979) over the
slices keeps the chance of any wrong statement about any of them at the level of a single gate:

- all k slices are judged at the level that k slices need together (Bonferroni, alpha / k);
- those that meet the bound are settled, and the rest is judged again at the level that the rest needs, until nobody is left or nothing moves.

Pass: every slice is settled. Fail: a slice misses the bound with its whole interval at alpha / k. Else inconclusive. That every slice must
be settled makes a wrong pass rarer than Holm's level (an intersection-union test, Berger 1982: one slice below the bound has to look good at
alpha, and only if all others are settled already); the correction is what keeps many good slices from failing by chance.
Which slices count is decided by their size alone, before anything is measured on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from mtf.contracts.report import Comparison, Gate, MetricValue, Verdict
from mtf.contracts.stages import Term
from mtf_evaluation import numerals
from mtf_evaluation.gates import judge, settle, words
from mtf_evaluation.gates.demand import Demand, Seen
from mtf_evaluation.gates.settle import Basis

FEWEST = 30
"""Rows from which a slice is judged. Smaller ones are listed; they settle nothing, and each would make the others' levels stricter."""
_LISTED = 5
_SEVERITY: Mapping[Verdict | None, int] = {"fail": 0, "inconclusive": 1, None: 2, "pass": 3}


@dataclass(frozen=True)
class Part:
    """A slice that can be looked at with any confidence level."""

    name: str
    where: Mapping[str, Any]
    basis: Basis
    at: Callable[[float], MetricValue | Comparison]


@dataclass(frozen=True)
class Judged:
    """A slice, what was seen of it at the level it was last judged at, and the verdict; None where it cannot be judged."""

    part: Part
    found: MetricValue | Comparison
    seen: Seen
    verdict: Verdict | None


def gate(term: Term, parts: Sequence[Part], level: float, *, fewest: int = FEWEST, greater_is_better: bool = True) -> Gate:
    """Judge the slices together.

    Args:
        term: The gate.
        parts: Every slice of the columns.
        level: Confidence level of one gate.
        fewest: Rows from which a slice counts.
        greater_is_better: Direction of the metric, for `not worse than baseline`.
    """
    demand = Demand.of(term, greater_is_better=greater_is_better)
    counted = [part for part in parts if part.basis.rows >= fewest]
    small = [part for part in parts if part.basis.rows < fewest]
    across = " x ".join(term.worst)
    if not counted:
        reason = f"no slice of {across} has {fewest} rows, so nothing can be judged"
        return judge.made(term, None, reason + _small(small, fewest), {"judged": 0, "too_small": [part.name for part in small]})
    ended = stepped_down(counted, demand, level)
    verdict = _overall(ended)
    worst = min(ended, key=lambda one: (_SEVERITY[one.verdict], _badness(one.seen, demand)))
    needed = judge.needed_rows(worst.seen, demand, worst.part.basis) if worst.verdict == "inconclusive" else None
    reason = _reason(term, demand, worst, ended)
    if worst.verdict == "inconclusive":
        reason += settle.sentence(needed, worst.part.basis)
    reason += _others(verdict, worst, ended) + _small(small, fewest)
    observed: dict[str, Any] = worst.found.model_dump(mode="json") | {
        "slice": worst.part.name,
        "judged": len(counted),
        "failing": [one.part.name for one in ended if one.verdict == "fail"],
        "open": [one.part.name for one in ended if one.verdict in {"inconclusive", None}],
        "too_small": [part.name for part in small],
    }
    if term.operator == "not_worse":
        observed["greater_is_better"] = greater_is_better
    return judge.made(term, verdict, reason, observed, where=worst.part.where, needed=needed)


def stepped_down(parts: Sequence[Part], demand: Demand, level: float) -> list[Judged]:
    """Holm's procedure: every slice with the verdict at the level where it was settled, or at the last one tried."""
    first: dict[str, Judged] = {}
    settled: dict[str, Judged] = {}
    left = list(parts)
    while left:
        now = {part.name: _judged(part, demand, _of_family(level, len(left), demand)) for part in left}
        first = first or now
        passed = {name: one for name, one in now.items() if one.verdict == "pass"}
        settled |= passed
        left = [part for part in left if part.name not in passed]
        if not passed:
            settled |= {name: _open(one, first[name], demand) for name, one in now.items()}
            break
    return [settled[part.name] for part in parts]


def _of_family(level: float, size: int, demand: Demand) -> float:
    """The level of each of `size` statements that hold together at `level`. A value without its uncertainty has none."""
    return level if demand.part == "value" else 1 - (1 - level) / size


def _judged(part: Part, demand: Demand, level: float) -> Judged:
    found = part.at(level)
    seen = Seen.of(found)
    return Judged(part, found, seen, demand.judged(seen))


def _open(last: Judged, first: Judged, demand: Demand) -> Judged:
    """A slice that never met the bound. That an interval misses it wholly counts at the level of all slices alone."""
    return first if last.verdict == "fail" and demand.part == "interval" else last


def _overall(ended: Sequence[Judged]) -> Verdict:
    verdicts = {one.verdict for one in ended}
    return "fail" if "fail" in verdicts else "pass" if verdicts == {"pass"} else "inconclusive"


def _badness(seen: Seen, demand: Demand) -> float:
    """Small for the slice that looks worst."""
    if seen.value is None:
        return float("inf")
    return seen.value if demand.upward else -seen.value


def _reason(term: Term, demand: Demand, worst: Judged, ended: Sequence[Judged]) -> str:
    subject = f"{term.metric} in {worst.part.name}, the worst of {numerals.count(len(ended), 'slice')} of {' x '.join(term.worst)},"
    if worst.verdict is None:
        return words.unknown(worst.seen, subject, term)
    if term.operator == "not_worse":
        told = words.not_worse(term, worst.seen, demand, subject, worst.verdict)
    else:
        told = words.judged(worst.seen, demand, subject, worst.verdict)
    if worst.seen.level is None or demand.part == "value" or len(ended) == 1:
        return told
    return f"{told} (at the level {worst.seen.level * 100:.4g} %, by Holm's correction)"


def _others(verdict: Verdict, worst: Judged, ended: Sequence[Judged]) -> str:
    """What the other slices came to."""
    others = [one for one in ended if one is not worst]
    if not others:
        return ""
    parts = []
    for wanted, text in (("fail", "also failing"), ("inconclusive", "also open"), (None, "cannot be judged")):
        names = [one.part.name for one in others if one.verdict == wanted]
        if names:
            parts.append(f"{text}: {_named(names)}")
    if verdict == "pass":
        parts.append("every other slice meets it too" if len(others) > 1 else "the other slice meets it too")
    return "".join(f"; {part}" for part in parts)


def _small(small: Sequence[Part], fewest: int) -> str:
    if not small:
        return ""
    return f"; too small to judge, with fewer than {fewest} rows: {_named([part.name for part in small], [f' ({part.basis.rows:,})' for part in small])}"


def _named(names: Sequence[str], behind: Sequence[str] = ()) -> str:
    """The first names as code, for a name of a cross holds commas."""
    more = len(names) - _LISTED
    told = [f"`{name}`{tail}" for name, tail in zip_longest(names[:_LISTED], behind[:_LISTED], fillvalue="")]
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")
