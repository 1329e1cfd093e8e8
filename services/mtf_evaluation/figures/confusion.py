"""The confusion matrix, and precision and recall of every class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtf_evaluation import numerals
from mtf_evaluation.figures import lanes, svg
from mtf_evaluation.figures.lanes import Lane, Mark
from mtf_evaluation.figures.svg import Figure, Table

_WORDY = 12
_SHADES = (0.05, 0.74)
"""Least and most opacity of a cell: dark text stays readable on all of it."""
_SIDE = 300.0
_LEFT, _TOP = 108.0, 40.0
_SLANTED = 30.0
"""Cells narrower than this have slanted names above them."""
CLASSES = 20


def confusion(data: Mapping[str, Any]) -> Figure:
    """Truth down, prediction across; the shade is the share of the truth's rows."""
    labels, counts = data["labels"], data["counts"]
    k = len(labels)
    cell = _SIDE / k
    top = _TOP + (58.0 if cell < _SLANTED else 0.0)
    body = [svg.text("predicted", _LEFT + _SIDE / 2, 12.0, class_="axis middle")]
    body.append(svg.text("truth", 0, 0, class_="axis middle", transform=f"translate(11 {top + _SIDE / 2}) rotate(-90)"))
    for i, name in enumerate(labels):
        body.append(_heads(name, i * cell + cell / 2, cell, top))
        body.extend(_cells(labels, counts, i, (top, cell)))
    totals = [sum(row) for row in counts]
    rows = [[name, *(f"{value:,}" for value in counts[i]), f"{totals[i]:,}"] for i, name in enumerate(labels)]
    shares = [[name, *(_share(value, totals[i]) for value in counts[i])] for i, name in enumerate(labels)]
    tables = [Table(["rows: truth \\ predicted", *labels, "all"], rows), Table(["share of the truth's rows", *labels], shares)]
    drawing = svg.picture(
        "".join(body), f"Confusion matrix of {k} classes", _LEFT + _SIDE + (46 if cell < _SLANTED else 12), top + _SIDE + 8
    )
    caption = "Rows of the test set by truth (down) and prediction (across); the shade is the share of the truth's rows. Right answers lie on the diagonal."
    return Figure("confusion", "Confusion matrix", caption, drawing, tables)


def _share(value: int, total: int) -> str:
    return f"{value / total:.1%}" if total else numerals.DASH


def _heads(name: str, at: float, cell: float, top: float) -> str:
    """The name of a class beside its row and above its column."""
    size = f"font-size:{max(8.0, min(12.0, cell * 0.7)):.3g}px"
    side = svg.text(svg.clipped(name, 13), _LEFT - 7, top + at + 4, class_="tick end", style=size)
    if cell < _SLANTED:
        turned = f"translate({svg.plain(_LEFT + at + 3)} {svg.plain(top - 5)}) rotate(-60)"
        return side + svg.text(svg.clipped(name, 13), 0, 0, class_="tick", style=size, transform=turned)
    return side + svg.text(svg.clipped(name, max(2, int(cell / 6.6))), _LEFT + at, top - 7, class_="tick middle", style=size)


def _cells(labels: Sequence[str], counts: Sequence[Sequence[int]], i: int, place: tuple[float, float]) -> list[str]:
    top, cell = place
    total = sum(counts[i])
    drawn = []
    for j, value in enumerate(counts[i]):
        share = value / total if total else 0.0
        shown = _share(value, total)
        x, y = _LEFT + j * cell, top + i * cell
        said = svg.title(f"truth {labels[i]}, predicted {labels[j]}: {value:,} of {numerals.count(total, 'row')} ({shown})")
        kind = "cell right" if i == j else "cell"
        shade = f"{_SHADES[0] + (_SHADES[1] - _SHADES[0]) * share:.3f}"
        drawn.append(svg.element("rect", said, x=x + 1, y=y + 1, width=cell - 2, height=cell - 2, rx=2, class_=kind, fill_opacity=shade))
        if len(labels) <= _WORDY:
            drawn.append(_words(value, shown, (x + cell / 2, y + cell / 2), cell))
    return drawn


def _words(value: int, share: str, middle: tuple[float, float], cell: float) -> str:
    shown = f"{value:,}" if len(f"{value:,}") * 6.5 < cell else f"{value:.2g}"
    large = cell > 48  # noqa: PLR2004 - a cell that has room for two lines
    words = svg.text(shown, middle[0], middle[1] + (0 if large else 4), class_="count", style=f"font-size:{min(15.0, 6 + cell / 8):.3g}px")
    return words + (svg.text(share, middle[0], middle[1] + 16, class_="count small") if large else "")


def classes(data: Mapping[str, Any]) -> Figure:
    """Precision and recall of the most frequent classes with their intervals; the table has more."""
    parts = [{name: values[at] for name, values in data.items() if isinstance(values, list)} for at in range(len(data["labels"]))]
    shown = [one for one in parts if one["recall"] is not None or one["precision"] is not None][:CLASSES]
    drawing = lanes.picture([_lane(one) for one in shown], "Precision and recall by class", "recall and precision") if shown else ""
    rows = [
        [
            one["labels"],
            _with(one, "precision"),
            _with(one, "recall"),
            numerals.number(one["f1"]),
            f"{one['rows']:,}",
            f"{one['predicted']:,}",
        ]
        for one in parts
    ]
    head = ["class", "precision", "recall", "F1", "rows", "predicted"]
    caption = f"The most frequent classes first, with {data['level'] * 100:g} % intervals (Wilson). Recall: the share of the class that was found. Precision: the share of such answers that are right."
    left = data["classes"] - len(parts)
    if left:
        caption += f" {numerals.count(left, 'rarer class', 'rarer classes')} not listed."
    legend = [("s0 circle", "recall"), ("s1 square", "precision")]
    return Figure("classes", "Classes", caption, drawing, [Table(head, rows)], legend)


def _lane(one: Mapping[str, Any]) -> Lane:
    marks = [
        Mark(one[name], one[f"{name}_lower"], one[f"{name}_upper"], kind, shape)
        for name, kind, shape in (("recall", "s0", "circle"), ("precision", "s1", "square"))
        if one[name] is not None
    ]
    said = f"{one['labels']}: recall {_with(one, 'recall')}, precision {_with(one, 'precision')}, {numerals.count(one['rows'], 'row')}"
    return Lane(one["labels"], f"R {_short(one['recall'])}  P {_short(one['precision'])}  n={one['rows']:,}", said, marks)


def _short(value: float | None) -> str:
    return numerals.number(value, places=3)


def _with(one: Mapping[str, Any], name: str) -> str:
    value = one[name]
    return numerals.DASH if value is None else numerals.interval(value, one[f"{name}_lower"], one[f"{name}_upper"])
