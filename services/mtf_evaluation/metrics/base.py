"""What the built-in metrics have in common: their description, and the value objects they answer with."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.arguments import NoArgs
from mtf_evaluation.statistics.interval import Interval, around

Floats = NDArray[np.float64]


class Metric(ABC):
    """Description of a metric. Subclasses answer `measured` and, where two models can be compared, `influence`."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    Args: ClassVar[type[BaseModel]] = NoArgs
    tasks: ClassVar[tuple[str, ...]]
    greater_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    summary: ClassVar[str]
    formula: ClassVar[str] = ""
    """The definition in plain text, as a reader would type it; the names are explained where they are not the field's own."""
    undefined_when: ClassVar[str] = "there are no rows"
    """When the answer is null, as the end of the sentence "undefined when"."""
    valid_from: ClassVar[str] = ""
    """The validity region of the interval in a sentence; why there is none where `has_interval` is False."""
    source: ClassVar[str] = ""
    """The paper or library that defines the value and, where it differs, the interval."""
    needs_scores: ClassVar[bool] = False
    has_interval: ClassVar[bool] = True
    """False where no interval is ever given, so that a gate can only judge the value."""

    countable: ClassVar[Literal["never", "rows", "groups"]] = "never"
    """Whether the metric reads scored rows only through sums by weight and through the design, so that one row may stand for many: never, for
    independent rows, or also in groups. Rows beyond memory are read so; a test holds every metric to what it says."""

    def __init__(self, args: BaseModel | None = None) -> None:
        self.args: Any = self.Args() if args is None else args
        """An instance of `Args`: part of the metric's definition."""

    @abstractmethod
    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The value with its interval; undefined is null with a reason."""


def undefined(reason: str, n: int) -> MetricValue:
    """The answer where there is no value."""
    return MetricValue(value=None, n=n, reliable=False, undefined=reason)


def answer(
    value: float,
    interval: Interval,
    *,
    level: float,
    n: int,
    n_effective: float,
    doubt: str | None = None,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    n_classes: int | None = None,
) -> MetricValue:
    """A value with its interval, which holds the value, stays inside the metric's bounds and is never of zero width.

    `doubt` says which condition of the method's validity region does not hold; the interval is then shown but not trusted.
    """
    # Rounding may carry a value past its bound by a digit.
    value = min(max(value, bounds[0]), bounds[1])
    interval = around(interval, value)
    reason = interval.reason if not interval.known else doubt
    lower, upper = interval.lower, interval.upper
    return MetricValue(
        value=value,
        lower=None if lower is None else max(lower, bounds[0]),
        upper=None if upper is None else min(upper, bounds[1]),
        level=level if interval.known else None,
        method=interval.method if interval.known else "none",
        n=n,
        n_effective=n_effective,
        reliable=reason is None,
        reason=reason,
        n_classes=n_classes,
    )
