"""The table of paired comparisons."""

from __future__ import annotations

from dataclasses import dataclass

from mtf.contracts.report import Comparison, Report
from mtf_evaluation import numerals
from mtf_evaluation.figures.rest import p_text
from mtf_evaluation.slices import name_of


@dataclass(frozen=True)
class Row:
    """One difference, as texts."""

    metric: str
    where: str
    ours: str
    theirs: str
    difference: str
    interval: str
    p: str
    gated: bool
    reliable: bool
    sentence: str


def rows(report: Report) -> list[Row]:
    """The comparisons, those that gates asked for first."""
    return [_row(one) for one in sorted(report.comparisons, key=lambda one: one.family != "gates")]


def _row(one: Comparison) -> Row:
    width = None if one.lower is None or one.upper is None else one.upper - one.lower
    known = one.lower is not None and one.upper is not None
    interval = f"{_signed(one.lower, width)} to {_signed(one.upper, width)}" if known else ""
    return Row(
        metric=one.metric,
        where=name_of(one.where),
        ours=numerals.number(one.value, width),
        theirs=numerals.number(one.baseline_value, width),
        difference=_signed(one.difference, width),
        interval=interval,
        p=p_text(one.p_value if one.p_adjusted is None else one.p_adjusted),
        gated=one.family == "gates",
        reliable=one.reliable,
        sentence=_said(one),
    )


def _said(one: Comparison) -> str:
    """The part of the sentence that the numbers beside it do not say already, and why the interval should not be trusted."""
    if one.undefined:
        return one.undefined
    told = one.sentence.partition("). ")[2] or one.sentence
    return " ".join(part for part in (told, "" if one.reason is None or one.reason in told else f"{one.reason}.") if part)


def _signed(value: float | None, width: float | None) -> str:
    shown = numerals.number(value, width)
    return f"+{shown}" if value is not None and value > 0 and shown != numerals.number(0.0, width) else shown
