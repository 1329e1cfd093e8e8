"""What is kept of a part of the rows between partitions: cells, sums and the rows at the ends of every range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.streams import cells as counting
from mtf_evaluation.streams.cells import Cells
from mtf_evaluation.streams.moments import Sums, sums
from mtf_evaluation.streams.plan import Plan
from mtf_evaluation.streams.views import Seen

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """First pass over the rows of a slice (or of everything)."""

    name: str
    where: Mapping[str, Any]
    rows: int
    """Rows of the part."""
    kept: Cells
    """Rows with (cell 1) and without (cell 0) a prediction: how much of the part is covered."""
    cells: Mapping[str, Cells]
    """By view."""
    sums: Mapping[str, Sums]
    """By metric."""
    witness: Sample
    """Rows that stand at the ends of the ranges of target, prediction and scores: what conditions on the data are asked of."""


def merge(a: Part, b: Part) -> Part:
    """Both parts' rows."""
    return Part(
        a.name,
        a.where,
        a.rows + b.rows,
        counting.merge(a.kept, b.kept),
        {name: counting.merge(one, b.cells[name]) for name, one in a.cells.items()},
        {name: one + b.sums[name] for name, one in a.sums.items()},
        extremes(joined(a.witness, b.witness)),
    )


class Summary:
    """One partition's rows, looked at once for all parts.

    Args:
        plan: What to keep.
        sample: Its measurable rows.
    """

    def __init__(self, plan: Plan, sample: Sample) -> None:
        self._sample, self._plan = sample, plan
        self._seen: dict[str, Seen] = {name: view.see(sample) for name, view in plan.views.items()}
        self._terms: dict[str, Floats] = {name: terms_of(plugin, sample) for name, plugin in plan.moments.items()}

    def part(self, name: str, where: Mapping[str, Any], rows: Rows | None, kept: Cells, total: int) -> Part:
        """The part of the measurable rows at `rows` (None means all)."""
        sample = self._sample
        weight = _at(sample.weight, rows)
        cells = {
            key: counting.tally(seen.keys if rows is None else seen.keys[rows], _at(seen.inside, rows), weight, self._plan.views[key].size)
            for key, seen in self._seen.items()
        }
        found = {key: sums(terms if rows is None else terms[rows], weight) for key, terms in self._terms.items()}
        return Part(name, where, total, kept, cells, found, extremes(sample if rows is None else taken(sample, rows)))


def terms_of(plugin: Any, sample: Sample) -> Floats:
    """(n, t) terms; for one class against the rest of that class."""
    if isinstance(plugin, OneVsRest):
        return np.asarray(plugin.inner.terms(binary(sample, plugin.code)), dtype=np.float64)
    return np.asarray(plugin.terms(sample), dtype=np.float64)


def _at(values: Floats | None, rows: Rows | None) -> Floats | None:
    return values if values is None or rows is None else values[rows]


def taken(sample: Sample, rows: NDArray[Any] | slice) -> Sample:
    """Some rows of a sample."""
    return _with_arrays(sample, {name: array[rows] for name, array in _arrays(sample).items()})


def joined(a: Sample, b: Sample) -> Sample:
    """The rows of both."""
    others = _arrays(b)
    return _with_arrays(a, {name: np.concatenate([array, others[name]]) for name, array in _arrays(a).items()})


def _arrays(sample: Sample) -> dict[str, NDArray[Any]]:
    """What has an entry for each row."""
    found = {field.name: getattr(sample, field.name) for field in fields(sample)}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


def _with_arrays(sample: Sample, arrays: Mapping[str, Any]) -> Sample:
    changes: dict[str, Any] = {**arrays, "extra": {}}
    return replace(sample, **changes)


def extremes(sample: Sample) -> Sample:
    """The rows with the lowest and the highest target, prediction, error and scores, and those nearest to 0."""
    n = sample.target.size
    if not n:
        return taken(sample, np.arange(0))
    columns = [sample.target, sample.prediction]
    if sample.task == "regression":
        with np.errstate(all="ignore"):
            columns += [np.abs(sample.target), np.abs(sample.prediction - sample.target)]
    if sample.interval is not None:
        columns += [*sample.interval.T, sample.interval[:, 1] - sample.interval[:, 0]]
    if sample.scores is not None:
        columns += [*sample.scores.T, sample.scores.sum(axis=1)]
    places = reduce(lambda found, column: found | {int(column.argmin()), int(column.argmax())}, columns, set[int]())
    if sample.scores is not None:
        # The row whose true class got the least: a loss may be infinite there.
        truth = np.take_along_axis(sample.scores, sample.target[:, None].astype(np.intp), axis=1)[:, 0]
        places |= {int(truth.argmin())}
    return taken(sample, np.array(sorted(places)))
