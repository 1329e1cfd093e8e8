"""Just enough SVG: scales, ticks, axes and elements whose text is escaped. Colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from mtf_evaluation import numerals

WIDTH, HEIGHT = 420, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 46
_LABEL = 16

SMALLEST_STEP = 1e-300
"""Below it powers of ten lose their digits."""


@dataclass(frozen=True)
class Table:
    """The data of a plot as a person can read it aloud."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """One plot of the page. `svg` is safe markup; the texts are not escaped yet."""

    key: str
    title: str
    caption: str
    svg: str
    tables: Sequence[Table] = ()
    legend: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """Pairs of a CSS class and what it stands for."""


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
    if step <= 0 or abs(value) >= 1e6 or (value and abs(value) < 1e-4):  # noqa: PLR2004 - beyond it an exponent is shorter
        return f"{value:.3g}"
    short = f"{value:.10g}"
    return numerals.number(value, places=min(numerals.MOST_DECIMALS, max(0, len(short.partition(".")[2]))))


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """One element. Attribute values are escaped, `content` is markup. `class_` and `stroke_width` become `class` and `stroke-width`."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """A label."""
    return element("text", escape(content), x=x, y=y, **attributes)


def title(content: str) -> str:
    """What a pointer that rests on the element shows."""
    return f"<title>{escape(content)}</title>"


def clipped(content: str, most: int = _LABEL) -> str:
    """A label short enough for an axis."""
    return content if len(content) <= most else content[: most - 1] + "…"


def path(xs: Sequence[float], ys: Sequence[float]) -> str:
    """The `d` of a line through points, as short as it can be written."""
    return "M" + "L".join(f"{_value(x)} {_value(y)}" for x, y in zip(xs, ys, strict=True))


def picture(body: str, label: str, width: float = WIDTH, height: float = HEIGHT) -> str:
    """The whole drawing; `label` is what a screen reader says."""
    return (
        f'<svg viewBox="0 0 {_value(width)} {_value(height)}" role="img" aria-label="{escape(label)}" class="plot" '
        f'style="max-width:{_value(width * 1.25)}px">{body}</svg>'
    )


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
                    element("path", d=f"M{LEFT} {_value(at)}H{WIDTH - RIGHT}", class_="grid"),
                    text(shown, LEFT - 6, at + 3.5, class_="tick end"),
                ]
            else:
                parts += [
                    element("path", d=f"M{_value(at)} {TOP}V{HEIGHT - BOTTOM}", class_="grid"),
                    text(shown, at, HEIGHT - BOTTOM + 15, class_="tick middle"),
                ]
    parts.append(text(x_name, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, class_="axis middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(text(y_name, 0, 0, class_="axis middle", transform=f"translate(12 {_value(middle)}) rotate(-90)"))
    return "".join(parts)


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(str(value))
