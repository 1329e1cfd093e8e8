"""Three verdicts: the whole interval meets the bound, none of it does, or the rows do not settle it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mtf.contracts.report import Comparison, Gate, MetricValue, Verdict
from mtf.contracts.stages import Term
from mtf_evaluation.gates import words

_MEETS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": lambda value, bound: value >= bound,
    ">": lambda value, bound: value > bound,
    "<=": lambda value, bound: value <= bound,
    "<": lambda value, bound: value < bound,
}
_SEVERITY: Mapping[Verdict, int] = {"pass": 0, "inconclusive": 1, "fail": 2}


def overall(gates: list[Gate]) -> Verdict | None:
    """The run's verdict: fail beats inconclusive beats pass; None without gates."""
    return max((gate.verdict for gate in gates), key=_SEVERITY.__getitem__, default=None)


def of_interval(operator: str, bound: float, lower: float, upper: float) -> Verdict:
    """Whether all, none or a part of [lower, upper] meets the bound."""
    meets = _MEETS[operator]
    ends = meets(lower, bound), meets(upper, bound)
    return "pass" if all(ends) else "inconclusive" if any(ends) else "fail"


def metric(term: Term, value: MetricValue, subject: str) -> Gate:
    """Judge a bound on a metric. `subject` names it in the reason, with its slice."""
    verdict, reason = _metric(term, value, subject)
    return Gate(expression=term.expression, verdict=verdict, reason=reason, observed=value.model_dump(mode="json"))


def _metric(term: Term, value: MetricValue, subject: str) -> tuple[Verdict, str]:
    if value.value is None:
        return "inconclusive", words.undefined(subject, value.undefined)
    if not value.reliable:
        return "inconclusive", words.unreliable(subject, value)
    if term.point:
        verdict: Verdict = "pass" if _MEETS[term.operator](value.value, term.bound) else "fail"
        return verdict, words.point(term, value, subject, verdict)
    if value.lower is None or value.upper is None:
        return "inconclusive", words.no_interval(subject, value, term)
    verdict = of_interval(term.operator, term.bound, value.lower, value.upper)
    return verdict, words.bound(term, value, subject, verdict)


def comparison(term: Term, found: Comparison, subject: str, *, greater_is_better: bool) -> Gate:
    """Judge `not worse than baseline by m`: the paired difference, turned so that larger is better, is at least -m."""
    observed = found.model_dump(mode="json") | {"greater_is_better": greater_is_better}
    if found.difference is None:
        verdict, reason = "inconclusive", words.undefined(f"the difference in {subject}", found.undefined)
        return Gate(expression=term.expression, verdict=verdict, reason=reason, observed=observed)
    if not found.reliable:
        return Gate(
            expression=term.expression, verdict="inconclusive", reason=words.unreliable_difference(subject, found), observed=observed
        )
    if found.lower is None or found.upper is None:
        return Gate(
            expression=term.expression,
            verdict="inconclusive",
            reason=f"the difference in {subject} has no interval, so nothing can be said about it with confidence",
            observed=observed,
        )
    ends = (found.lower, found.upper) if greater_is_better else (-found.upper, -found.lower)
    judged = of_interval(">=", -term.bound, *ends)
    return Gate(
        expression=term.expression,
        verdict=judged,
        reason=words.not_worse(term, found, subject, judged, greater_is_better=greater_is_better),
        observed=observed,
    )
