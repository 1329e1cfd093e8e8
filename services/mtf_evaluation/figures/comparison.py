"""Differences between this run and another under each other: as they are for metrics of one scale, in per cent for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtf.contracts.report import Comparison
from mtf.errors import SpecError
from mtf_evaluation import numerals
from mtf_evaluation.catalogue import describe
from mtf_evaluation.figures import lanes
from mtf_evaluation.figures.lanes import Lane, Mark
from mtf_evaluation.figures.svg import Figure

MOST = 30
_BOUNDED = 1.0
_LEGEND = [("s2 up", "better"), ("s1 down", "worse"), ("s0 circle", "not settled")]


@dataclass(frozen=True)
class _Drawn:
    """A difference on the axis it is drawn on."""

    name: str
    value: float
    lower: float | None
    upper: float | None
    better: bool | None
    """Whether a larger value is better."""
    of: Comparison

    @property
    def verdict(self) -> str:
        """better, worse or not settled, from the interval."""
        settled = self.lower is not None and self.upper is not None and (self.lower > 0 or self.upper < 0)
        if not settled or self.better is None or not self.of.reliable:
            return "not settled"
        return "better" if (self.value > 0) == self.better else "worse"


def forests(comparisons: Sequence[Comparison], where: Sequence[str]) -> list[Figure]:
    """At most two figures: differences of metrics that end at 1, and differences of those from 0 upwards in per cent of the baseline's value.

    A metric of any sign and size (bias) has no axis in common with others; the table has it.
    `where` names the slice of each comparison; empty means all rows.
    """
    same: list[_Drawn] = []
    relative: list[_Drawn] = []
    for one, part in zip(comparisons, where, strict=True):
        if one.difference is None:
            continue
        name = f"{one.metric} in {part}" if part else one.metric
        bounds, better = _known(one.metric)
        if bounds[1] <= _BOUNDED:
            same.append(_Drawn(name, one.difference, one.lower, one.upper, better, one))
        elif one.baseline_value and bounds[0] >= 0:
            unit = abs(one.baseline_value)
            limits = [None if end is None else end / unit for end in (one.lower, one.upper)]
            relative.append(_Drawn(name, one.difference / unit, limits[0], limits[1], better, one))
    found = [
        _figure("differences", "Differences", same, percent=False),
        _figure("relative-differences", "Relative differences", relative, percent=True),
    ]
    return [figure for figure in found if figure is not None]


def _known(metric: str) -> tuple[tuple[float, float], bool | None]:
    """Bounds and better direction; of a metric that this installation does not have, nothing is known."""
    try:
        described = describe(metric)
    except SpecError:
        return (float("-inf"), float("inf")), None
    return described.bounds, described.greater_is_better


def _figure(key: str, title: str, drawn: Sequence[_Drawn], *, percent: bool) -> Figure | None:
    if not drawn:
        return None
    shown = drawn[:MOST]
    axis = "difference in per cent of the baseline's value" if percent else "difference, this run minus the baseline"
    picture = lanes.picture([_lane(one, percent=percent) for one in shown], title, axis, guide=0.0, percent=percent)
    caption = "On the dashed line both are equal; an interval that crosses it does not settle who is better."
    if percent:
        caption += " The baseline's value is taken as known."
    if len(drawn) > MOST:
        caption += f" {numerals.count(len(drawn) - MOST, 'more comparison')} in the table."
    return Figure(key, title, caption, picture, legend=_LEGEND)


def _lane(one: _Drawn, *, percent: bool) -> Lane:
    kind, shape = {"better": ("s2", "up"), "worse": ("s1", "down"), "not settled": ("s0", "circle")}[one.verdict]
    if percent:
        shown = f"{one.value:+.1%}" + ("" if one.lower is None or one.upper is None else f" ({one.lower:+.1%} to {one.upper:+.1%})")
    else:
        shown = numerals.interval(one.value, one.lower, one.upper)
        shown = f"+{shown}" if one.value > 0 else shown
    said = f"{one.name}: {shown}, {one.verdict}. {one.of.sentence}"
    return Lane(one.name, shown, said, [Mark(one.value, one.lower, one.upper, kind, shape, not one.of.reliable)])
