"""The costs of right and wrong answers that a report's metrics name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtf_evaluation.catalogue import resolve

METRIC = "expected_cost"
_CELLS = {"tp": "true_positive", "fp": "false_positive", "fn": "false_negative", "tn": "true_negative"}


@dataclass(frozen=True)
class Cost:
    """What one row costs, by truth and answer."""

    name: str
    tp: float
    fp: float
    fn: float
    tn: float


def costs_of(metrics: Sequence[str]) -> list[Cost]:
    """The costs of every expected cost among the metrics."""
    return [_cost(name) for name in metrics if name.partition("(")[0] == METRIC]


def _cost(name: str) -> Cost:
    _, _, args = resolve(name, where="evaluation.metrics")
    return Cost(name, **{short: float(getattr(args, cell)) for short, cell in _CELLS.items()})
