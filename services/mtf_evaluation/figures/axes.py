"""Scales, round ticks and the frame of a plot with two numeric axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mtf_evaluation import numerals
from mtf_evaluation.figures import svg
from mtf_evaluation.figures.svg import HEIGHT, WIDTH

LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 46

SMALLEST_STEP = 1e-300
"""Below it powers of ten lose their digits."""


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] to [start, end] on the page."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value; one beyond the ends is drawn at the end."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def across(low: float, high: float) -> Scale:
    """The horizontal axis of a plot."""
    return Scale(low, high, LEFT, WIDTH - RIGHT)


def up(low: float, high: float) -> Scale:
    """The vertical axis of a plot; larger is higher."""
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers inside [low, high]."""
    rough = (high - low) / max(1, most - 1)
    if not SMALLEST_STEP < rough < math.inf:  # no span, or one that doubles cannot divide
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_text(value: float, step: float) -> str:
    """A tick's number with the digits its step needs."""
    if step <= 0 or abs(value) >= 1e6 or step < 1e-4:  # noqa: PLR2004 - beyond it an exponent is shorter
        return f"{value:.3g}"
    short = f"{step:.10g}"
    return numerals.number(value, places=min(numerals.MOST_DECIMALS, max(0, len(short.partition(".")[2]))))


def axes(x: Scale, y: Scale, x_name: str, y_name: str) -> str:
    """Grid, ticks and names of a plot with two numeric axes."""
    parts = []
    for scale, vertical in ((x, False), (y, True)):
        places = ticks(scale.low, scale.high)
        step = places[1] - places[0] if len(places) > 1 else 0.0
        for value in places:
            at, shown = scale(value), tick_text(value, step)
            if vertical:
                parts += [
                    svg.element("path", d=f"M{LEFT} {svg.plain(at)}H{WIDTH - RIGHT}", class_="grid"),
                    svg.text(shown, LEFT - 6, at + 3.5, class_="tick end"),
                ]
            else:
                parts += [
                    svg.element("path", d=f"M{svg.plain(at)} {TOP}V{HEIGHT - BOTTOM}", class_="grid"),
                    svg.text(shown, at, HEIGHT - BOTTOM + 15, class_="tick middle"),
                ]
    parts.append(svg.text(x_name, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, class_="axis middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(svg.text(y_name, 0, 0, class_="axis middle", transform=f"translate(11 {svg.plain(middle)}) rotate(-90)"))
    return "".join(parts)
