"""The table of slices."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtf.contracts.report import MetricValue, Report, SliceReport
from mtf_evaluation import numerals
from mtf_evaluation.figures.rest import Rest, rest_of
from mtf_evaluation.page.metrics import interval_text, value_text, width_of
from mtf_evaluation.page.sections import ordered

CELLS = 4000
"""Cells of the table; what is beyond it stands in the other forms of the report, so that the page stays small."""
ROWS = 1000
FEWEST = 3
"""Metrics that the table keeps before it leaves out slices."""
NOTES = 40


@dataclass(frozen=True)
class Cell:
    """One metric of one slice. `note` is a number of the list below the table."""

    value: str
    interval: str
    reliable: bool
    note: str
    rest: str


@dataclass(frozen=True)
class Row:
    """One slice. `found` is true where a search found it."""

    name: str
    rows: int
    found: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Slices:
    """The table of slices; `left_out` says what did not fit."""

    names: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    compared: bool = False
    left_out: str = ""


def table(report: Report, *, metrics: int | None = None, most: int = ROWS) -> Slices:
    """The slices in the order of the report; of many, the metrics that gates name and the first ones. Both may be limited further."""
    measured = {name for one in report.slices for name in one.metrics}
    names = [name for name in ordered(report) if name in measured]
    names += sorted(measured.difference(names))
    kept = names[: metrics or max(FEWEST, CELLS // max(1, len(report.slices)))]
    most = min(most, CELLS // max(1, len(kept)))
    notes: dict[str, int] = {}
    rows = [Row(one.name, one.rows, one.found, [_cell(one, name, notes) for name in kept]) for one in report.slices[:most]]
    compared = any(rest_of(one, name) for one in report.slices[:most] for name in kept)
    return Slices(kept, rows, list(notes), compared, _left_out(len(names) - len(kept), len(report.slices) - len(rows)))


def _left_out(metrics: int, slices: int) -> str:
    parts = [numerals.count(metrics, "metric")] if metrics else []
    parts += [numerals.count(slices, "slice")] if slices else []
    return f"{' and '.join(parts)} more would not fit here." if parts else ""


def _cell(part: SliceReport, name: str, notes: dict[str, int]) -> Cell:
    value = part.metrics.get(name, MetricValue(value=None, n=0, undefined="not measured here"))
    why = value.undefined or value.reason or ""
    mark = _mark(why, notes) if why else ""
    return Cell(value_text(value), interval_text(value), value.reliable or value.value is None, mark, _against(rest_of(part, name), value))


def _mark(why: str, notes: dict[str, int]) -> str:
    """The number of a reason; a star where the list is full."""
    return str(notes.setdefault(why, len(notes) + 1)) if why in notes or len(notes) < NOTES else "*"


def _against(rest: Rest | None, value: MetricValue) -> str:
    """The difference from the rest, where it stands after the correction."""
    if rest is None or not rest.apart or rest.difference is None:
        return ""
    shape = "▲ +" if rest.difference > 0 else "▼ "
    return f"{shape}{numerals.number(rest.difference, width_of(value))}"
