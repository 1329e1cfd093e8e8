"""Every gate of a report, from what was measured and, where a slice needs another confidence level, from the rows again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mtf.contracts.report import Comparison, Gate, MetricValue, SliceReport
from mtf.contracts.stages import Term
from mtf.errors import SpecError
from mtf.plugins import Sample
from mtf_evaluation import slices
from mtf_evaluation.catalogue import describe
from mtf_evaluation.gates import judge, reach, worst
from mtf_evaluation.gates.settle import Basis
from mtf_evaluation.slices import Slice


@dataclass(frozen=True)
class Evidence:
    """What the gates are judged by."""

    metrics: Mapping[str, MetricValue]
    sliced: Sequence[SliceReport]
    """The metrics of each of `parts`, in their order."""
    parts: Sequence[Slice]
    compared: Sequence[Comparison]
    sample: Callable[[Slice | None], Sample]
    """The measurable rows of a slice; of all for None."""
    measured: Callable[[Slice, str, float], MetricValue]
    """A metric of a slice at a confidence level."""
    paired: Callable[[Slice, str, float], Comparison] | None
    """The difference from the baseline in a slice at a confidence level; None without a baseline."""
    level: float
    seed: int
    fewest: int = worst.FEWEST
    """Rows from which a slice counts for `worst slice of`."""


def gate(term: Term, evidence: Evidence) -> Gate:
    """The verdict on one gate. Raises SpecError for one that needs a baseline where there is none."""
    against = term.operator == "not_worse"
    if against and evidence.paired is None:
        raise _no_baseline(term)
    if term.worst:
        parts = [_part(term, part, evidence) for part in _across(term, evidence)]
        better = bool(describe(term.metric).greater_is_better)
        return worst.gate(term, parts, evidence.level, fewest=evidence.fewest, greater_is_better=better)
    part = slices.match(term.where, evidence.parts) if term.where else None
    where: dict[str, Any] = {} if part is None else part.where
    subject = term.metric if part is None else f"{term.metric} in {part.name}"
    sample = evidence.sample(part)
    if against:
        return _compared(term, evidence, where, subject, sample)
    values = evidence.metrics if part is None else next(one.metrics for one in evidence.sliced if one.where == where)
    value = values[term.metric]
    return judge.metric(term, value, subject, basis=_basis(sample, value.n, value.n_effective), where=where)


def unreachable(term: Term, evidence: Evidence) -> str | None:
    """A warning of a gate that these rows could never pass, whatever the model said."""
    if term.worst:
        parts = [part for part in _across(term, evidence) if len(evidence.sample(part).target) >= evidence.fewest]
        samples = [evidence.sample(part) for part in parts]
        names: list[str | None] = [part.name for part in parts]
    else:
        part = slices.match(term.where, evidence.parts) if term.where else None
        samples, names = [evidence.sample(part)], [None]
    for sample, name in zip(samples, names, strict=True):
        warning = reach.warning(term, sample, level=evidence.level, seed=evidence.seed, part=name)
        if warning:
            return warning
    return None


def _across(term: Term, evidence: Evidence) -> list[Slice]:
    """Every slice of the columns that the gate names."""
    return [part for part in evidence.parts if set(part.where) == set(term.worst)]


def _part(term: Term, part: Slice, evidence: Evidence) -> worst.Part:
    sample = evidence.sample(part)

    def at(level: float) -> MetricValue | Comparison:
        if term.operator != "not_worse":
            return evidence.measured(part, term.metric, level)
        if evidence.paired is None:
            raise _no_baseline(term)
        return evidence.paired(part, term.metric, level)

    return worst.Part(part.name, part.where, _basis(sample, len(sample.target), None), at)


def _compared(term: Term, evidence: Evidence, where: Mapping[str, Any], subject: str, sample: Sample) -> Gate:
    found = next((one for one in evidence.compared if one.metric == term.metric and one.where == where), None)
    if found is None:
        raise _no_baseline(term)
    better = bool(describe(term.metric).greater_is_better)
    basis = _basis(sample, found.n, None)
    return judge.comparison(term, found, subject, greater_is_better=better, basis=basis, where=where)


def _basis(sample: Sample, entered: int, effective: float | None) -> Basis:
    """The rows that can be measured, and what is known of their design."""
    return Basis(len(sample.target), entered, effective, sample.weight is not None, sample.group is not None)


def _no_baseline(term: Term) -> SpecError:
    return SpecError(
        f"`{term.expression}` needs a baseline, and the run has none",
        field="evaluation.baseline",
        found=term.expression,
        fix="name an earlier run that succeeded",
    )
