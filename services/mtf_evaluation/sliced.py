"""The slices of a report: what was measured in each, and how it differs from the rest of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue, SliceReport
from mtf.plugins import Sample
from mtf_evaluation import measure, numerals, rest
from mtf_evaluation.slices import Slice

Values = dict[str, MetricValue]
COVERAGE = "coverage"
"""The share of the rows that have a prediction; reported where some have none."""


def nothing(part: Slice, rows: int, metrics: Sequence[str], fewest: int) -> Values:
    """The metrics of a slice of `rows` measurable rows that is not measured, with the reason."""
    if rows:
        why = f"the slice has {numerals.count(rows, 'row')}; slices are measured from {fewest} rows on (`evaluation.slice_min_rows`)"
    else:
        why = "no row of the slice has a prediction" if len(part.rows) else "the slice has no row"
    return {name: MetricValue(value=None, n=rows, undefined=why) for name in metrics}


def plain(part: Slice, metrics: Values) -> SliceReport:
    """A slice by itself."""
    edges = {column: (low, high) for column, (low, high) in part.edges.items()}
    return SliceReport(name=part.name, where=part.where, rows=len(part.rows), metrics=metrics, edges=edges, condition=part.condition)


def reports(
    parts: Sequence[Slice],
    found: Sequence[Values],
    ready: Sample,
    kept: NDArray[np.int64],
    *,
    overall: Mapping[str, MetricValue],
    level: float,
    cpus: float = 1.0,
) -> list[SliceReport]:
    """The slices as the report shows them.

    Args:
        parts: The slices, by positions in the rows that were scored.
        found: The metrics of each.
        ready: The measurable rows that count.
        kept: Their positions in the rows that were scored.
        overall: The metrics of `ready`.
        level: Confidence level of the differences.
        cpus: How many slices are compared at a time.
    """
    place = np.full(int(kept[-1]) + 1 if kept.size else 0, -1, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    inside = [_inside(part.rows, place, kept.size) if _known(values) else None for part, values in zip(parts, found, strict=True)]
    own = {name: value for name, value in overall.items() if name != COVERAGE}
    plugins = measure.find(list(own), ready.task, ready.labels) if parts else {}
    versus = rest.compare(ready, inside, found, own, plugins, level=level, cpus=cpus)
    whole = [plain(part, values) for part, values in zip(parts, found, strict=True)]
    return [one.model_copy(update={"versus_rest": against}) for one, against in zip(whole, versus, strict=True)]


def _known(values: Values) -> bool:
    return any(one.value is not None for one in values.values())


def _inside(rows: NDArray[np.int64], place: NDArray[np.int64], counted: int) -> NDArray[np.int64]:
    """The slice's rows among those that count."""
    if counted == place.size and rows[-1] < counted:
        return rows  # every row up to the last one of the slice counts
    found = place[rows[rows < place.size]]
    return found[found >= 0]
