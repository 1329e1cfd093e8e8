"""The table of metrics."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from mtf.contracts.report import MetricValue, Report
from mtf_evaluation import numerals
from mtf_evaluation.figures import bars


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


def rows(report: Report) -> list[Row]:
    """Every metric of all rows."""
    return [_row(report, name, value) for name, value in report.metrics.items()]


def _row(report: Report, name: str, value: MetricValue) -> Row:
    effective = "" if value.n_effective is None or round(value.n_effective) == value.n else f"{value.n_effective:,.0f}"
    bar = Markup(bars.interval(value.value, value.lower, value.upper, reliable=value.reliable))  # noqa: S704 - numbers only
    return Row(
        name,
        value_text(value),
        interval_text(value),
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


def width_of(value: MetricValue) -> float | None:
    """How wide the interval is."""
    return None if value.lower is None or value.upper is None else value.upper - value.lower


def value_text(value: MetricValue) -> str:
    """The value with the digits that its interval leaves room for."""
    return numerals.number(value.value, width_of(value))


def interval_text(value: MetricValue) -> str:
    """`0.87 to 0.94`; empty where there is none."""
    if value.lower is None or value.upper is None:
        return ""
    return f"{numerals.number(value.lower, width_of(value))} to {numerals.number(value.upper, width_of(value))}"
