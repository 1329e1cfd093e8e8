"""Which view of the rows each metric can be read from, and which metrics need every row at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mtf.plugins import RowMetric
from mtf_evaluation.metrics.areas import RocAucOvr
from mtf_evaluation.metrics.base import Metric
from mtf_evaluation.metrics.calibration import ExpectedCalibrationError
from mtf_evaluation.metrics.matrix import MatrixMetric
from mtf_evaluation.metrics.one_vs_rest import OneVsRest
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.metrics.rows import SmoothMetric
from mtf_evaluation.streams.bins import Line, Scale
from mtf_evaluation.streams.views import Confusion, Errors, OneClass, OneLabel, TopLabel, View

CONFUSION, ERRORS, TOP = "confusion", "errors", "top"


@dataclass(frozen=True)
class Plan:
    """How each metric is measured, by canonical name."""

    views: Mapping[str, View]
    """Views to count, by name."""
    moments: Mapping[str, Any]
    """Functions of means."""
    viewed: Mapping[str, tuple[str, Any]]
    """Metrics that are read from a view: the view's name and the metric that reads it."""
    areas: Mapping[str, Any]
    """Means over classes of an area."""
    refused: Mapping[str, str]
    """Metrics that cannot be measured so, with the reason."""

    def only(self, names: Collection[str]) -> Plan:
        """Some of the metrics."""

        def kept(found: Mapping[str, Any]) -> dict[str, Any]:
            return {name: one for name, one in found.items() if name in names}

        return Plan(self.views, kept(self.moments), kept(self.viewed), kept(self.areas), kept(self.refused))


def plan(plugins: Mapping[str, Any], *, task: str, labels: tuple[Any, ...], scale: Scale | None, rows: int, grouped: bool) -> Plan:
    """Sort the metrics by what they need.

    Args:
        plugins: By canonical name.
        task: Of the run.
        labels: Of the run.
        scale: The scores' scale; None without scores.
        rows: How many there are, for the reason.
        grouped: Whether rows depend on each other in groups.
    """
    views: dict[str, View] = {ERRORS: Errors(Line())} if task == "regression" else {CONFUSION: Confusion(task, labels)}
    moments: dict[str, Any] = {}
    viewed: dict[str, tuple[str, Any]] = {}
    areas: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for name, plugin in plugins.items():
        inner = plugin.inner if isinstance(plugin, OneVsRest) else plugin
        if getattr(plugin, "needs_scores", False) and scale is None:
            refused[name] = "the model gave no scores"
        elif isinstance(inner, SmoothMetric) or (not isinstance(inner, Metric) and isinstance(inner, RowMetric)):
            moments[name] = plugin
        elif isinstance(plugin, RocAucOvr) and scale is not None:
            areas[name] = plugin
            views |= {class_view(code): OneClass(code, scale, (False, True)) for code in range(len(labels))}
        else:
            found = _view(plugin, inner, task, labels, scale) if _readable(inner, grouped=grouped) else None
            if found is None:
                refused[name] = f"it needs every row at once, and {rows:,} rows are measured in parts"
            else:
                views[found[0]] = found[1]
                viewed[name] = (found[0], inner)
    return Plan(views, moments, viewed, areas, refused)


def _readable(inner: Any, *, grouped: bool) -> bool:
    """Whether the metric can be read from rows that stand for many."""
    if isinstance(inner, Proportion | MatrixMetric) or getattr(inner, "of_errors", False):
        return True
    countable = getattr(inner, "countable", "never")
    return countable == "groups" or (countable == "rows" and not grouped)


def class_view(code: int) -> str:
    """Name of the view of one class with its scores."""
    return f"class {code}"


def _view(plugin: Any, inner: Any, task: str, labels: tuple[Any, ...], scale: Scale | None) -> tuple[str, View] | None:
    """The smallest view that shows what the metric reads; None where none does."""
    if task == "regression":
        return (ERRORS, Errors(Line())) if getattr(inner, "of_errors", False) else None
    by_labels = isinstance(inner, Proportion | MatrixMetric) or scale is None
    if isinstance(plugin, OneVsRest):
        return (f"label {plugin.code}", OneLabel(plugin.code)) if by_labels else _scored(plugin.code, scale, (False, True))
    if by_labels:
        return CONFUSION, Confusion(task, labels)
    if task == "binary":
        return _scored(1, scale, labels)
    return (TOP, TopLabel(1, scale, (False, True))) if isinstance(plugin, ExpectedCalibrationError) and scale is not None else None


def _scored(code: int, scale: Scale | None, labels: tuple[Any, ...]) -> tuple[str, View] | None:
    return None if scale is None else (class_view(code), OneClass(code, scale, labels))
