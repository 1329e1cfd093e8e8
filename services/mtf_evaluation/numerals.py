"""How numbers are written for people: as many digits as the uncertainty leaves room for, and never fewer than an argument needs."""

from __future__ import annotations

import math

MOST_DECIMALS = 8
DASH = "\N{EN DASH}"
"""Stands where there is no number."""
_PLAIN_BELOW = 1e7
_SMALLEST = 1e-6


def decimals(value: float, width: float | None) -> int:
    """Decimals that show two digits of an interval of `width`; without one, four significant digits of the value."""
    if width is not None and math.isfinite(width) and width > 0:
        wanted = 1 - math.floor(math.log10(width))
    elif value and math.isfinite(value):
        wanted = 3 - math.floor(math.log10(abs(value)))
    else:
        wanted = 3
    return min(MOST_DECIMALS, max(0, wanted))


def number(value: float | None, width: float | None = None, *, places: int | None = None) -> str:
    """One number. Null is a dash, very large and very small ones are written with an exponent."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value and (abs(value) >= _PLAIN_BELOW or abs(value) < _SMALLEST):
        return f"{value:.3e}"
    shown = f"{value:,.{decimals(value, width) if places is None else places}f}"
    return shown.removeprefix("-") if float(shown.replace(",", "")) == 0 else shown


def interval(value: float, lower: float | None, upper: float | None, *, against: float | None = None) -> str:
    """`0.912 (0.874 to 0.941)`. With `against` the ends get the digits that tell them from that bound."""
    if lower is None or upper is None:
        return number(value)
    places = decimals(value, upper - lower)
    if against is not None:
        while places < MOST_DECIMALS and any(
            end != against and number(end, places=places) == number(against, places=places) for end in (value, lower, upper)
        ):
            places += 1
    return f"{number(value, places=places)} ({number(lower, places=places)} to {number(upper, places=places)})"


def count(value: int, noun: str, plural: str | None = None) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{value:,} {noun if value == 1 else plural or noun + 's'}"


def about(value: float) -> str:
    """A large count in two digits: `640`, `12,000`, `3.4 million`."""
    if value <= 0 or not math.isfinite(value):
        return "no number of"
    step = 10 ** max(0, math.floor(math.log10(value)) - 1)
    rounded = math.ceil(value / step) * step
    million = 1_000_000
    return f"{rounded / million:,.3g} million" if rounded >= million else f"{rounded:,}"
