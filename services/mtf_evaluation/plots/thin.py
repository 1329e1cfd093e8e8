"""Numbers short enough for a report, and labels as text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 6
"""Significant digits: far below a pixel."""


def short(values: Iterable[float | None] | NDArray[Any]) -> list[float | None]:
    """Numbers with `DIGITS` significant digits; null for what is not finite."""
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in np.asarray(list(values), dtype=np.float64)]


def label(value: Any) -> str:
    """A class label as people read it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
