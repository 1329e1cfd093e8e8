"""Predicted against actual, residuals against predicted, and the histogram of the residuals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import svg
from mtf_evaluation.figures.svg import Figure, Table


def predicted_actual(data: Mapping[str, Any]) -> Figure:
    """Prediction over truth; on the diagonal they agree."""
    x, y = svg.across(*data["x_range"]), svg.up(*data["y_range"])
    low, high = data["x_range"]
    body = svg.axes(x, y, "actual", "predicted") + _cloud(data, x, y, ("actual", "predicted"))
    body += svg.element("path", d=svg.path([x(low), x(high)], [y(low), y(high)]), class_="guide")
    caption = "On the dashed diagonal prediction and truth agree." + _note(data)
    return Figure("predicted-actual", "Predicted against actual", caption, svg.picture(body, "Predicted against actual"), [_summary(data)])


def residuals_predicted(data: Mapping[str, Any]) -> Figure:
    """Residual over prediction."""
    x, y = svg.across(*data["x_range"]), svg.up(*data["y_range"])
    low, high = data["x_range"]
    body = svg.axes(x, y, "predicted", "residual") + _cloud(data, x, y, ("predicted", "residual"))
    body += svg.element("path", d=svg.path([x(low), x(high)], [y(0.0), y(0.0)]), class_="guide")
    caption = "Residual = predicted - actual; a pattern around the dashed line is something that the model has not learned." + _note(data)
    return Figure(
        "residuals-predicted", "Residuals against predicted", caption, svg.picture(body, "Residuals against predicted"), [_summary(data)]
    )


def residuals(data: Mapping[str, Any]) -> Figure:
    """Histogram of the residuals."""
    edges, counts = data["edges"], data["counts"]
    x, y = svg.across(edges[0], edges[-1]), svg.up(0, max(counts) * 1.05 or 1.0)
    body = svg.axes(x, y, "residual (predicted - actual)", "rows")
    width = edges[-1] - edges[0]
    names = [f"{numerals.number(a, width / 10)} to {numerals.number(b, width / 10)}" for a, b in pairwise(edges)]
    for start, end, count, name in zip(edges[:-1], edges[1:], counts, names, strict=True):
        if count:
            said = svg.title(f"{name}: {numerals.count(count, 'row')}")
            body += svg.element(
                "rect", said, x=x(start) + 0.5, y=y(count), width=max(0.5, x(end) - x(start) - 1), height=y(0) - y(count), class_="s0 bar"
            )
    if edges[0] < 0 < edges[-1]:
        body += svg.element("path", d=f"M{x(0):.1f} {svg.TOP}V{svg.HEIGHT - svg.BOTTOM}", class_="guide")
    rows = [[name, f"{count:,}"] for name, count in zip(names, counts, strict=True)]
    caption = "Right of the dashed line the model answered too much, left of it too little." + _outside(data)
    return Figure("residuals", "Residuals", caption, svg.picture(body, "Histogram of residuals"), [Table(["residual", "rows"], rows)])


def _cloud(data: Mapping[str, Any], x: svg.Scale, y: svg.Scale, names: tuple[str, str]) -> str:
    if "points" in data:
        marks = "".join(f"M{x(a):.1f} {y(b):.1f}h0" for a, b in zip(*data["points"], strict=True))
        return svg.element("path", d=marks, class_="points")
    grid = data["grid"]
    wide, tall = (x.end - x.start) / grid, (y.start - y.end) / grid
    across, upward = (x.high - x.low) / grid, (y.high - y.low) / grid
    most = max((count for _, _, count in data["cells"]), default=1)
    drawn = []
    for i, j, count in data["cells"]:
        a, b = x.low + i * across, y.low + j * upward
        said = svg.title(
            f"{names[0]} {numerals.number(a, across * 9)} to {numerals.number(a + across, across * 9)}, "
            f"{names[1]} {numerals.number(b, upward * 9)} to {numerals.number(b + upward, upward * 9)}: {numerals.count(count, 'row')}"
        )
        shade = 0.12 + 0.88 * math.log1p(count) / math.log1p(most)
        drawn.append(
            svg.element("rect", said, x=x(a), y=y(b + upward), width=wide, height=tall, class_="cell", fill_opacity=f"{shade:.2f}")
        )
    return "".join(drawn)


def _summary(data: Mapping[str, Any]) -> Table:
    def shown(value: float | None) -> str:
        return numerals.number(value)

    rows = [
        [
            f"{shown(one['from'])} to {shown(one['to'])}",
            f"{one['rows']:,}",
            *(shown(one[word]) for word in ("predicted", "actual", "bias", "rmse")),
        ]
        for one in data["summary"]
    ]
    return Table(["predicted", "rows", "mean predicted", "mean actual", "bias", "rmse"], rows)


def _note(data: Mapping[str, Any]) -> str:
    how = "" if "points" in data else " Darker cells hold more rows (logarithmic)."
    return how + _outside(data)


def _outside(data: Mapping[str, Any]) -> str:
    return f" {numerals.count(data['outside'], 'row')} lie beyond the axes." if data["outside"] else ""
