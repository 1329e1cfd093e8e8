"""Scales on which the estimate of a bounded metric is closer to normal than on its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A strictly increasing map of the metric's inner range onto the real line."""

    name: str
    forward: Callable[[float], float]
    slope: Callable[[float], float]
    inverse: Callable[[float], float]
    inside: Callable[[float], bool]
    """Whether a value lies in the inner range, where the map is finite."""


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _safe_exp(x: float) -> float:
    """`exp` that answers infinity instead of an OverflowError."""
    return math.exp(x) if x < 709.0 else math.inf  # noqa: PLR2004 - the logarithm of the largest float


IDENTITY = Scale("identity", lambda v: v, lambda _: 1.0, lambda x: x, lambda _: True)
"""No transformation."""

LOG = Scale("log", math.log, lambda v: 1 / v, _safe_exp, lambda v: v > 0)
"""For positive losses, whose estimates are skewed to the right."""

LOGIT = Scale("logit", lambda v: math.log(v / (1 - v)), lambda v: 1 / (v * (1 - v)), _expit, lambda v: 0 < v < 1)
"""For shares and areas between 0 and 1."""

ATANH = Scale("atanh", math.atanh, lambda v: 1 / (1 - v * v), math.tanh, lambda v: -1 < v < 1)
"""For correlations between -1 and 1."""

COMPLEMENT = Scale("log1m", lambda v: -math.log(1 - v), lambda v: 1 / (1 - v), lambda x: 1 - _safe_exp(-x), lambda v: v < 1)
"""For scores with the upper bound 1 and no lower one, as R squared."""
