"""The plots of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mtf.contracts.report import Report
from mtf_evaluation.figures import classification, regression
from mtf_evaluation.figures.forest import forest
from mtf_evaluation.figures.svg import Figure
from mtf_evaluation.page.gates import term_of

_DRAW: Mapping[str, Callable[[Mapping[str, Any]], Figure]] = {
    "confusion": classification.confusion,
    "roc": classification.roc,
    "precision_recall": classification.precision_recall,
    "reliability": classification.reliability,
    "scores": classification.scores,
    "predicted_actual": regression.predicted_actual,
    "residuals": regression.residuals,
    "residuals_predicted": regression.residuals_predicted,
}

FORESTS = 12
"""Metrics that get a forest of their slices."""


def figures(report: Report) -> list[Figure]:
    """The plots whose data the report carries, in a fixed order. Names that this version does not know are left out."""
    return [draw(report.plots[name]) for name, draw in _DRAW.items() if report.plots.get(name)]


def forests(report: Report) -> list[Figure]:
    """One figure for each metric that has slices: first what gates ask for, then the rest."""
    terms = [term_of(gate) for gate in report.gates]
    gated = [term.metric for term in terms if term is not None]
    names = list(dict.fromkeys([*(name for name in gated if name in report.metrics), *report.metrics]))
    drawn = (forest(name, report.metrics[name], report.slices) for name in names)
    return [figure for figure in drawn if figure is not None][:FORESTS]
