"""Plots over the score: reliability, distributions, gain and lift, thresholds and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import axes, svg
from mtf_evaluation.figures.svg import Figure, Table

_STRIP = 34.0
"""Height of the histogram at the foot of the reliability diagram."""


def reliability(data: Mapping[str, Any]) -> Figure:
    """How often what is predicted with a score happens."""
    x, y = axes.across(0, 1), axes.up(0, 1)
    body = axes.axes(x, y, "predicted score", "observed share")
    body += svg.element("path", d=svg.path([x(0), x(1)], [y(0), y(1)]), class_="guide")
    table = Table(["mean score", "observed", "interval", "rows"], [_bin_row(one) for one in data["bins"]])
    if "curve" not in data:  # written before the curve was: bins are all there is
        caption = (
            f"Score of {data['of']}, in bins of equal numbers of rows; on the diagonal a score means what it says. Bars are 95 % intervals."
        )
        return Figure("reliability", "Reliability", caption, svg.picture(body + _bins(data, x, y), "Reliability diagram"), [table])
    band, curve = data["band"], data["curve"]
    body += _strip(data["histogram"], x)
    body += svg.band([x(one) for one in band["x"]], [y(one) for one in band["lower"]], [y(one) for one in band["upper"]], "s0")
    body += svg.element("path", d=svg.path([x(one) for one in curve["x"]], [y(one) for one in curve["y"]]), class_="s0 line")
    if len(curve["x"]) == 1:
        body += svg.element("circle", cx=x(curve["x"][0]), cy=y(curve["y"][0]), r=4, class_="s0 dot")
    rows = []
    for at, low, high in zip(band["x"], band["lower"], band["upper"], strict=True):
        seen = _between(at, curve["x"], curve["y"])
        body += svg.hit(f"score {at:.3f}: happens {seen:.3f}; if scores are right {low:.3f} to {high:.3f}", x(at), y(seen))
        rows.append([f"{at:.3f}", f"{seen:.3f}", f"{low:.3f} to {high:.3f}"])
    caption = (
        f"Score of {data['of']}. On the diagonal a score means what it says. The line is how often it happens (isotonic regression); "
        f"where it leaves the band, scores are wrong by more than chance: {data['level'] * 100:g} % of test sets with right scores lie inside it at each score. "
        "Bars at the foot: how often each score is given."
    )
    tables = [Table(["score", "happens", "if scores are right"], rows[:: max(1, len(rows) // 32)]), table]
    return Figure("reliability", "Reliability", caption, svg.picture(body, "Reliability diagram"), tables)


def _between(at: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """The line through the points, read at one place."""
    for (a, low), (b, high) in zip(zip(xs, ys, strict=True), zip(xs[1:], ys[1:], strict=True), strict=False):
        if a <= at <= b:
            return low + (high - low) * ((at - a) / (b - a) if b > a else 0.0)
    return ys[0] if at < xs[0] else ys[-1]


def _strip(counts: Sequence[int], x: axes.Scale) -> str:
    most, foot, width = max(counts) or 1, svg.HEIGHT - axes.BOTTOM, (x.end - x.start) / len(counts)
    drawn = ""
    for at, count in enumerate(counts):
        if count:
            tall = max(1.0, _STRIP * count / most)
            said = svg.title(f"scores {at / len(counts):.3f} to {(at + 1) / len(counts):.3f}: {numerals.count(count, 'row')}")
            drawn += svg.element("rect", said, x=x.start + at * width + 0.5, y=foot - tall, width=width - 1, height=tall, class_="foot")
    return drawn


def _bins(data: Mapping[str, Any], x: axes.Scale, y: axes.Scale) -> str:
    body = ""
    for one in data["bins"]:
        at = x(one["predicted"])
        said = f"score {one['predicted']:.3f}: observed {one['observed']:.3f} ({one['lower']:.3f} to {one['upper']:.3f}) in {numerals.count(one['rows'], 'row')}"
        body += svg.element("path", d=f"M{at:.1f} {y(one['lower']):.1f}V{y(one['upper']):.1f}", class_="s0 whisker")
        body += svg.element("circle", svg.title(said), cx=at, cy=y(one["observed"]), r=3.5, class_="s0 dot")
    return body


def _bin_row(one: Mapping[str, Any]) -> list[str]:
    return [f"{one['predicted']:.3f}", f"{one['observed']:.3f}", f"{one['lower']:.3f} to {one['upper']:.3f}", f"{one['rows']:,}"]


def distributions(data: Mapping[str, Any]) -> Figure:
    """Histograms of the score, as shares of each group."""
    edges, series = data["edges"], data["series"]
    totals = [sum(one["counts"]) or 1 for one in series]
    most = max(max(one["counts"]) / total for one, total in zip(series, totals, strict=True)) or 1.0
    x, y = axes.across(edges[0], edges[-1]), axes.up(0, most * 1.05)
    name = "highest score" if data["of"] == "highest score" else f"score of {svg.clipped(data['of'], 30)}"
    body, places = axes.axes(x, y, name, "share of the group"), ""
    for index, (one, total) in enumerate(zip(series, totals, strict=True)):
        xs, ys = [x(edges[0])], [y(0)]
        for value, start, end in zip(one["counts"], edges[:-1], edges[1:], strict=True):
            xs += [x(start), x(end)]
            ys += [y(value / total)] * 2
            if value:
                said = f"{one['label']}, {start:.3f} to {end:.3f}: {numerals.count(value, 'row')} ({value / total:.1%})"
                places += svg.hit(said, (x(start) + x(end)) / 2, y(value / total))
        outline = svg.path([*xs, x(edges[-1])], [*ys, y(0)])
        body += svg.element("path", d=outline + "Z", class_=f"s{index} area") + svg.element("path", d=outline, class_=f"s{index} line")
    rows = [[f"{edges[i]:.3f} to {edges[i + 1]:.3f}", *(f"{one['counts'][i]:,}" for one in series)] for i in range(len(edges) - 1)]
    legend = [(f"s{index}", f"{one['label']} ({numerals.count(sum(one['counts']), 'row')})") for index, one in enumerate(series)]
    table = Table(["score", *(one["label"] for one in series)], rows)
    drawing = svg.picture(body + places, "Distribution of scores")
    return Figure("scores", "Scores", "Groups that overlap little are told apart well.", drawing, [table], legend)
