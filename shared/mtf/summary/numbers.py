"""Numbers of a summary: as many digits as the interval leaves room for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_MOST = 8
_PLAIN_BELOW, _SMALLEST = 1e7, 1e-6


def number(value: float | None, width: float | None = None) -> str:
    """Two digits of an interval of `width`; without one four significant digits. Null is a dash."""
    if value is None:
        return "\N{EN DASH}"
    if value and (abs(value) >= _PLAIN_BELOW or abs(value) < _SMALLEST):
        return f"{value:.3e}"
    size = width / 10 if width else abs(value) / 1000
    places = 3 if size <= 0 else min(_MOST, max(0, -math.floor(math.log10(size))))
    return f"{value:,.{places}f}"


def interval(found: Mapping[str, Any]) -> str:
    """`0.874 to 0.941`; empty where there is none."""
    lower, upper = found.get("lower"), found.get("upper")
    if lower is None or upper is None:
        return ""
    return f"{number(lower, upper - lower)} to {number(upper, upper - lower)}"


def shown(found: Mapping[str, Any], key: str = "value") -> str:
    """The value with the digits of its interval."""
    lower, upper = found.get("lower"), found.get("upper")
    return number(found.get(key), None if lower is None or upper is None else upper - lower)
