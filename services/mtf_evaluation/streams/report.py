"""The report of rows beyond memory: the same document as of rows in memory, measured in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mtf.compute import Runner
from mtf.contracts.report import Comparison, MetricValue, Report, Rows, SliceReport
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import assemble, measure, plots, slices
from mtf_evaluation.gates import decide, judge
from mtf_evaluation.scored import Scored
from mtf_evaluation.sliced import COVERAGE
from mtf_evaluation.slices import Slice
from mtf_evaluation.streams import pairs, thinned
from mtf_evaluation.streams.chunks import Chunks
from mtf_evaluation.streams.measure import WHOLE, Key, Measured, Piece, measure_parts
from mtf_evaluation.streams.plan import CONFUSION
from mtf_evaluation.streams.quantiles import with_edges

NOTHING = np.zeros(0, dtype=np.int64)


def report(spec: EvaluateSpec, chunks: Chunks, other: Chunks | None, *, runner: Runner, progress: Callable[[int, str], None]) -> Report:
    """Measure, compare, check and judge in a few passes over the rows, of which one partition for each thread is held at a time.

    Raises DataError where no row can be measured, SpecError for a metric of another task.
    """
    progress(1, f"measuring {chunks.rows:,} rows in parts")
    room = _Room(spec, chunks, runner)
    progress(2, "comparing")
    compared = [] if other is None else room.compared(other)
    evidence = room.evidence(compared, against=other is not None)
    gates = [decide.gate(term, evidence) for term in spec.gates]
    thin = thinned.thinned(chunks)
    metrics = room.values(WHOLE)
    return Report(
        run=assemble.head(spec),
        task=spec.task,
        labels=spec.labels,
        rows=Rows(total=chunks.rows, scored=room.scored),
        metrics=metrics,
        slices=room.sliced,
        comparisons=compared,
        checks=thinned.checks(thin),
        gates=gates,
        verdict=judge.overall(gates),
        warnings=room.warnings(),
        notes=dict(spec.notes) | {"evaluation": assemble.provenance(spec) | {"streamed": _how(thin)}},
        plots=_plots(room, thin),
    )


def _how(thin: thinned.Thinned) -> dict[str, Any]:
    """What a reader must know of numbers that were measured in parts."""
    return {
        "why": "there are too many rows to hold; scores are binned where the order of all rows would be needed, and `bound` says how far that may "
        "have moved a value",
        "plots": f"curves and checks show every {thin.stride:,}th row; counts are of all rows",
        "slices": "a slice is not compared with the rest of the rows",
    }


def _plots(room: _Room, thin: thinned.Thinned) -> dict[str, Any]:
    found = plots.build(thin.sample, level=room.spec.level, metrics=list(room.measured.plugins), columns=thin.columns)
    if CONFUSION in room.measured.plan.views:
        counted = room.measured.readers[WHOLE].sample(CONFUSION)
        exact = plots.build(counted, level=room.spec.level)
        found |= {name: exact[name] for name in ("confusion", "classes") if name in exact}
    return found


class _Room:
    """What both passes found, in the words of the report."""

    def __init__(self, spec: EvaluateSpec, chunks: Chunks, runner: Runner) -> None:
        self.spec, self.chunks, self.runner = spec, chunks, runner
        self.plugins = measure.find(assemble.wanted(spec), spec.task, spec.labels or ())
        self._crosses = with_edges(spec.slices, chunks)
        self._order: dict[Key, Slice] = {}
        self.measured: Measured = self._measure(chunks)

    def _measure(self, chunks: Chunks, find: Callable[[Scored], list[Piece]] | None = None) -> Measured:
        return measure_parts(
            chunks,
            self.plugins,
            find=self._find if find is None else find,
            level=self.spec.level,
            seed=self.spec.seed,
            runner=self.runner,
            progress=lambda _: None,
        )

    def _find(self, scored: Scored) -> list[Piece]:
        found = slices.find(scored.slices, self._crosses, self.spec.gates)
        for one in found:
            self._order.setdefault(slices.key(one.where), Slice(one.name, one.where, NOTHING, one.edges, one.condition))
        if len(self._order) > slices.MOST * max(1, len(self._crosses)):
            raise _too_many(len(self._order))
        return [Piece(slices.key(one.where), one.name, one.where, one.rows) for one in found]

    @property
    def parts(self) -> list[Slice]:
        """The slices in the order of the first partition, as a report in memory has them; then those that only later partitions show."""
        example = self.chunks.read(0).slices
        first = [slices.key(one.where) for one in slices.find(example, self._crosses, self.spec.gates)]
        rest = sorted((key for key in self._order if key not in first), key=str)
        return [self._order[key] for key in [*first, *rest]]

    @property
    def scored(self) -> int:
        """Rows with a target and a prediction."""
        kept = self.measured.parts[WHOLE].kept
        return int(kept.rows[kept.keys == 1].sum())

    def values(self, key: Key) -> dict[str, MetricValue]:
        """Every metric in the order asked for, and the share of rows with a prediction where that is not all."""
        found = {name: self.measured.values[key][name] for name in self.plugins}
        part = self.measured.parts[key]
        return found if not (part.kept.keys == 0).any() else found | {COVERAGE: self.measured.readers[key].coverage()}

    @property
    def sliced(self) -> list[SliceReport]:
        """The slices' metrics."""
        return [self._slice(part) for part in self.parts]

    def _slice(self, part: Slice) -> SliceReport:
        key = slices.key(part.where)
        return SliceReport(name=part.name, where=part.where, rows=self.measured.parts[key].rows, metrics=self.values(key))

    def compared(self, other: Chunks) -> list[Comparison]:
        """The paired differences from the baseline, on all rows."""
        ours = pairs.Run(self.chunks, self.measured)
        theirs = pairs.Run(other, self._measure(other, lambda _: []))
        gated = [term.metric for term in self.spec.gates if term.operator == "not_worse"]
        title = assemble.baseline_title(self.spec)
        return pairs.compare(ours, theirs, list(self.plugins), title=title, gated=gated, level=self.spec.level, runner=self.runner)

    def evidence(self, compared: list[Comparison], *, against: bool) -> decide.Evidence:
        """What the gates are judged by."""
        parts = self.parts

        def measured(part: Slice, metric: str, level: float) -> MetricValue:
            key = slices.key(part.where)
            return self.measured.readers[key].at(level).value(metric, self.measured.second.get(key))

        def paired(part: Slice, metric: str, level: float) -> Comparison:  # noqa: ARG001 - as gates ask
            why = "a slice is not compared with the baseline where rows are measured in parts"
            return Comparison(baseline=assemble.baseline_title(self.spec), metric=metric, difference=None, undefined=why, where=part.where)

        sliced_compared = [
            paired(part, term.metric, self.spec.level)
            for term in self.spec.gates
            if term.operator == "not_worse" and term.where and (part := slices.match(term.where, parts)) is not None
        ]
        return decide.Evidence(
            metrics=self.values(WHOLE),
            sliced=self.sliced,
            parts=parts,
            compared=[*compared, *sliced_compared],
            sample=self._shape,
            measured=measured,
            paired=paired if against else None,
            level=self.spec.level,
            seed=self.spec.seed,
        )

    def _shape(self, part: Slice | None) -> Sample:
        """As many rows as the part has, of which nothing but their number, weights and groups is told; they take no memory."""
        key = WHOLE if part is None else slices.key(part.where)
        n = self.measured.readers[key].n
        example = self.measured.survey.example
        zero = np.broadcast_to(np.zeros((), dtype=example.target.dtype), (n,))
        return Sample(
            example.task,
            zero,
            zero,
            labels=example.labels,
            weight=None if example.weight is None else np.broadcast_to(np.float64(1), (n,)),
            group=None if self.measured.survey.groups is None else np.broadcast_to(np.int64(0), (n,)),
        )

    def warnings(self) -> list[str]:
        """Rows are never left out silently."""
        return assemble.left_out(self.chunks.rows, self.scored, self.measured.no_target)


def _too_many(found: int) -> DataError:
    return DataError(
        f"the slices would be {found:,} or more; at most {slices.MOST:,} of each way to part the rows are measured",
        field="evaluation.slices",
        fix="slice by a column with few distinct values, or by bins or quantiles: `{column: age, quantiles: 4}`",
    )
