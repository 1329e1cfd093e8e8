"""Small pictures of one interval: beside a number, beside a gate with its bound, beside a difference with zero."""

from __future__ import annotations

from mtf_evaluation.figures import axes, svg

WIDE, HIGH = 168.0, 18.0
_PAD = 5.0


def interval(value: float | None, lower: float | None, upper: float | None, *, reliable: bool = True) -> str:
    """A value and its interval on the axis from 0 to 1, or from 0 to its far end where it leaves that axis."""
    if value is None:
        return ""
    ends = [value, *(one for one in (lower, upper) if one is not None)]
    low, high = min(0.0, *ends), max(ends)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    else:
        high = max(0.0, high) + 0.08 * (max(0.0, high) - low)
        low = low - 0.08 * (high - low) if low < 0 else 0.0
    return _drawing(
        axes.Scale(low, high, _PAD, WIDE - _PAD), value, lower, upper, bound=None, kind="bar" if reliable else "bar unsure", axis=True
    )


def against(value: float | None, lower: float | None, upper: float | None, bound: float | None, verdict: str) -> str:
    """A value, its interval and the bound, as near as they lie."""
    if value is None:
        return ""
    ends = [one for one in (value, lower, upper, bound) if one is not None]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.12 or max(abs(high) * 0.1, 0.01)
    return _drawing(
        axes.Scale(low - room, high + room, _PAD, WIDE - _PAD), value, lower, upper, bound=bound, kind=f"bar {verdict}", axis=False
    )


def _drawing(
    scale: axes.Scale, value: float, lower: float | None, upper: float | None, *, bound: float | None, kind: str, axis: bool
) -> str:
    middle = HIGH / 2
    body = svg.element("path", d=f"M{_PAD} {middle}H{WIDE - _PAD}", class_="track")
    if axis and scale.low < 0 < scale.high:
        body += svg.element("path", d=f"M{scale(0.0):.1f} 3V{HIGH - 3}", class_="zero")
    if lower is not None and upper is not None:
        start, end = scale(lower), scale(upper)
        body += svg.element("rect", x=start, y=middle - 3, width=max(1.5, end - start), height=6, rx=2, class_="span")
    if bound is not None:
        body += svg.element("path", d=f"M{scale(bound):.1f} 1V{HIGH - 1}", class_="bound")
    body += svg.element("circle", cx=scale(value), cy=middle, r=3, class_="middle")
    return f'<svg viewBox="0 0 {WIDE:.0f} {HIGH:.0f}" width="{WIDE:.0f}" height="{HIGH:.0f}" aria-hidden="true" class="{kind}">{body}</svg>'
