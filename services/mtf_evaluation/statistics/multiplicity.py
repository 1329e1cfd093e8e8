"""Corrections for asking many questions of one test set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down p-values (1979): the chance of any false discovery in the family stays below the level."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * (p.size - np.arange(p.size)))
    return _in_place(np.minimum(raised, 1.0), order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up p-values (1995): the share of false discoveries among all discoveries stays below the level."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    raised = p[order] * p.size / np.arange(1, p.size + 1)
    lowered = np.minimum.accumulate(raised[::-1])[::-1]
    return _in_place(np.minimum(lowered, 1.0), order)


def _in_place(ordered: NDArray[np.float64], order: NDArray[np.intp]) -> list[float]:
    result = np.empty_like(ordered)
    result[order] = ordered
    return [float(p) for p in result]
