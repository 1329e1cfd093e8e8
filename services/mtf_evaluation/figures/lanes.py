"""Rows of intervals under each other on one axis: slices, classes, comparisons, parts of a column.

Every lane has two lines, its name with the numbers and below them the drawing, so that it reads on a phone as on a desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtf_evaluation.figures import axes, svg

WIDE = 420.0
_EDGE, _ROW, _TOP, _BOTTOM = 8.0, 33.0, 6.0, 40.0
_NAME = 33
"""Characters of a name that stand beside the numbers at the size of a phone."""
_SHAPES = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
    "square": "M-3.6 -3.6h7.2v7.2h-7.2Z",
    "up": "M0 -5L5 4H-5Z",
    "down": "M0 5L5 -4H-5Z",
}


@dataclass(frozen=True)
class Mark:
    """A value with its limits. `hollow` says that it should not be trusted, whatever its colour."""

    value: float
    lower: float | None = None
    upper: float | None = None
    kind: str = "s0"
    shape: str = "circle"
    hollow: bool = False


@dataclass(frozen=True)
class Lane:
    """One row: its name, its numbers in short, all of it in words, and what is drawn."""

    name: str
    numbers: str
    said: str
    marks: Sequence[Mark]
    strong: bool = False


def picture(
    lanes: Sequence[Lane],
    label: str,
    axis: str,
    *,
    guide: float | None = None,
    band: tuple[float, float] | None = None,
    percent: bool = False,
) -> str:
    """The drawing. `guide` is a dashed line to look along, `band` the interval around it; `percent` writes ticks as per cent."""
    ends = [end for lane in lanes for mark in lane.marks for end in (mark.value, mark.lower, mark.upper) if end is not None]
    ends += [end for end in (guide, *(band or ())) if end is not None]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.04 or max(abs(high) * 0.05, 0.01)
    scale = axes.Scale(low - room, high + room, _EDGE, WIDE - _EDGE)
    bottom = _TOP + _ROW * len(lanes)
    body = _frame(scale, bottom, axis, guide, band, percent=percent)
    body += "".join(_lane(scale, lane, _TOP + _ROW * index) for index, lane in enumerate(lanes))
    return svg.picture(body, label, WIDE, bottom + _BOTTOM)


def _frame(scale: axes.Scale, bottom: float, axis: str, guide: float | None, band: tuple[float, float] | None, *, percent: bool) -> str:
    body = ""
    if band is not None:
        width = max(1.0, scale(band[1]) - scale(band[0]))
        body += svg.element("rect", x=scale(band[0]), y=_TOP, width=width, height=bottom - _TOP, class_="band")
    factor = 100 if percent else 1
    places = axes.ticks(scale.low * factor, scale.high * factor)
    step = places[1] - places[0] if len(places) > 1 else 0.0
    for value in places:
        at = scale(value / factor)
        body += svg.element("path", d=f"M{at:.1f} {_TOP}V{bottom + 4:.1f}", class_="grid")
        edge = "end" if at > WIDE - 24 else "middle" if at > 24 else ""  # noqa: PLR2004 - half a label
        body += svg.text(f"{axes.tick_text(value, step)}{' %' if percent else ''}", at, bottom + 17, class_=f"tick {edge}".strip())
    if guide is not None:
        body += svg.element("path", d=f"M{scale(guide):.1f} {_TOP}V{bottom:.1f}", class_="guide")
    return body + svg.text(axis, WIDE / 2, bottom + 34, class_="axis middle")


def _lane(scale: axes.Scale, lane: Lane, top: float) -> str:
    body = svg.text(svg.clipped(lane.name, _NAME), _EDGE, top + 12, class_="name strong" if lane.strong else "name")
    body += svg.text(lane.numbers, WIDE - _EDGE, top + 12, class_="tick end")
    apart = 7.0 if len(lane.marks) > 1 else 0.0
    for index, mark in enumerate(lane.marks):
        body += _mark(scale, mark, top + 22 + apart * (index - (len(lane.marks) - 1) / 2))
    over = svg.element("rect", svg.title(lane.said), x=0.0, y=top, width=WIDE, height=_ROW, class_="hover")
    return f"<g>{body}{over}</g>"


def _mark(scale: axes.Scale, mark: Mark, at: float) -> str:
    body = ""
    if mark.lower is not None and mark.upper is not None:
        body += svg.element("path", d=f"M{scale(mark.lower):.1f} {at:.1f}H{scale(mark.upper):.1f}", class_=f"{mark.kind} whisker")
    place = f"translate({scale(mark.value):.1f} {at:.1f})"
    return body + svg.element("path", d=_SHAPES[mark.shape], transform=place, class_=f"{mark.kind} {'hollow' if mark.hollow else 'dot'}")
