"""Puts the report together: what was measured, compared, checked and judged, in the words of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mtf.contracts.report import Check, Comparison, Gate, MetricValue, Report, Rows, RunHead, SliceReport
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import DataError
from mtf.plugins import Sample, load, names
from mtf_evaluation import compare, measure, numerals, plots, sliced, slices
from mtf_evaluation.catalogue import describe
from mtf_evaluation.gates import decide, judge, worst
from mtf_evaluation.parts import measure_many
from mtf_evaluation.reference import read
from mtf_evaluation.scored import Scored
from mtf_evaluation.sliced import COVERAGE
from mtf_evaluation.slices import Slice

RUN_ID = "{{run_id}}"
"""Stands for the run's id, so that equal inputs give equal artefacts; the gateway fills it when it hands the report out."""


def report(spec: EvaluateSpec, scored: Scored, other: Scored | None, *, progress: Callable[[int, str], None], cpus: float = 1.0) -> Report:
    """Measure, compare, check and judge. Raises DataError when no row can be measured, SpecError for a metric of another task."""
    room = _Room(spec, scored)
    progress(1, "measuring")
    metrics = room.measured()
    parts = slices.find(scored.slices, spec.slices, spec.gates)
    by_slice = sliced.reports(parts, room.each(parts, cpus), room.ready, room.counted, overall=metrics, level=spec.level, cpus=cpus)
    progress(2, "comparing")
    compared, shared = _compare(room, other, parts)
    evidence = _evidence(room, other, metrics=metrics, sliced=by_slice, parts=parts, compared=compared)
    judged = [decide.gate(term, evidence) for term in spec.gates]
    return Report(
        run=head(spec),
        task=spec.task,
        labels=spec.labels,
        rows=Rows(total=scored.rows, scored=len(room.kept)),
        metrics=metrics,
        slices=by_slice,
        comparisons=compared,
        checks=_checks(room.sample),
        gates=judged,
        verdict=judge.overall(judged),
        warnings=_excluded(scored, room) + shared + _unreachable(spec, evidence),
        notes=dict(spec.notes) | {"evaluation": provenance(spec)},
        plots=plots.build(room.ready, level=spec.level, metrics=room.metrics, columns=room.columns),
    )


def gates(spec: EvaluateSpec, scored: Scored, other: Scored | None) -> list[Gate]:
    """The verdicts alone. Raises as `report` does."""
    room = _Room(spec, scored)
    parts = slices.find(scored.slices, spec.slices, spec.gates)
    by_slice = [sliced.plain(part, found) for part, found in zip(parts, room.each(parts, 1.0), strict=True)]
    compared, _ = _compare(room, other, parts)
    evidence = _evidence(room, other, metrics=room.measured(), sliced=by_slice, parts=parts, compared=compared)
    return [decide.gate(term, evidence) for term in spec.gates]


def comparisons(spec: EvaluateSpec, scored: Scored, other: Scored) -> tuple[list[Comparison], int, list[str]]:
    """The paired differences of the metrics on the rows that both runs scored, how many those are, and warnings."""
    room = _Room(spec, scored)
    found, warnings = _compare(room, other, [])
    return found, int((scored.kept & other.kept).sum()), warnings


def head(spec: EvaluateSpec) -> RunHead:
    """Which run the report is of."""
    return RunHead(id=RUN_ID, **{word: spec.titles.get(word, word) for word in ("name", "dataset", "model")})


def provenance(spec: EvaluateSpec) -> dict[str, Any]:
    """What the numbers depend on besides the rows."""
    metrics = {read(name).name: describe(name).version for name in sorted(wanted(spec))}
    return {"level": spec.level, "seed": spec.seed, "versions": dict(_libraries()), "metric_versions": metrics}


def baseline_title(spec: EvaluateSpec) -> str:
    """What the baseline is called in the report."""
    return spec.titles.get("baseline", "baseline")


class _Room:
    """The rows that can be measured, and how."""

    def __init__(self, spec: EvaluateSpec, scored: Scored) -> None:
        self.spec, self.scored = spec, scored
        self.kept: NDArray[np.int64] = np.flatnonzero(scored.kept)
        if not len(self.kept):
            raise DataError(
                f"none of the {scored.rows:,} rows has both a target and a prediction", field="model", fix="look at what the model answers"
            )
        self.sample = scored.sample if len(self.kept) == scored.rows else measure.subset(scored.sample, self.kept)
        self.metrics = wanted(spec)
        if self.sample.weight is not None:  # before rows of weight 0 are gone, so that weights that are all 0 are told as such
            measure.check(self.sample)
        self.ready = measure.prepared(self.sample, spec.seed)
        """The measurable rows that count, with the facts that metrics and plots share."""

    def rows(self, part: Slice | None) -> NDArray[np.int64]:
        """Positions of the measurable rows of a slice; None means all rows."""
        return self.kept if part is None else part.rows[self.scored.kept[part.rows]]

    @property
    def counted(self) -> NDArray[np.int64]:
        """Positions of the rows of `ready`."""
        return self.kept if self.sample.weight is None else self.kept[self.sample.weight > 0]

    @property
    def columns(self) -> dict[str, pa.Array]:
        """The slice columns, in the rows of `ready`."""
        kept = self.counted
        whole = len(kept) == self.scored.rows
        return {name: values if whole else values.take(pa.array(kept)) for name, values in self.scored.slices.items()}

    def part(self, part: Slice | None) -> Sample:
        """The measurable rows of a slice."""
        return self.sample if part is None else measure.subset(self.scored.sample, self.rows(part))

    def measured(self) -> dict[str, MetricValue]:
        """Every metric on all rows, and the share of them that have a prediction where that is not all."""
        found = measure.measure(self.ready, self.metrics, level=self.spec.level, seed=self.spec.seed)
        return found if len(self.kept) == self.scored.rows else found | {COVERAGE: self._coverage(None)}

    def each(self, parts: Sequence[Slice], cpus: float) -> list[dict[str, MetricValue]]:
        """The same for every slice, measured together; null with a reason for a slice without enough rows."""
        place, spec = np.cumsum(self.scored.kept) - 1, self.spec
        rows = [place[self.rows(part)] for part in parts]
        found = iter(
            measure_many(self.sample, [one for one in rows if self._enough(one)], self.metrics, level=spec.level, seed=spec.seed, cpus=cpus)
        )
        return [
            (next(found) if self._enough(own) else sliced.nothing(part, len(own), self.metrics, spec.slice_min_rows))
            | ({} if len(own) == len(part.rows) else {COVERAGE: self._coverage(part)})
            for part, own in zip(parts, rows, strict=True)
        ]

    def _enough(self, rows: NDArray[np.int64]) -> bool:
        return len(rows) >= max(self.spec.slice_min_rows, 1)

    def _coverage(self, part: Slice | None) -> MetricValue:
        """The share of rows with a prediction: the accuracy of the claim that every row has one, so that weights and groups count alike."""
        rows = np.arange(self.scored.rows) if part is None else part.rows
        whole = measure.subset(self.scored.sample, rows)
        claim = Sample(
            task="binary",
            target=np.ones(len(rows), dtype=np.int32),
            prediction=self.scored.kept[rows].astype(np.int32),
            labels=(0, 1),
            weight=whole.weight,
            group=whole.group,
        )
        return measure.measure(claim, ["accuracy"], level=self.spec.level, seed=self.spec.seed)["accuracy"]


def wanted(spec: EvaluateSpec) -> list[str]:
    """The metrics of the run file, or of the task, and those that gates name. Raises SpecError for a metric of another task."""
    names = [*(spec.metrics or measure.default_metrics(spec.task)), *(term.metric for term in spec.gates)]
    return list(measure.find(names, spec.task, spec.labels or ()))


def _compare(room: _Room, other: Scored | None, parts: list[Slice]) -> tuple[list[Comparison], list[str]]:
    """All metrics on all rows, and what gates ask of slices."""
    if other is None:
        return [], []
    spec = room.spec
    both = room.scored.kept & other.kept
    lost = len(room.kept) - int(both.sum())
    if not both.any():
        raise DataError("no row was scored by both this run and the baseline", field="evaluation.baseline")
    asked = [term for term in spec.gates if term.operator == "not_worse"]
    found = _pair(room, other, np.flatnonzero(both), room.metrics, [term.metric for term in asked if not term.where and not term.worst])
    for term in asked:
        part = slices.match(term.where, parts) if term.where else None
        if part is not None and not any(one.metric == term.metric and one.where == part.where for one in found):
            rows = part.rows[both[part.rows]]
            pair = _pair(room, other, rows, [term.metric], [term.metric])
            found += [one.model_copy(update={"where": part.where}) for one in pair]
    if lost:
        return compare.adjusted(found), [f"{numerals.count(lost, 'row')} without a prediction of the baseline left out of the comparisons"]
    return compare.adjusted(found), []


def _pair(
    room: _Room, other: Scored, rows: NDArray[np.int64], metrics: list[str], gated: list[str], *, level: float | None = None
) -> list[Comparison]:
    title, spec = baseline_title(room.spec), room.spec
    if not len(rows):
        why = "no row of the slice was scored by both runs"
        return [Comparison(baseline=title, metric=name, difference=None, undefined=why, family="gates") for name in metrics]
    a, b = measure.subset(room.scored.sample, rows), measure.subset(other.sample, rows)
    return compare.compare(a, b, metrics, level=level or spec.level, seed=spec.seed, baseline=title, gated=gated)


def _evidence(
    room: _Room,
    other: Scored | None,
    *,
    metrics: Mapping[str, MetricValue],
    sliced: list[SliceReport],
    parts: list[Slice],
    compared: list[Comparison],
) -> decide.Evidence:
    """What the gates are judged by. What was measured is not measured again, except at another level."""
    spec = room.spec

    def measured(part: Slice, metric: str, level: float) -> MetricValue:
        sample = room.part(part)
        if not len(sample.target):
            return MetricValue(value=None, n=0, undefined="no row of the slice has a prediction")
        return measure.measure(sample, [metric], level=level, seed=spec.seed)[metric]

    def paired(part: Slice, metric: str, level: float) -> Comparison:
        theirs = other or room.scored  # without a baseline nobody asks
        rows = part.rows[room.scored.kept[part.rows] & theirs.kept[part.rows]]
        return _pair(room, theirs, rows, [metric], [metric], level=level)[0]

    return decide.Evidence(
        metrics=metrics,
        sliced=sliced,
        parts=parts,
        compared=compared,
        sample=room.part,
        measured=measured,
        paired=None if other is None else paired,
        level=spec.level,
        seed=spec.seed,
        fewest=max(worst.FEWEST, spec.slice_min_rows),
    )


@cache
def _libraries() -> dict[str, str]:
    """The libraries that the numbers depend on."""
    return {library: version(library) for library in ("numpy", "scipy")}


def _checks(sample: Sample) -> list[Check]:
    """What every check finds; one that does not apply answers None."""
    found = (load("check", name).check(sample) for name in names("check"))
    return [one for one in found if one is not None]


def _excluded(scored: Scored, room: _Room) -> list[str]:
    """Rows are never left out silently."""
    return left_out(scored.rows, len(room.kept), scored.no_target)


def left_out(total: int, measured: int, no_target: int) -> list[str]:
    """What is said of rows without a target or a prediction."""
    warnings = []
    if no_target:
        warnings.append(f"{numerals.count(no_target, 'row')} without a target left out of every metric")
    unscored = total - measured - no_target
    if unscored > 0:
        warnings.append(f"{numerals.count(unscored, 'row')} of {total:,} without a prediction left out; `{COVERAGE}` says how many remain")
    return warnings


def _unreachable(spec: EvaluateSpec, evidence: decide.Evidence) -> list[str]:
    """Gates that could not pass on these rows whatever the model said."""
    return [warning for term in spec.gates if (warning := decide.unreachable(term, evidence))]
