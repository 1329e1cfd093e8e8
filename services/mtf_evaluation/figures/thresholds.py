"""What is found when more or fewer rows are flagged: gain, lift, thresholds, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import axes, svg
from mtf_evaluation.figures.svg import Figure, Table

_LINES = (("precision", "precision"), ("recall", "recall"), ("f1", "F1"), ("flagged", "share flagged"))
_STRIDE = 4


def gain(data: Mapping[str, Any]) -> Figure:
    """Share of the class that is found among the rows with the highest scores."""
    x, y = axes.across(0, 1), axes.up(0, 1)
    body = axes.axes(x, y, "share of rows, highest scores first", "share of the class found")
    body += svg.element("path", d=svg.path([x(0), x(1)], [y(0), y(1)]), class_="guide")
    best = [(0.0, 0.0), (data["share"], 1.0), (1.0, 1.0)]
    body += svg.element("path", d=svg.path([x(a) for a, _ in best], [y(b) for _, b in best]), class_="s4 line thin")
    xs, ys = [0.0, *data["x"]], [0.0, *data["gain"]]
    body += svg.element("path", d=svg.path([x(one) for one in xs], [y(one) for one in ys]), class_="s0 line")
    for a, b in zip(data["x"], data["gain"], strict=True):
        body += svg.hit(f"the {a:.1%} of rows with the highest scores hold {b:.1%} of {data['of']}", x(a), y(b))
    caption = (
        f"How much of {data['of']} is found when only the rows with the highest scores are looked at. The dashed diagonal is guessing."
    )
    legend = [("s0", "model"), ("s4", "a perfect model")]
    return Figure("gain", "Gain", caption, svg.picture(body, "Gain curve"), [_depths(data)], legend)


def lift(data: Mapping[str, Any]) -> Figure:
    """How many times more of the class than guessing finds."""
    most = max([1.0, *(one for one in data["lift_upper"] if one is not None)])
    x, y = axes.across(0, 1), axes.up(0, min(most, 1 / data["share"]) * 1.05)
    body = axes.axes(x, y, "share of rows, highest scores first", "times more than guessing")
    body += svg.element("path", d=svg.path([x(0), x(1)], [y(1), y(1)]), class_="guide")
    xs = [x(one) for one in data["x"]]
    body += svg.band(xs, [y(one) for one in data["lift_lower"]], [y(one) for one in data["lift_upper"]], "s0")
    body += svg.element("path", d=svg.path(xs, [y(one) for one in data["lift"]]), class_="s0 line")
    for at, one in enumerate(data["x"]):
        said = f"the {one:.1%} of rows with the highest scores: lift {_interval(data, 'lift', at)}"
        body += svg.hit(said, xs[at], y(data["lift"][at]))
    caption = (
        f"Among the rows with the highest scores {data['of']} is this many times as frequent as in all rows. The dashed line is guessing; "
        f"the band is the {data['level'] * 100:g} % interval (Wilson, the share of {data['of']} in all rows taken as known)."
    )
    return Figure("lift", "Lift", caption, svg.picture(body, "Lift curve"), [_depths(data)])


def _depths(data: Mapping[str, Any]) -> Table:
    stride = max(1, len(data["x"]) // 25)
    rows = [
        [f"{data['x'][at]:.1%}", f"{data['threshold'][at]:.4g}", f"{data['gain'][at]:.1%}", _interval(data, "lift", at)]
        for at in range(0, len(data["x"]), stride)
    ]
    return Table(["share of rows", "score from", "gain", "lift"], rows)


def thresholds(data: Mapping[str, Any]) -> Figure:
    """What each threshold on the score would bring."""
    grid = data["x"]
    x, y = axes.across(grid[0], grid[-1]), axes.up(0, 1)
    body = axes.axes(x, y, f"threshold on the score of {svg.clipped(data['of'], 24)}", "share")
    for name, _ in _LINES[:2]:
        body += "".join(_band(piece, data, name, (x, y)) for piece in _known(data[name]))
    for index, (name, _) in enumerate(_LINES):
        for piece in _known(data[name]):
            line = svg.path([x(grid[at]) for at in piece], [y(data[name][at]) for at in piece])
            body += svg.element("path", d=line, class_=f"s{index} line")
    caption = f"A row is called {data['of']} from the threshold on. Bands are {data['level'] * 100:g} % intervals (Wilson)."
    if data["in_use"]:
        body += _in_use(data["in_use"], x)
        low, high = (f"{one:.4g}" for one in data["in_use"])
        caption += f" The predictions of this run change between {low} and {high} (vertical line)."
    for at in range(0, len(grid), 2):
        body += _column(
            grid[at], "; ".join([f"threshold {grid[at]:.3g}", *(f"{said} {_interval(data, name, at)}" for name, said in _LINES)]), x
        )
    rows = [[f"{grid[at]:.3g}", *(_interval(data, name, at) for name, _ in _LINES)] for at in range(0, len(grid), _STRIDE)]
    legend = [(f"s{index}", said) for index, (_, said) in enumerate(_LINES)]
    table = Table(["threshold", *(said for _, said in _LINES)], rows)
    return Figure(
        "thresholds", "Thresholds", caption, svg.picture(body, "Precision, recall, F1 and flagged rows over the threshold"), [table], legend
    )


def costs(data: Mapping[str, Any]) -> Figure:
    """What a row costs on average at each threshold."""
    grid, lines = data["x"], data["costs"]
    values = [value for one in lines for value in one["y"] if value is not None]
    x, y = axes.across(grid[0], grid[-1]), axes.up(min(0.0, *values), max(values) * 1.05 or 1.0)
    body = axes.axes(x, y, f"threshold on the score of {svg.clipped(data['of'], 24)}", "cost per row")
    for index, one in enumerate(lines):
        body += svg.element("path", d=svg.path([x(at) for at in grid], [y(value) for value in one["y"]]), class_=f"s{index} line")
        body += svg.element("circle", cx=x(one["least"][0]), cy=y(one["least"][1]), r=5, class_=f"s{index} hollow")
    body += _in_use(data["in_use"], x) if data["in_use"] else ""
    for at in range(0, len(grid), 2):
        said = "; ".join([f"threshold {grid[at]:.3g}", *(f"{one['name']} {numerals.number(one['y'][at])}" for one in lines)])
        body += _column(grid[at], said, x)
    least = "; ".join(f"{one['name']}: {numerals.number(one['least'][1])} at {one['least'][0]:.3g}" for one in lines)
    caption = f"Lowest cost per row (circle): {least}. It was chosen on these rows, so another test set will cost a little more there."
    rows = [[f"{grid[at]:.3g}", *(numerals.number(one["y"][at]) for one in lines)] for at in range(0, len(grid), _STRIDE)]
    legend = [(f"s{index}", one["name"]) for index, one in enumerate(lines)]
    drawing = svg.picture(body, "Cost per row over the threshold")
    return Figure(
        "costs", "Cost over the threshold", caption, drawing, [Table(["threshold", *(one["name"] for one in lines)], rows)], legend
    )


def _known(values: Sequence[float | None]) -> list[list[int]]:
    """Runs of positions that have a value."""
    runs: list[list[int]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(at)
    return [run for run in runs if run]


def _band(piece: Sequence[int], data: Mapping[str, Any], name: str, scales: tuple[axes.Scale, axes.Scale]) -> str:
    x, y = scales
    lower, upper = ([y(data[f"{name}_{end}"][at]) for at in piece] for end in ("lower", "upper"))
    return svg.band([x(data["x"][at]) for at in piece], lower, upper, f"s{[one for one, _ in _LINES].index(name)}")


def _in_use(ends: Sequence[float], x: axes.Scale) -> str:
    at = (x(ends[0]) + x(ends[1])) / 2
    return svg.element("path", d=f"M{at:.1f} {axes.TOP}V{svg.HEIGHT - axes.BOTTOM}", class_="use")


def _column(at: float, said: str, x: axes.Scale) -> str:
    """A strip over the whole height, because a pointer asks for a threshold and not for one of the lines."""
    return svg.element(
        "rect", svg.title(said), x=x(at) - 3, y=axes.TOP, width=6, height=svg.HEIGHT - axes.BOTTOM - axes.TOP, class_="hover"
    )


def _interval(data: Mapping[str, Any], name: str, at: int) -> str:
    value = data[name][at]
    if value is None:
        return numerals.DASH
    lower = data[f"{name}_lower"][at] if f"{name}_lower" in data else None
    return f"{value:.3f}" if lower is None else f"{value:.3f} ({lower:.3f} to {data[f'{name}_upper'][at]:.3f})"
