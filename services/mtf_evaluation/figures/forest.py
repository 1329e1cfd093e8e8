"""Slices of one metric under each other, with the value of all rows as the line to look along."""

from __future__ import annotations

from collections.abc import Sequence

from mtf.contracts.report import MetricValue, SliceReport
from mtf_evaluation import numerals
from mtf_evaluation.figures import svg
from mtf_evaluation.figures.svg import Figure

MOST = 40
"""Slices that a forest shows: those that lie furthest from all rows. The table has them all."""
_ROW, _NAMES, _WIDE, _NUMBERS = 22.0, 190.0, 560.0, 112.0
_TOP, _BOTTOM = 10.0, 30.0


def forest(metric: str, overall: MetricValue, slices: Sequence[SliceReport]) -> Figure | None:
    """The figure of a metric; None where fewer than two rows of it would have a value."""
    measured = [(one, one.metrics[metric]) for one in slices if metric in one.metrics and one.metrics[metric].value is not None]
    if overall.value is None or not measured:
        return None
    middle = overall.value
    if len(measured) > MOST:
        far = sorted(measured, key=lambda pair: -abs((pair[1].value or 0.0) - middle))[:MOST]
        shown = [pair for pair in measured if pair in far]
    else:
        shown = measured
    ends = [end for _, value in shown for end in (value.value, value.lower, value.upper) if end is not None]
    low, high = min(*ends, overall.lower or middle, middle), max(*ends, overall.upper or middle, middle)
    room = (high - low) * 0.04 or max(abs(high) * 0.05, 0.01)
    scale = svg.Scale(low - room, high + room, _NAMES, _WIDE - _NUMBERS)
    height = _TOP + _BOTTOM + _ROW * (len(shown) + 1)
    body = _frame(scale, overall, height)
    for index, (name, value) in enumerate([("all rows", overall), *((one.name, value) for one, value in shown)]):
        body += _line(scale, name, value, _TOP + _ROW * (index + 0.5), first=index == 0)
    left_out = len(measured) - len(shown)
    caption = f"The band is the interval of all rows.{f' {left_out} slices that lie nearer to all rows are in the table only.' if left_out else ''}"
    return Figure(f"forest-{metric}", metric, caption, svg.picture(body, f"{metric} by slice", _WIDE, height))


def _frame(scale: svg.Scale, overall: MetricValue, height: float) -> str:
    bottom = height - _BOTTOM
    body = ""
    if overall.lower is not None and overall.upper is not None:
        body += svg.element(
            "rect",
            x=scale(overall.lower),
            y=_TOP,
            width=max(1.0, scale(overall.upper) - scale(overall.lower)),
            height=bottom - _TOP,
            class_="band",
        )
    body += svg.element("path", d=f"M{scale(overall.value or 0.0):.1f} {_TOP}V{bottom:.1f}", class_="guide")
    places = svg.ticks(scale.low, scale.high, 8)
    step = places[1] - places[0] if len(places) > 1 else 0.0
    for value in places:
        body += svg.element("path", d=f"M{scale(value):.1f} {bottom:.1f}v4", class_="rule")
        body += svg.text(svg.tick_text(value, step), scale(value), bottom + 17, class_="tick middle")
    return body + svg.element("path", d=f"M{_NAMES} {bottom:.1f}H{_WIDE - _NUMBERS}", class_="rule")


def _line(scale: svg.Scale, name: str, value: MetricValue, at: float, *, first: bool) -> str:
    shown = value.value or 0.0
    said = f"{name}: {numerals.interval(shown, value.lower, value.upper)}, {numerals.count(value.n, 'row')}"
    kind = "s0" if value.reliable else "unsure"
    body = svg.text(svg.clipped(name, 28), _NAMES - 10, at + 4, class_="tick end strong" if first else "tick end")
    if value.lower is not None and value.upper is not None:
        body += svg.element("path", d=f"M{scale(value.lower):.1f} {at:.1f}H{scale(value.upper):.1f}", class_=f"{kind} whisker")
    body += svg.element("circle", cx=scale(shown), cy=at, r=4, class_=f"{kind} dot")
    width = None if value.lower is None or value.upper is None else value.upper - value.lower
    body += svg.text(f"{numerals.number(shown, width)}  n={value.n:,}", _WIDE - _NUMBERS + 10, at + 4, class_="tick")
    hit = svg.element("rect", svg.title(said), x=0, y=at - _ROW / 2, width=_WIDE, height=_ROW, class_="hover")
    return f"<g>{body}{hit}</g>"
