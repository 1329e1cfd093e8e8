"""The plots of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mtf.contracts.report import Report
from mtf_evaluation.figures import comparison, confusion, curves, errors, regression, scores, thresholds
from mtf_evaluation.figures.forest import forest
from mtf_evaluation.figures.svg import Figure
from mtf_evaluation.page.gates import term_of
from mtf_evaluation.slices import name_of

_DRAW: Mapping[str, tuple[Callable[[Mapping[str, Any]], Figure], ...]] = {
    "confusion": (confusion.confusion,),
    "classes": (confusion.classes,),
    "roc": (curves.roc,),
    "precision_recall": (curves.precision_recall,),
    "reliability": (scores.reliability,),
    "scores": (scores.distributions,),
    "thresholds": (thresholds.thresholds,),
    "gain": (thresholds.gain, thresholds.lift),
    "predicted_actual": (regression.predicted_actual,),
    "residuals_predicted": (regression.residuals_predicted,),
    "residuals": (regression.residuals,),
    "residual_quantiles": (regression.residual_quantiles,),
}

FORESTS = 12
"""Metrics that get a forest of their slices."""


def figures(report: Report) -> list[Figure]:
    """The plots whose data the report carries, in a fixed order. Names that this version does not know are left out."""
    found = [draw(report.plots[name]) for name, each in _DRAW.items() if report.plots.get(name) for draw in each]
    if (report.plots.get("thresholds") or {}).get("costs"):
        found.append(thresholds.costs(report.plots["thresholds"]))
    return [one for one in found if one.svg or one.tables]


def by_column(report: Report) -> list[Figure]:
    """The error over each column that the report has."""
    return errors.errors(report.plots["errors"]) if report.plots.get("errors") else []


def forests(report: Report) -> list[Figure]:
    """One figure for each metric that has slices: first what gates ask for, then the rest."""
    drawn = (forest(name, report.metrics[name], report.slices) for name in ordered(report))
    found = [figure for figure in drawn if figure is not None][:FORESTS]
    return [replace(figure, key=f"forest-{index}") for index, figure in enumerate(found)]


def ordered(report: Report) -> list[str]:
    """The metrics of the report, those that gates name first."""
    terms = [term_of(gate) for gate in report.gates]
    gated = [term.metric for term in terms if term is not None]
    return list(dict.fromkeys([*(name for name in gated if name in report.metrics), *report.metrics]))


def comparisons(report: Report) -> list[Figure]:
    """The differences from the baseline, drawn."""
    return comparison.forests(report.comparisons, [name_of(one.where) for one in report.comparisons])
