"""Predicted against actual, residuals against predicted, and how residuals are distributed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import axes, svg
from mtf_evaluation.figures.svg import Figure, Table


def predicted_actual(data: Mapping[str, Any]) -> Figure:
    """Prediction over truth; on the diagonal they agree."""
    x, y = axes.across(*data["x_range"]), axes.up(*data["y_range"])
    low, high = data["x_range"]
    body = axes.axes(x, y, "actual", "predicted") + _cloud(data, x, y, ("actual", "predicted"))
    body += svg.element("path", d=svg.path([x(low), x(high)], [y(low), y(high)]), class_="guide")
    caption = "On the dashed diagonal prediction and truth agree." + _note(data)
    return Figure("predicted-actual", "Predicted against actual", caption, svg.picture(body, "Predicted against actual"), [_summary(data)])


def residuals_predicted(data: Mapping[str, Any]) -> Figure:
    """Residual over prediction."""
    x, y = axes.across(*data["x_range"]), axes.up(*data["y_range"])
    low, high = data["x_range"]
    body = axes.axes(x, y, "predicted", "residual") + _cloud(data, x, y, ("predicted", "residual"))
    body += svg.element("path", d=svg.path([x(low), x(high)], [y(0.0), y(0.0)]), class_="guide") + _means(data, x, y)
    caption = "Residual = predicted - actual; a pattern around the dashed line is something that the model has not learned."
    if any("bias_lower" in one for one in data["summary"]):
        caption += f" Orange points are the mean residual of tenths of the rows, bars their {data['level'] * 100:g} % intervals."
    caption += _note(data)
    return Figure(
        "residuals-predicted", "Residuals against predicted", caption, svg.picture(body, "Residuals against predicted"), [_summary(data)]
    )


def _means(data: Mapping[str, Any], x: axes.Scale, y: axes.Scale) -> str:
    """Mean residual of each tenth of the rows, with its interval, at its mean prediction."""
    body = ""
    for one in data["summary"]:
        if one.get("bias_lower") is None or one["predicted"] is None:
            continue
        at = x(one["predicted"])
        body += svg.element("path", d=f"M{at:.1f} {y(one['bias_lower']):.1f}V{y(one['bias_upper']):.1f}", class_="s1 whisker halo")
        said = f"predicted {numerals.number(one['from'])} to {numerals.number(one['to'])}: mean residual {_bias(one)}, {numerals.count(one['rows'], 'row')}"
        body += svg.element("circle", svg.title(said), cx=at, cy=y(one["bias"]), r=4, class_="s1 dot halo")
    return body


def _bias(one: Mapping[str, Any]) -> str:
    if one["bias"] is None:
        return numerals.DASH
    return numerals.interval(one["bias"], one.get("bias_lower"), one.get("bias_upper"))


def residuals(data: Mapping[str, Any]) -> Figure:
    """Histogram of the residuals."""
    edges, counts = data["edges"], data["counts"]
    x, y = axes.across(edges[0], edges[-1]), axes.up(0, max(counts) * 1.05 or 1.0)
    body = axes.axes(x, y, "residual (predicted - actual)", "rows")
    width = edges[-1] - edges[0]
    names = [f"{numerals.number(a, width / 10)} to {numerals.number(b, width / 10)}" for a, b in pairwise(edges)]
    for start, end, count, name in zip(edges[:-1], edges[1:], counts, names, strict=True):
        if count:
            said = svg.title(f"{name}: {numerals.count(count, 'row')}")
            body += svg.element(
                "rect", said, x=x(start) + 0.5, y=y(count), width=max(0.5, x(end) - x(start) - 1), height=y(0) - y(count), class_="s0 bar"
            )
    if edges[0] < 0 < edges[-1]:
        body += svg.element("path", d=f"M{x(0):.1f} {axes.TOP}V{svg.HEIGHT - axes.BOTTOM}", class_="guide")
    rows = [[name, f"{count:,}"] for name, count in zip(names, counts, strict=True)]
    caption = "Right of the dashed line the model answered too much, left of it too little." + _outside(data)
    return Figure("residuals", "Residuals", caption, svg.picture(body, "Histogram of residuals"), [Table(["residual", "rows"], rows)])


def residual_quantiles(data: Mapping[str, Any]) -> Figure:
    """Quantiles of the residuals over those of a normal distribution."""
    every = [one for name in ("x", "y", "lower", "upper") for one in data[name] if one is not None]
    x, y = axes.across(min(data["x"]), max(data["x"])), axes.up(min(every), max(every))
    body = axes.axes(x, y, "residual if residuals were normal", "residual")
    xs, low, high = [x(one) for one in data["x"]], max(y.low, x.low), min(y.high, x.high)
    body += svg.band(xs, [y(one) for one in data["lower"]], [y(one) for one in data["upper"]], "s0")
    body += svg.element("path", d=svg.path([x(low), x(high)], [y(low), y(high)]), class_="guide")
    rows = []
    for at, expected in enumerate(data["x"]):
        seen, limits = data["y"][at], (data["lower"][at], data["upper"][at])
        a, b, c, d = (numerals.number(one) for one in (expected, seen, *limits))
        said = svg.title(f"quantile {data['share'][at]:.4g}: residual {b}, normal {a} ({c} to {d})")
        outside = not limits[0] <= seen <= limits[1]
        body += svg.element("circle", said, cx=xs[at], cy=y(seen), r=3.2, class_="s1 dot" if outside else "s0 hollow")
        rows.append([f"{data['share'][at]:.4g}", b, a, f"{c} to {d}"])
    caption = (
        f"On the dashed line residuals are normal; the band holds each point in {data['level'] * 100:g} % of test sets if they are. "
        "Filled points lie outside it. Ends that bend away are errors more extreme than a normal distribution has."
    )
    table = Table(["quantile", "residual", "if normal", "band"], rows)
    return Figure(
        "residual-quantiles",
        "Residual quantiles",
        caption,
        svg.picture(body, "Quantiles of the residuals against a normal distribution"),
        [table],
    )


def _cloud(data: Mapping[str, Any], x: axes.Scale, y: axes.Scale, names: tuple[str, str]) -> str:
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
            shown(one["predicted"]),
            shown(one["actual"]),
            _bias(one),
            shown(one["rmse"]),
        ]
        for one in data["summary"]
    ]
    return Table(["predicted", "rows", "mean predicted", "mean actual", "mean residual", "rmse"], rows)


def _note(data: Mapping[str, Any]) -> str:
    how = "" if "points" in data else " The stronger the colour of a cell, the more rows it holds (logarithmic)."
    return how + _outside(data)


def _outside(data: Mapping[str, Any]) -> str:
    return f" {numerals.count(data['outside'], 'row')} lie beyond the axes." if data["outside"] else ""
