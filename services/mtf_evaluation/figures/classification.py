"""Confusion matrix, ROC, precision-recall, reliability and score distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import svg
from mtf_evaluation.figures.svg import Figure, Table

_WORDY = 12
_DARK = 0.55
_HOVER = 24
_SIDE = 300.0


def confusion(data: Mapping[str, Any]) -> Figure:
    """Truth down, prediction across; the shade is the share of the truth's rows."""
    labels, counts = data["labels"], data["counts"]
    k = len(labels)
    left, top, cell = 104.0, 34.0, _SIDE / k
    body = [svg.text("predicted", left + _SIDE / 2, 11, class_="axis middle")]
    body.append(svg.text("truth", 0, 0, class_="axis middle", transform=f"translate(10 {top + _SIDE / 2}) rotate(-90)"))
    size = max(7.0, min(12.0, cell * 0.62))
    for i, name in enumerate(labels):
        at = i * cell + cell / 2
        body.append(svg.text(svg.clipped(name, 14), left - 6, top + at + 4, class_="tick end", font_size=size))
        fits = max(2, int(cell / 6.2))
        body.append(svg.text(svg.clipped(name, fits), left + at, top - 6, class_="tick middle", font_size=size))
        body.extend(_cells(labels, counts, i, (left, top, cell)))
    rows = [[name, *(f"{value:,}" for value in counts[i])] for i, name in enumerate(labels)]
    drawing = svg.picture("".join(body), f"Confusion matrix of {k} classes", left + _SIDE + 8, top + _SIDE + 8)
    caption = "Rows of the test set by truth (down) and prediction (across); the shade is the share of the truth's rows."
    return Figure("confusion", "Confusion matrix", caption, drawing, [Table(["truth \\ predicted", *labels], rows)])


def _cells(labels: Sequence[str], counts: Sequence[Sequence[int]], i: int, place: tuple[float, float, float]) -> list[str]:
    left, top, cell = place
    total = sum(counts[i])
    drawn = []
    for j, value in enumerate(counts[i]):
        share = value / total if total else 0.0
        x, y = left + j * cell, top + i * cell
        said = svg.title(f"{labels[i]} predicted as {labels[j]}: {value:,} of {numerals.count(total, 'row')} ({share:.1%})")
        shade = svg.element(
            "rect", said, x=x + 1, y=y + 1, width=cell - 2, height=cell - 2, rx=2, class_="cell", fill_opacity=f"{0.04 + 0.9 * share:.3f}"
        )
        drawn.append(shade)
        if len(labels) <= _WORDY:
            ink = "count on" if share > _DARK else "count"
            large = cell > 44  # noqa: PLR2004 - a cell that has room for two lines
            drawn.append(
                svg.text(f"{value:,}", x + cell / 2, y + cell / 2 + (0 if large else 4), class_=ink, font_size=min(15.0, 6 + cell / 8))
            )
            if large:
                drawn.append(svg.text(f"{share:.1%}", x + cell / 2, y + cell / 2 + 15, class_=f"{ink} small"))
    return drawn


def roc(data: Mapping[str, Any]) -> Figure:
    """True-positive rate over false-positive rate."""
    x, y = svg.across(0, 1), svg.up(0, 1)
    body = svg.axes(x, y, "false-positive rate", "true-positive rate")
    body += svg.element("path", d=svg.path([x(0), x(1)], [y(0), y(1)]), class_="guide")
    body += _lines(data["curves"], x, y, "false-positive rate", "true-positive rate")
    caption = "The dashed diagonal is guessing." + _rest(data)
    tables = [_curve_table(curve, "false-positive rate", "true-positive rate", data) for curve in data["curves"]]
    return Figure("roc", "ROC curve", caption, svg.picture(body, "ROC curve"), tables, _legend(data))


def precision_recall(data: Mapping[str, Any]) -> Figure:
    """Precision over recall."""
    x, y = svg.across(0, 1), svg.up(0, 1)
    body = svg.axes(x, y, "recall", "precision")
    if len(data["curves"]) == 1:
        share = data["curves"][0]["share"]
        body += svg.element(
            "path", svg.title(f"share of the class: {share:.3f}"), d=svg.path([x(0), x(1)], [y(share), y(share)]), class_="guide"
        )
    body += _lines(data["curves"], x, y, "recall", "precision")
    caption = ("The dashed line is guessing: the share of the class." if len(data["curves"]) == 1 else "One curve for each class.") + _rest(
        data
    )
    tables = [_curve_table(curve, "recall", "precision", data) for curve in data["curves"]]
    return Figure("precision-recall", "Precision and recall", caption, svg.picture(body, "Precision-recall curve"), tables, _legend(data))


def reliability(data: Mapping[str, Any]) -> Figure:
    """How often what is predicted with a score happens."""
    x, y = svg.across(0, 1), svg.up(0, 1)
    body = svg.axes(x, y, "mean predicted score", "observed share")
    body += svg.element("path", d=svg.path([x(0), x(1)], [y(0), y(1)]), class_="guide")
    most = max(one["rows"] for one in data["bins"])
    for one in data["bins"]:
        at, said = (
            x(one["predicted"]),
            f"score {one['predicted']:.3f}: observed {one['observed']:.3f} ({one['lower']:.3f} to {one['upper']:.3f}) in {numerals.count(one['rows'], 'row')}",
        )
        body += svg.element("path", d=f"M{at:.1f} {y(one['lower']):.1f}V{y(one['upper']):.1f}", class_="s0 whisker")
        body += svg.element("circle", svg.title(said), cx=at, cy=y(one["observed"]), r=3 + 1.5 * one["rows"] / most, class_="s0 dot")
    rows = [
        [f"{one['predicted']:.3f}", f"{one['observed']:.3f}", f"{one['lower']:.3f} to {one['upper']:.3f}", f"{one['rows']:,}"]
        for one in data["bins"]
    ]
    caption = (
        f"Score of {data['of']}, in bins of equal numbers of rows; on the diagonal a score means what it says. Bars are 95 % intervals."
    )
    table = Table(["mean score", "observed", "95 % interval", "rows"], rows)
    return Figure("reliability", "Reliability", caption, svg.picture(body, "Reliability diagram"), [table])


def scores(data: Mapping[str, Any]) -> Figure:
    """Histograms of the score, as shares of each group."""
    edges, series = data["edges"], data["series"]
    totals = [sum(one["counts"]) or 1 for one in series]
    most = max(max(one["counts"]) / total for one, total in zip(series, totals, strict=True)) or 1.0
    x, y = svg.across(edges[0], edges[-1]), svg.up(0, most * 1.05)
    body = svg.axes(
        x, y, f"score of {svg.clipped(data['of'], 30)}" if data["of"] != "highest score" else "highest score", "share of the group"
    )
    for index, (one, total) in enumerate(zip(series, totals, strict=True)):
        xs, ys = [x(edges[0])], [y(0)]
        for value, start, end in zip(one["counts"], edges[:-1], edges[1:], strict=True):
            xs += [x(start), x(end)]
            ys += [y(value / total)] * 2
            if value:
                said = svg.title(f"{one['label']}, {start:.3f} to {end:.3f}: {numerals.count(value, 'row')} ({value / total:.1%})")
                body += svg.element(
                    "rect",
                    said,
                    x=x(start),
                    y=y(value / total),
                    width=x(end) - x(start),
                    height=y(0) - y(value / total),
                    class_=f"s{index} area",
                )
        body += svg.element("path", d=svg.path([*xs, x(edges[-1])], [*ys, y(0)]), class_=f"s{index} line")
    rows = [[f"{edges[i]:.3f} to {edges[i + 1]:.3f}", *(f"{one['counts'][i]:,}" for one in series)] for i in range(len(edges) - 1)]
    legend = [(f"s{index}", f"{one['label']} ({numerals.count(sum(one['counts']), 'row')})") for index, one in enumerate(series)]
    caption = "Groups that overlap little are told apart well."
    return Figure(
        "scores",
        "Scores",
        caption,
        svg.picture(body, "Distribution of scores"),
        [Table(["score", *(one["label"] for one in series)], rows)],
        legend,
    )


def _lines(curves: Sequence[Mapping[str, Any]], x: svg.Scale, y: svg.Scale, x_name: str, y_name: str) -> str:
    drawn = ""
    for index, curve in enumerate(curves):
        xs, ys = [x(value) for value in curve["x"]], [y(value) for value in curve["y"]]
        drawn += svg.element("path", d=svg.path(xs, ys), class_=f"s{index} line")
        stride = max(1, len(xs) // _HOVER)
        for at in range(0, len(xs), stride):
            said = svg.title(f"{curve['label']}: {x_name} {curve['x'][at]:.3f}, {y_name} {curve['y'][at]:.3f}")
            drawn += svg.element("circle", said, cx=xs[at], cy=ys[at], r=6, class_="hover")
    return drawn


def _curve_table(curve: Mapping[str, Any], x_name: str, y_name: str, data: Mapping[str, Any]) -> Table:
    """Every few points of a curve; the whole of it stands in the JSON report."""
    stride = max(1, (len(curve["x"]) + _HOVER - 1) // _HOVER)
    rows = [[f"{a:.3f}", f"{b:.3f}"] for a, b in list(zip(curve["x"], curve["y"], strict=True))[::stride]]
    named = f"{curve['label']}: " if data["one_vs_rest"] else ""
    return Table([f"{named}{x_name}", y_name], rows)


def _legend(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"s{index}", curve["label"]) for index, curve in enumerate(data["curves"])] if data["one_vs_rest"] else []


def _rest(data: Mapping[str, Any]) -> str:
    if not data["one_vs_rest"]:
        return f" Positive class: {data['curves'][0]['label']}."
    shown = len(data["curves"])
    more = f" The {shown} most frequent of {data['classes']} classes are shown." if shown < data["classes"] else ""
    return f" Each class is held against all others.{more}"
