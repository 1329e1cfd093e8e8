"""A slice against the rest of the rows, where the report has compared them."""

from __future__ import annotations

from dataclasses import dataclass

from mtf.contracts.report import SliceReport
from mtf_evaluation import numerals

SMALL = 0.001


@dataclass(frozen=True)
class Rest:
    """The difference of a slice from all other rows."""

    difference: float | None
    lower: float | None
    upper: float | None
    p_adjusted: float | None
    apart: bool
    """Whether the difference stands after the correction for the number of slices."""
    words: str


def rest_of(part: SliceReport, metric: str) -> Rest | None:
    """What the report says of a slice against the rest; None where it says nothing."""
    found = part.versus_rest.get(metric)
    if found is None:
        return None
    p = found.p_value if found.p_adjusted is None else found.p_adjusted
    alpha = 1 - (found.level or 0.95)
    apart = found.difference is not None and p is not None and p < alpha and found.reliable
    return Rest(found.difference, found.lower, found.upper, p, apart, _words(found.difference, found.lower, found.upper, p))


def _words(difference: float | None, lower: float | None, upper: float | None, p: float | None) -> str:
    if difference is None:
        return "no comparison with the rest"
    sign = "+" if difference > 0 else ""
    return f"against the rest {sign}{numerals.interval(difference, lower, upper)}, adjusted p {p_text(p)}"


def p_text(value: float | None) -> str:
    """A p-value in three digits."""
    if value is None:
        return numerals.DASH
    return f"< {SMALL}" if value < SMALL else f"{value:.3f}"
