"""Just enough SVG: elements whose text is escaped. Colours and patterns come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 420, 320
_LABEL = 16


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


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """One element. Attribute values are escaped, `content` is markup. `class_` and `stroke_width` become `class` and `stroke-width`."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{plain(value)}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """A label."""
    return element("text", escape(content), x=x, y=y, **attributes)


def title(content: str) -> str:
    """What a pointer that rests on the element shows."""
    return f"<title>{escape(content)}</title>"


def clipped(content: str, most: int = _LABEL) -> str:
    """A label short enough for an axis. What is left out lies in the middle: names of a kind differ at their ends."""
    if len(content) <= most:
        return content
    end = (most - 1) // 2
    return f"{content[: most - 1 - end]}…{content[len(content) - end :]}"


def hit(said: str, x: float, y: float, radius: float = 7.0) -> str:
    """A place that tells its value to a pointer that rests there, and to the arrow keys."""
    return element("circle", title(said), cx=x, cy=y, r=radius, class_="hover")


def band(xs: Sequence[float], lower: Sequence[float], upper: Sequence[float], kind: str = "") -> str:
    """The area between two lines over the same places."""
    return area([*zip(xs, upper, strict=True)], [*zip(xs, lower, strict=True)], kind)


def area(forth: Sequence[tuple[float, float]], back: Sequence[tuple[float, float]], kind: str = "") -> str:
    """The area between two lines, each from left to right."""
    around = [*forth, *reversed(back)]
    return element("path", d=path([x for x, _ in around], [y for _, y in around]) + "Z", class_=f"{kind} between".strip()) if around else ""


def path(xs: Sequence[float], ys: Sequence[float]) -> str:
    """The `d` of a line through points, as short as it can be written."""
    return "M" + "L".join(f"{plain(x)} {plain(y)}" for x, y in zip(xs, ys, strict=True))


def picture(body: str, label: str, width: float = WIDTH, height: float = HEIGHT) -> str:
    """The whole drawing; `label` is what a screen reader says."""
    return (
        f'<svg viewBox="0 0 {plain(width)} {plain(height)}" role="img" aria-label="{escape(label)}" class="plot" '
        f'style="max-width:{plain(width * 1.35)}px">{body}</svg>'
    )


def plain(value: object) -> str:
    """An attribute as short as it can be written: a tenth of a unit is below a pixel."""
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(str(value))
