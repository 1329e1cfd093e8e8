"""Two runs on the same rows, compared without holding either: a third pass over both adds up how their influence values differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtf.compute import Runner, reduce
from mtf.contracts.report import Comparison
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import baseline, measure
from mtf_evaluation.compare import adjusted
from mtf_evaluation.metrics.areas import AveragePrecision, RocAuc, RocAucOvr
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.sentences import sentence
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.interval import no_interval
from mtf_evaluation.statistics.paired import Paired, paired_normal
from mtf_evaluation.streams.chunks import Chunks
from mtf_evaluation.streams.measure import WHOLE, Measured
from mtf_evaluation.streams.values import Values

Floats = NDArray[np.float64]
RANKS = (RocAuc, AveragePrecision, RocAucOvr)


@dataclass(frozen=True)
class _Apart:
    """Sums over rows: how many, weight, weight times difference squared by metric, the same by group, and rows that differ."""

    rows: int
    weight: float
    squares: Mapping[str, float]
    groups: Mapping[str, Floats]
    differ: Mapping[str, int]

    def __add__(self, other: _Apart) -> _Apart:
        return _Apart(
            self.rows + other.rows,
            self.weight + other.weight,
            {name: one + other.squares[name] for name, one in self.squares.items()},
            {name: one + other.groups[name] for name, one in self.groups.items()},
            {name: one + other.differ[name] for name, one in self.differ.items()},
        )


@dataclass(frozen=True)
class Run:
    """One of the two."""

    chunks: Chunks
    measured: Measured

    @property
    def values(self) -> Values:
        """Of all rows."""
        return self.measured.readers[WHOLE]


def compare(
    ours: Run, theirs: Run, metrics: Sequence[str], *, title: str, gated: Sequence[str], level: float, runner: Runner
) -> list[Comparison]:
    """Paired differences, ours minus theirs, of the metrics that have influence values; the others say that they have none.

    Raises DataError where the two did not score the same rows in the same order with the same success.
    """
    names = [name for name in metrics if _both(ours, theirs, name)]
    with np.errstate(all="ignore"):
        found = reduce(runner, lambda index: _apart(index, ours, theirs, names, title), _Apart.__add__, range(len(ours.chunks)))
    return adjusted([_compared(name, ours, theirs, found, title=title, gated=name in gated, level=level) for name in metrics])


def _both(ours: Run, theirs: Run, name: str) -> bool:
    return all(run.measured.values[WHOLE][name].value is not None and run.values.has_influence(name) for run in (ours, theirs))


def _apart(index: int, ours: Run, theirs: Run, names: Sequence[str], title: str) -> _Apart:
    start, stop = ours.chunks.borders(index)
    mine = ours.chunks.read(index)
    other = baseline.align(mine, theirs.chunks.window(start, stop), title=f"the baseline {title}")
    if not np.array_equal(mine.kept, other.kept):
        raise DataError(
            f"this run and the baseline {title} lack predictions for different rows, which is not compared for this many rows",
            field="evaluation.baseline",
            found=f"{int(np.count_nonzero(mine.kept != other.kept)):,} rows near row {start:,}",
            fix="compare runs that scored the same rows",
        )
    a, b, codes = _rows(mine.sample, mine.kept, ours), _rows(other.sample, mine.kept, theirs), ours.measured.survey.codes(mine)
    codes = None if codes is None else codes[_counted(mine.sample, mine.kept)]
    weight = a.weight
    squares, groups, differ = {}, {}, {}
    for name in names:
        own = ours.values.influence(name, a)
        apart = own - theirs.values.influence(name, b)
        parts = apart if weight is None else weight * apart
        squares[name] = float(parts @ parts)
        differ[name] = int(np.count_nonzero(np.abs(apart) > NOISE * float(np.abs(own).max(initial=0.0))))
        if codes is not None:
            groups[name] = np.bincount(codes, weights=parts, minlength=ours.measured.survey.group_count).astype(np.float64, copy=False)
    return _Apart(a.target.size, float(a.target.size if weight is None else weight.sum()), squares, groups, differ)


def _counted(sample: Sample, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.flatnonzero(kept if sample.weight is None else kept & (sample.weight > 0))


def _rows(sample: Sample, kept: NDArray[np.bool_], run: Run) -> Sample:
    """The rows that count, with the run's own centre."""
    ready = measure.prepared(measure.subset(sample, _counted(sample, kept)))
    facts_of(ready).centre = run.measured.survey.centre
    return ready


def _compared(name: str, ours: Run, theirs: Run, found: _Apart | None, *, title: str, gated: bool, level: float) -> Comparison:
    a, b = ours.measured.values[WHOLE][name], theirs.measured.values[WHOLE][name]
    one = Comparison(
        baseline=title,
        metric=name,
        value=a.value,
        baseline_value=b.value,
        difference=None,
        n=a.n,
        family="gates" if gated else "exploratory",
    )
    if a.value is None or b.value is None:
        whose, why = ("this run", a.undefined) if a.value is None else ("the baseline", b.undefined)
        one = one.model_copy(update={"reliable": False, "undefined": f"undefined for {whose}: {why}"})
        return one.model_copy(update={"sentence": sentence(one)})
    tested = _tested(name, ours, found, a.value - b.value, level)
    one = one.model_copy(
        update={
            "difference": a.value - b.value,
            "lower": tested.interval.lower,
            "upper": tested.interval.upper,
            "level": level if tested.interval.known else None,
            "p_value": tested.p_value,
            "interval_method": tested.interval.method,
            "test_method": tested.test,
            "reliable": tested.interval.known and a.reliable and b.reliable,
            "reason": tested.interval.reason or a.reason or b.reason,
            "minimum_detectable": tested.reach.minimum_detectable,
            "rows_needed": tested.reach.rows_needed,
            "rows_for_power": tested.reach.rows_for_power,
        }
    )
    return one.model_copy(update={"sentence": sentence(one)})


def _tested(name: str, ours: Run, found: _Apart | None, difference: float, level: float) -> Paired:
    if found is None or name not in found.squares:
        return Paired(no_interval("this metric has no paired test"), None, "none")
    if not found.differ[name]:
        return Paired(no_interval("both models give the same on every row"), 1.0 if difference == 0 else None, "identical")
    design: Design = ours.values.design
    if found.groups:
        sums = found.groups[name]
        count = design.groups
        error = math.sqrt(count / (count - 1) * float(sums @ sums)) / found.weight if count > 1 else math.nan
    else:
        error = math.sqrt(found.rows / (found.rows - 1) * found.squares[name]) / found.weight
    rank = isinstance(ours.measured.plugins[name], RANKS)
    method = "influence-paired" if design.simple else "sandwich-paired"
    return paired_normal(difference, error, design, level, method, student=not rank)
