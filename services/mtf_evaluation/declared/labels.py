"""What slices are called: values as people write them, and intervals such as `[18, 30)`."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

MISSING = "(missing)"
"""How a slice of rows without a value is called."""

_QUANTILE = re.compile(r"(Q\d+) \[")


def text(value: Any) -> str:
    """A slice value as people read and write it."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - beyond it floats skip integers
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


def means(written: str, value: Any) -> bool:
    """Whether a value as a gate writes it is this value: `1`, `1.0` and `true` are what they say, and `Q1` a quantile's interval."""
    shown = text(value)
    if written == shown:
        return True
    if isinstance(value, bool):
        return written.lower() == shown
    if isinstance(value, int | float):
        try:
            return float(written) == float(value)
        except ValueError:
            return False
    quantile = _QUANTILE.match(shown)
    return (quantile is not None and written == quantile.group(1)) or ("[" in shown and _close(written) == _close(shown))


def of_bins(edges: list[Any]) -> list[str]:
    """Labels of the bins that rising edges make, from below the first to above the last."""
    shown = [text(edge) for edge in edges]
    inner = [f"[{low}, {high})" for low, high in pairwise(shown)]
    return [f"below {shown[0]}", *inner, f"{shown[-1]} and above"]


def of_quantiles(edges: list[Any]) -> list[str]:
    """Labels of the parts between quantiles; the last one holds its upper edge."""
    shown = [_short(edge) for edge in edges]
    if len(set(shown)) < len(edges):
        shown = [text(edge) for edge in edges]
    last = max(len(edges) - 2, 0)
    return [f"Q{place + 1} [{shown[place]}, {shown[place + 1]}{']' if place == last else ')'}" for place in range(len(edges) - 1)]


def _short(edge: Any) -> str:
    """Six significant digits are enough to read; the report has the edge itself."""
    return text(float(f"{edge:.6g}")) if isinstance(edge, float) else text(edge)


def _close(label: str) -> str:
    return label.replace(" ", "")
