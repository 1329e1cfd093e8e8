"""`report.gate(...)`: a gate on a report that is at hand, with its rows or without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mtf.contracts.report import Comparison, Gate, MetricValue, Report, Rows, RunHead, SliceReport
from mtf.contracts.stages import EvaluateSpec, Term
from mtf.errors import SpecError, UsageError
from mtf.notebook import EvaluationReport
from mtf.plugins import Sample
from mtf.plugins import unknown as nearest
from mtf_evaluation import assemble, library, slices
from mtf_evaluation.catalogue import describe
from mtf_evaluation.declared import forms
from mtf_evaluation.gates import judge, rules
from mtf_evaluation.gates.grammar import parse, unparse
from mtf_evaluation.gates.settle import Basis
from mtf_evaluation.inputs import columns
from mtf_evaluation.inputs.slicing import crosses
from mtf_evaluation.scored import Scored

FIELD = "gate"
_LISTED = 20


def gate(report: EvaluationReport, text: str, *, baseline: EvaluationReport | None = None) -> Gate:
    """The verdict on a gate; `EvaluationReport.gate` says what each argument means."""
    term = rules.read(text, task=report.task, baseline=True, field=FIELD, conditions=_conditions(report))
    if term.operator == "not_worse" and baseline is None and not report.comparisons:
        fix = "give `baseline=` the report of another model on the same rows"
        raise UsageError(f"`{term.expression}` needs a baseline", field=FIELD, found=text, fix=fix)
    if baseline is not None and (report.sample is None or getattr(baseline, "sample", None) is None):
        raise UsageError(
            "a paired comparison needs the predictions of both reports, and a report of a file has none",
            field="baseline",
            fix="call mtf.evaluate for both models on the same rows",
        )
    if report.sample is None or (baseline is None and term.operator == "not_worse"):
        return _written(report, term)
    return _measured(report, term, baseline)


def rows(
    y_true: Any,
    *,
    slices: Any = None,
    slice_by: Sequence[Any] | None = None,
    slice_min_rows: int = 10,
    level: float = 0.95,
    seed: int = 0,
    metrics: Sequence[str] | None = None,
    **arrays: Any,
) -> EvaluationReport:
    """The rows alone, checked as `mtf.evaluate` checks them; gates measure what they need, so that `metrics` means nothing here."""
    del metrics, slice_min_rows
    if not 0.5 < level < 1:  # noqa: PLR2004 - below one half an interval is no statement
        raise SpecError("`level` must lie between 0.5 and 1", field="level", found=level, fix="0.95 is usual")
    sample = library.sample_of(y_true, **arrays)
    n = int(sample.target.size)
    parts = {} if slices is None else columns.table(slices, "slices")
    columns.same_length({"y_true": n} | {f"slices[{name!r}]": len(values) for name, values in parts.items()})
    report = Report(
        run=RunHead(id="memory", **library.TITLES),
        task=sample.task,
        labels=list(sample.labels) or None,
        rows=Rows(total=n, scored=n),
        metrics={},
        notes={"evaluation": {"level": level, "seed": seed}},
    )
    return EvaluationReport.of(report, sample, parts, crosses(slice_by, parts))


def _measured(report: EvaluationReport, term: Term, baseline: EvaluationReport | None) -> Gate:
    """A gate on rows that are at hand."""
    held: Mapping[str, pa.Array] = report.columns or {}
    needed = forms.needs(report.ways, [term])
    for column in needed.columns:
        _exists(column, held)
    for column, [written] in needed.values.items():
        values = held[column].unique().to_pylist()
        if not any(slices.means(written, value) for value in values):
            known = ", ".join(slices.text(value) for value in values[:_LISTED])
            raise SpecError(f"no row has {column}={written}", field=FIELD, found=written, fix=f"values of `{column}`: {known}")
    own = report.notes.get("evaluation", {})
    spec = EvaluateSpec.model_validate(
        {
            "task": report.task,
            "labels": report.labels,
            "metrics": [term.metric],
            "slices": _ways(report, term),
            "gates": [term.model_dump()],
            "level": own.get("level", 0.95),
            "seed": own.get("seed", 0),
            "titles": {"baseline": "the baseline"},
        }
    )
    other = None if baseline is None else _scored(baseline.sample, {})
    return assemble.gates(spec, _scored(report.sample, dict(held)), other)[0]


def _ways(report: EvaluationReport, term: Term) -> list[list[Any]]:
    """The declared ways to part the rows that a gate's slice is one of, or is made of; for the worst slice that way alone."""
    if term.worst:
        return [cross for cross in forms.with_worst(report.ways, [term]) if {forms.name_of(part) for part in cross} == set(term.worst)]
    return [cross for cross in report.ways if any(not isinstance(part, str) and part.name in term.where for part in cross)]


def _conditions(report: EvaluationReport) -> list[str]:
    """Names of the slices that are true or not, which a gate names without a value; of a report from a file, as its slices tell."""
    written = [name for part in report.slices if part.condition is not None for name, value in part.where.items() if value is True]
    return list(dict.fromkeys([*forms.names(report.ways), *written]))


def _scored(sample: Sample, columns: dict[str, pa.Array]) -> Scored:
    n = int(sample.target.size)
    return Scored(pa.array(np.arange(n)), sample, np.ones(n, dtype=np.bool_), columns, 0)


def _exists(column: str, held: Mapping[str, Any]) -> None:
    if column not in held:
        if not held:
            fix = "give mtf.evaluate a frame of columns: slices=frame"
            raise SpecError(f"the gate names the column `{column}`, and the report knows no column", field=FIELD, found=column, fix=fix)
        raise nearest("slice column", column, sorted(held), where=FIELD)


def _written(report: Report, term: Term) -> Gate:
    """A gate on the numbers that a report holds; one that the run judged already is not judged again."""
    for known in report.gates:
        if _same(known.expression, term):
            return known
    if term.worst:
        raise _lacks(f"`{term.expression}` measures slices at other levels, which takes the rows")
    part = None
    if term.where:
        part = next((one for one in report.slices if _is(one, term)), None)
        if part is None:
            raise _lacks(f"the report has no slice {slices.name_of(term.where)}")
    where = part.where if part else {}
    subject = f"{term.metric} in {part.name}" if part else term.metric
    rows = part.rows if part else report.rows.scored
    if term.operator == "not_worse":
        found = next((one for one in report.comparisons if one.metric == term.metric and one.where == where), None)
        if found is None:
            raise _lacks(f"the report does not compare {subject} with a baseline")
        return _compared(term, found, subject, rows, where)
    value = (part.metrics if part else report.metrics).get(term.metric)
    if value is None:
        raise _lacks(f"the report has no {subject}")
    return judge.metric(term, value, subject, basis=_basis(value, rows), where=where)


def _compared(term: Term, found: Comparison, subject: str, rows: int, where: Mapping[str, Any]) -> Gate:
    better = bool(describe(term.metric).greater_is_better)
    return judge.comparison(term, found, subject, greater_is_better=better, basis=Basis(rows, found.n), where=where)


def _basis(value: MetricValue, rows: int) -> Basis:
    return Basis(max(rows, value.n), value.n, value.n_effective)


def _is(part: SliceReport, term: Term) -> bool:
    return part.where.keys() == term.where.keys() and all(slices.means(text, part.where[column]) for column, text in term.where.items())


def _same(expression: str, term: Term) -> bool:
    try:
        known = parse(expression, field=FIELD, conditions=list(term.where))
    except SpecError:
        return False
    return unparse(known) == unparse(term)


def _lacks(what: str) -> UsageError:
    return UsageError(what, field=FIELD, fix="name it in the run file, or call mtf.evaluate on the rows")
