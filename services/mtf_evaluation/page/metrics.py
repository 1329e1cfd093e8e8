"""The table of metrics and the table of slices."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from mtf.contracts.report import MetricValue, Report
from mtf_evaluation import numerals
from mtf_evaluation.figures import bars

CELLS = 4000
"""Cells of the table of slices; what is beyond it stands in the JSON report, so that the page stays small."""


@dataclass(frozen=True)
class Row:
    """One metric, as texts."""

    name: str
    value: str
    interval: str
    bar: Markup
    n: int
    effective: str
    method: str
    reliable: bool
    note: str


@dataclass(frozen=True)
class Cell:
    """One metric of one slice."""

    value: str
    interval: str
    reliable: bool
    note: str


@dataclass(frozen=True)
class Slices:
    """The table of slices; `left_out` are those that did not fit."""

    names: list[str] = field(default_factory=list)
    rows: list[tuple[str, int, bool, list[Cell]]] = field(default_factory=list)
    left_out: int = 0


def rows(report: Report) -> list[Row]:
    """Every metric of all rows."""
    return [_row(report, name, value) for name, value in report.metrics.items()]


def slices(report: Report) -> Slices:
    """The slices in the order of the report, as many as fit."""
    found = list(dict.fromkeys(name for one in report.slices for name in one.metrics))
    most = max(1, CELLS // max(1, len(found)))
    empty = MetricValue(value=None, n=0, undefined="not measured here")
    shown = [(one.name, one.rows, one.found, [_cell(one.metrics.get(name, empty)) for name in found]) for one in report.slices[:most]]
    return Slices(found, shown, len(report.slices) - len(shown))


def _row(report: Report, name: str, value: MetricValue) -> Row:
    effective = "" if value.n_effective is None or round(value.n_effective) == value.n else f"{value.n_effective:,.0f}"
    bar = Markup(bars.interval(value.value, value.lower, value.upper, reliable=value.reliable))  # noqa: S704 - numbers only
    return Row(
        name,
        _value(value),
        _interval(value),
        bar,
        value.n,
        effective,
        value.method,
        value.reliable or value.value is None,
        _note(report, value),
    )


def _note(report: Report, value: MetricValue) -> str:
    """What a reader must know besides the number."""
    if value.undefined:
        return f"undefined: {value.undefined}"
    notes = [value.reason] if value.reason else []
    if value.n_classes is not None and report.labels and value.n_classes < len(report.labels):
        notes.append(
            f"mean over {value.n_classes} of {numerals.count(len(report.labels), 'class', 'classes')}; the others have no value here"
        )
    if value.null_band is not None:
        low, high = (numerals.number(end, places=numerals.decimals(value.value or 0.0, None)) for end in value.null_band)
        notes.append(f"would lie between {low} and {high} if every score were right")
    return "; ".join(notes)


def _cell(value: MetricValue) -> Cell:
    return Cell(_value(value), _interval(value), value.reliable or value.value is None, value.undefined or value.reason or "")


def _width(value: MetricValue) -> float | None:
    return None if value.lower is None or value.upper is None else value.upper - value.lower


def _value(value: MetricValue) -> str:
    return numerals.number(value.value, _width(value))


def _interval(value: MetricValue) -> str:
    if value.lower is None or value.upper is None:
        return ""
    return f"{numerals.number(value.lower, _width(value))} to {numerals.number(value.upper, _width(value))}"
