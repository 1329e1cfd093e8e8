"""The table of gates."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from mtf.contracts.report import Gate, Report
from mtf.contracts.stages import Term
from mtf.errors import SpecError
from mtf_evaluation.figures import bars
from mtf_evaluation.gates.grammar import parse


@dataclass(frozen=True)
class Row:
    """One gate."""

    expression: str
    verdict: str
    reason: str
    bar: Markup


def rows(report: Report) -> list[Row]:
    """The gates in the order of the run file."""
    return [Row(gate.expression, gate.verdict, gate.reason, Markup(_bar(gate))) for gate in report.gates]  # noqa: S704 - numbers only


def _bar(gate: Gate) -> str:
    """The interval that was judged, and the bound."""
    seen = gate.observed
    if "difference" not in seen:
        limit = _bound(gate)
        return bars.against(seen.get("value"), seen.get("lower"), seen.get("upper"), limit, gate.verdict)
    return bars.against(seen["difference"], seen.get("lower"), seen.get("upper"), _limit(gate), gate.verdict)


def term_of(gate: Gate) -> Term | None:
    """The gate as it is read today; None for one that another version wrote in words that this one does not know."""
    try:
        return parse(gate.expression, conditions=list(gate.where))
    except SpecError:
        return None


def _bound(gate: Gate) -> float | None:
    term = term_of(gate)
    return None if term is None else term.bound


def _limit(gate: Gate) -> float | None:
    """Where the difference becomes too bad: the margin lies below zero for a metric that should be high, above for one that should be low."""
    margin = _bound(gate)
    if margin is None:
        return None
    if not margin:
        return 0.0
    better = gate.observed.get("greater_is_better")
    return None if better is None else -margin if better else margin
