"""Three verdicts: the whole interval meets the bound, none of it does, or the rows do not settle it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtf.contracts.report import Comparison, Gate, MetricValue, Verdict
from mtf.contracts.stages import Term
from mtf_evaluation.gates import settle, words
from mtf_evaluation.gates.demand import Demand, Seen
from mtf_evaluation.gates.settle import Basis

_SEVERITY: Mapping[Verdict, int] = {"pass": 0, "inconclusive": 1, "fail": 2}


def overall(gates: list[Gate]) -> Verdict | None:
    """The run's verdict: fail beats inconclusive beats pass; None without gates."""
    return max((gate.verdict for gate in gates), key=_SEVERITY.__getitem__, default=None)


def metric(term: Term, value: MetricValue, subject: str, *, basis: Basis | None = None, where: Mapping[str, Any] | None = None) -> Gate:
    """Judge a bound on a metric.

    Args:
        term: The gate.
        value: What was measured.
        subject: The metric in the reason's words, with its slice.
        basis: The rows behind the value; those that entered it, where nothing else is known.
        where: The slice.
    """
    seen, demand = Seen.of(value), Demand.of(term)
    verdict = demand.judged(seen)
    rows = basis or Basis(value.n, value.n, value.n_effective)
    needed: int | None = None
    if verdict is None:
        reason = words.unknown(seen, subject, term)
    else:
        reason = words.judged(seen, demand, subject, verdict)
        if verdict == "inconclusive":
            needed = needed_rows(seen, demand, rows)
            reason += settle.sentence(needed, rows)
    return made(term, verdict, reason, value.model_dump(mode="json"), where=where, needed=needed)


def comparison(
    term: Term,
    found: Comparison,
    subject: str,
    *,
    greater_is_better: bool,
    basis: Basis | None = None,
    where: Mapping[str, Any] | None = None,
) -> Gate:
    """Judge `not worse than baseline by m`: the paired difference, turned so that larger is better, is at least -m."""
    seen, demand = Seen.of(found), Demand.of(term, greater_is_better=greater_is_better)
    verdict = demand.judged(seen)
    rows = basis or Basis(found.n, found.n)
    needed: int | None = None
    if verdict is None:
        reason = words.unknown(seen, f"the difference in {subject}", term)
    else:
        reason = words.not_worse(term, seen, demand, subject, verdict)
        if verdict == "inconclusive":
            needed = needed_rows(seen, demand, rows)
            reason += settle.sentence(needed, rows)
    observed = found.model_dump(mode="json") | {"greater_is_better": greater_is_better}
    return made(term, verdict, reason, observed, where=where, needed=needed)


def needed_rows(seen: Seen, demand: Demand, basis: Basis) -> int | None:
    """Rows that would settle a number whose interval holds the bound."""
    if seen.value is None or seen.lower is None or seen.upper is None:
        return None
    return settle.rows_needed(seen.value, seen.lower, seen.upper, demand.bound, basis.rows)


def made(
    term: Term,
    verdict: Verdict | None,
    reason: str,
    observed: Mapping[str, Any],
    *,
    where: Mapping[str, Any] | None = None,
    needed: int | None = None,
) -> Gate:
    """The gate as the report holds it; what could not be judged is inconclusive."""
    return Gate(
        expression=term.expression,
        verdict=verdict or "inconclusive",
        reason=reason,
        observed=dict(observed),
        metric=term.metric,
        where=dict(where or {}),
        rows_needed=needed,
    )
