"""A slice beside the rest, in words."""

from __future__ import annotations

from mtf.contracts.report import RestComparison
from mtf_evaluation import numerals


def sentence(metric: str, one: RestComparison) -> str:
    """`recall is 0.51, and 0.60 in the 10,860 other rows: a difference of -0.10 (95 % interval -0.14 to -0.05), p < 0.0001 (...)`."""
    others = numerals.count(one.n_rest, "other row")
    if one.undefined is not None or one.difference is None:
        return f"{metric} cannot be compared with the {others}: {one.undefined or 'it is undefined'}."
    width = None if one.lower is None or one.upper is None else one.upper - one.lower
    head = f"{metric} is {numerals.number(one.value, width)}, and {numerals.number(one.rest, width)} in the {others}"
    apart = f"a difference of {_signed(one.difference, width)}"
    if one.lower is None or one.upper is None:
        return f"{head}: {apart}; {one.reason or 'it has no interval'}."
    level = "" if one.level is None else f"{one.level * 100:g} % "
    told = f"{head}: {apart} ({level}interval {_signed(one.lower, width)} to {_signed(one.upper, width)})"
    if one.p_adjusted is not None:
        over = f" (Benjamini-Hochberg over {numerals.count(one.tests, 'slice')})" if one.tests > 1 else ""
        told += f", {_p(one.p_adjusted)}{over}"
    doubt = "" if one.reliable or not one.reason else f" Not reliable: {one.reason}."
    return f"{told}.{doubt}"


def _signed(value: float, width: float | None) -> str:
    shown = numerals.number(value, width)
    return shown if shown.startswith("-") or value == 0 else f"+{shown}"


def _p(p: float) -> str:
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"  # noqa: PLR2004 - what a reader can imagine
