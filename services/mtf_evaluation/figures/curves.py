"""ROC and precision-recall curves, with bands where one curve stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import axes, svg
from mtf_evaluation.figures.svg import Figure, Table

_PLACES = 40
"""Points of a curve that tell their values, and rows of its table."""


def roc(data: Mapping[str, Any]) -> Figure:
    """True-positive rate over false-positive rate."""
    x, y = axes.across(0, 1), axes.up(0, 1)
    names = ("false-positive rate", "true-positive rate")
    body = axes.axes(x, y, *names)
    body += svg.element("path", d=svg.path([x(0), x(1)], [y(0), y(1)]), class_="guide")
    caption = "The dashed diagonal is guessing." + _rest(data)
    for curve in data["curves"]:
        if "y_lower" in curve:
            upper = [(x(a), y(b)) for a, b in zip(curve["x_lower"], curve["y_upper"], strict=True)]
            lower = [(x(a), y(b)) for a, b in zip(curve["x_upper"], curve["y_lower"], strict=True)]
            body += svg.area(upper, lower, "s0")
            caption += f" The band holds both rates of a threshold together in {data['level'] * 100:g} % of test sets."
    body += _lines(data["curves"], x, y, names)
    tables = [_table(curve, names, data) for curve in data["curves"]]
    return Figure("roc", "ROC curve", caption, svg.picture(body, "ROC curve"), tables, _legend(data))


def precision_recall(data: Mapping[str, Any]) -> Figure:
    """Precision over recall."""
    x, y = axes.across(0, 1), axes.up(0, 1)
    names = ("recall", "precision")
    body = axes.axes(x, y, *names)
    alone = len(data["curves"]) == 1
    if alone:
        share = data["curves"][0]["share"]
        guess = svg.title(f"share of the class: {share:.3f}")
        body += svg.element("path", guess, d=svg.path([x(0), x(1)], [y(share), y(share)]), class_="guide")
    caption = ("The dashed line is guessing: the share of the class." if alone else "One curve for each class.") + _rest(data)
    for curve in data["curves"]:
        if "y_lower" in curve:
            body += svg.band(
                [x(one) for one in curve["x"]], [y(one) for one in curve["y_lower"]], [y(one) for one in curve["y_upper"]], "s0"
            )
            caption += f" The band is the {data['level'] * 100:g} % interval of the precision at each threshold (Wilson)."
    body += _lines(data["curves"], x, y, names, steps=True)
    tables = [_table(curve, names, data) for curve in data["curves"]]
    return Figure("precision-recall", "Precision and recall", caption, svg.picture(body, "Precision-recall curve"), tables, _legend(data))


def _lines(curves: Sequence[Mapping[str, Any]], x: axes.Scale, y: axes.Scale, names: tuple[str, str], *, steps: bool = False) -> str:
    drawn, places = "", ""
    for index, curve in enumerate(curves):
        xs, ys = [x(value) for value in curve["x"]], [y(value) for value in curve["y"]]
        line = _steps(xs, ys) if steps else svg.path(xs, ys)
        drawn += svg.element("path", d=line, class_=f"s{index} line")
        named = f"{curve['label']}: " if len(curves) > 1 else ""
        places += "".join(svg.hit(named + _said(curve, at, names), xs[at], ys[at]) for at in _some(len(xs)))
    return drawn + places


def _steps(xs: Sequence[float], ys: Sequence[float]) -> str:
    """Precision between two recalls is that of the higher one; a straight line would promise more than any threshold gives."""
    return f"M{svg.plain(xs[0])} {svg.plain(ys[0])}" + "".join(
        f"V{svg.plain(y)}H{svg.plain(right)}" for (_, right), y in zip(pairwise(xs), ys[1:], strict=True)
    )


def _some(count: int) -> list[int]:
    """Positions spread evenly, both ends among them."""
    most = min(count, _PLACES)
    return sorted({round(at * (count - 1) / max(1, most - 1)) for at in range(most)})


def _said(curve: Mapping[str, Any], at: int, names: tuple[str, str]) -> str:
    threshold = _threshold(curve, at)
    return (f"threshold {threshold}: " if threshold else "") + ", ".join(
        f"{name} {_value(curve, axis, at)}" for axis, name in zip("xy", names, strict=True)
    )


def _threshold(curve: Mapping[str, Any], at: int) -> str:
    value = curve["threshold"][at] if "threshold" in curve else None
    return "" if value is None else f"{value:.4g}"


def _value(curve: Mapping[str, Any], axis: str, at: int) -> str:
    shown = f"{curve[axis][at]:.3f}"
    if f"{axis}_lower" not in curve or curve[f"{axis}_lower"][at] is None:
        return shown
    return f"{shown} ({curve[f'{axis}_lower'][at]:.3f} to {curve[f'{axis}_upper'][at]:.3f})"


def _table(curve: Mapping[str, Any], names: tuple[str, str], data: Mapping[str, Any]) -> Table:
    """Every few points of a curve; the whole of it stands in the JSON report."""
    cut = "threshold" in curve
    rows = [
        [*([_threshold(curve, at) or numerals.DASH] if cut else []), *(_value(curve, axis, at) for axis in "xy")]
        for at in _some(len(curve["x"]))
    ]
    named = f"{curve['label']}: " if data["one_vs_rest"] else ""
    return Table([*(["threshold"] if cut else []), f"{named}{names[0]}", names[1]], rows)


def _legend(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"s{index}", curve["label"]) for index, curve in enumerate(data["curves"])] if data["one_vs_rest"] else []


def _rest(data: Mapping[str, Any]) -> str:
    if not data["one_vs_rest"]:
        return f" Positive class: {data['curves'][0]['label']}."
    shown = len(data["curves"])
    more = f" The {shown} most frequent of {data['classes']} classes are shown." if shown < data["classes"] else ""
    return f" Each class is held against all others.{more}"
