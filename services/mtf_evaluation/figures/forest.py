"""Slices of one metric under each other, those that lie furthest apart, with the value of all rows as the line to look along."""

from __future__ import annotations

from collections.abc import Sequence

from mtf.contracts.report import MetricValue, SliceReport
from mtf_evaluation import numerals
from mtf_evaluation.figures import lanes
from mtf_evaluation.figures.lanes import Lane, Mark
from mtf_evaluation.figures.rest import Rest, p_text, rest_of
from mtf_evaluation.figures.svg import Figure, Table

MOST = 24
"""Slices that a forest shows: half of them the lowest, half the highest. The table has them all."""

_Part = tuple[SliceReport, MetricValue, Rest | None]


def forest(metric: str, overall: MetricValue, slices: Sequence[SliceReport]) -> Figure | None:
    """The figure of a metric, sorted by the difference from the rest; None where no row of it would have a value."""
    measured = [(one, one.metrics[metric], rest_of(one, metric)) for one in slices if metric in one.metrics]
    parts: list[_Part] = [part for part in measured if part[1].value is not None]
    if overall.value is None or not parts:
        return None
    parts.sort(key=lambda part: (_distance(part, overall.value or 0.0), part[0].name))
    shown = parts if len(parts) <= MOST else [*parts[: MOST // 2], *parts[-MOST // 2 :]]
    band = None if overall.lower is None or overall.upper is None else (overall.lower, overall.upper)
    found = [_lane("all rows", overall, None, strong=True), *(_lane(one.name, value, rest) for one, value, rest in shown)]
    if len(shown) < len(parts):
        between = f"… {numerals.count(len(parts) - len(shown), 'slice')} between …"
        found.insert(MOST // 2 + 1, Lane(between, "", f"{between} stand in the table", []))
    drawing = lanes.picture(found, f"{metric} by slice", metric, guide=overall.value, band=band)
    legend = []
    if any(rest is not None and rest.apart for _, _, rest in shown):
        legend = [("s1 up", "above the rest (adjusted)"), ("s1 down", "below the rest (adjusted)")]
    if not overall.reliable or any(not value.reliable for _, value, _ in shown):
        legend.append(("unsure hollow", "not reliable"))
    table = Table(["slice", "rows", metric, "against the rest", "adjusted p"], [_row(*part) for part in shown])
    return Figure("forest", metric, _caption(len(parts) - len(shown)), drawing, [table], legend)


def _row(part: SliceReport, value: MetricValue, rest: Rest | None) -> list[str]:
    shown = numerals.interval(value.value or 0.0, value.lower, value.upper)
    against = numerals.DASH if rest is None or rest.difference is None else numerals.interval(rest.difference, rest.lower, rest.upper)
    return [
        part.name,
        f"{part.rows:,}",
        shown if value.reliable else f"{shown} ?",
        against,
        p_text(None if rest is None else rest.p_adjusted),
    ]


def _distance(part: _Part, middle: float) -> float:
    """By what a forest is sorted: the difference from the rest, or from all rows where nobody compared with the rest."""
    _, value, rest = part
    return rest.difference if rest is not None and rest.difference is not None else (value.value or 0.0) - middle


def _caption(left_out: int) -> str:
    caption = "Sorted by the difference from the other rows; the band is the interval of all rows."
    return caption + (f" {numerals.count(left_out, 'slice')} between these stand in the table." if left_out else "")


def _lane(name: str, value: MetricValue, rest: Rest | None, *, strong: bool = False) -> Lane:
    shown = numerals.interval(value.value or 0.0, value.lower, value.upper)
    said = f"{name}: {shown}, {numerals.count(value.n, 'row')}"
    said += f". {value.reason}" if value.reason else ""
    kind, shape = "s0", "circle"
    if rest is not None:
        said += f". {rest.words}"
        if rest.apart:
            kind, shape = "s1", "up" if (rest.difference or 0.0) > 0 else "down"
    hollow = not value.reliable
    return Lane(
        name, shown, said, [Mark(value.value or 0.0, value.lower, value.upper, "unsure" if hollow else kind, shape, hollow)], strong
    )
