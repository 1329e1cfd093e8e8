"""Every number of the report as one long table in CSV: a line for each metric of each slice, each comparison, each slice against the rest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from mtf.contracts.report import Comparison, MetricValue, Report, RestComparison
from mtf_evaluation.slices import name_of

COLUMNS = (
    "run", "name", "dataset", "model", "scope", "slice", "metric", "value", "lower", "upper", "level", "method", "n", "n_effective",
    "reliable", "reason", "undefined", "baseline", "p_value", "p_adjusted", "family",
)  # fmt: skip  # the head of the table, as it is read
_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)

Row = dict[str, Any]


def to_csv(report: Report) -> str:
    """The table: UTF-8, commas, one head, full digits, empty where there is no number.

    `scope` is `all` (every row), `slice`, `rest` (a slice minus the other rows) or `comparison` (this run minus the baseline); in the last
    two `value`, `lower` and `upper` are of the difference. A text that a spreadsheet would run as a formula is led by an apostrophe.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    head = {"run": report.run.id, "name": report.run.name, "dataset": report.run.dataset, "model": report.run.model}
    for row in _rows(report):
        writer.writerow({key: _cell(value) for key, value in (head | row).items()})
    return out.getvalue()


def _rows(report: Report) -> Iterator[Row]:
    for name, value in report.metrics.items():
        yield {"scope": "all", "metric": name} | _measured(value)
    for part in report.slices:
        for name, value in part.metrics.items():
            yield {"scope": "slice", "slice": part.name, "metric": name} | _measured(value)
        for name, found in part.versus_rest.items():
            yield {"scope": "rest", "slice": part.name, "metric": name} | _difference(found)
    for one in report.comparisons:
        yield {"scope": "comparison", "slice": name_of(one.where), "metric": one.metric} | _compared(one)


def _measured(value: MetricValue) -> Row:
    names = ("value", "lower", "upper", "level", "method", "n", "n_effective", "reliable", "reason", "undefined")
    return {name: getattr(value, name) for name in names}


def _compared(one: Comparison) -> Row:
    return _difference(one) | {"n": one.n, "baseline": one.baseline, "family": one.family}


def _difference(found: Comparison | RestComparison) -> Row:
    names = ("lower", "upper", "level", "reliable", "reason", "undefined", "p_value", "p_adjusted")
    return {"value": found.difference, "method": found.interval_method} | {name: getattr(found, name) for name in names}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    return f"'{line}" if line.startswith(_FORMULA) else line
