"""`mtf.compare`: reports of this session against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtf.contracts.registry import ComparedRun
from mtf.errors import UsageError
from mtf.notebook import ComparisonTable, EvaluationReport
from mtf_evaluation import measure, reference
from mtf_evaluation.compare import compare_many

PAIR = ("this model", "the baseline")
"""What two reports without names are called."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def compare(
    *reports: Any,
    baseline: Any = None,
    names: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    level: float | None = None,
    paired: bool = True,
) -> ComparisonTable:
    """Compare evaluations; `mtf.compare` says what each argument means."""
    given = _reports(reports, names)
    against = None if baseline is None else _position(given, baseline)
    if against == len(given):
        given |= {PAIR[1]: baseline}
    labels = list(given)
    for place, (label, report) in enumerate(given.items()):
        _usable(report, label if label not in PAIR else LETTERS[place])
    if len(given) < 2:  # noqa: PLR2004 - one has nothing to be compared with
        raise UsageError("there is nothing to compare with", field="reports", found=f"{len(given)} report", fix="give two reports or more")
    first = next(iter(given.values()))
    own = first.notes.get("evaluation", {})
    if isinstance(metrics, str):
        metrics = [metrics]
    chosen = _known(first) if metrics is None else list(metrics)
    samples = [report.sample for report in given.values()]
    found = compare_many(
        samples,
        labels,
        chosen,
        against=against,
        paired=paired,
        confirmatory=metrics is not None,
        level=own.get("level", 0.95) if level is None else level,
        seed=own.get("seed", 0),
    )
    other = against if against is not None else 1 if len(labels) == 2 else None  # noqa: PLR2004 - a pair
    rows = [report.rows.scored for report in given.values()]
    return ComparisonTable(
        run=next(label for place, label in enumerate(labels) if place != against),
        baseline="" if other is None else labels[other],
        paired=paired,
        rows=min(rows),
        comparisons=found.comparisons,
        runs=[ComparedRun(label=label, rows=n) for label, n in zip(labels, rows, strict=True)],
        family=found.family,
        overall=found.overall,
        standings=found.standings,
    )


def _reports(reports: Sequence[Any], names: Sequence[str] | None) -> dict[str, Any]:
    """The reports by name, from arguments, one list or one dictionary. Raises UsageError for names that do not fit."""
    if len(reports) == 1 and isinstance(reports[0], Mapping):
        return {str(name): report for name, report in reports[0].items()}
    many = list(reports[0]) if len(reports) == 1 and isinstance(reports[0], list | tuple) else list(reports)
    if names is None:
        usual = PAIR if len(many) <= len(PAIR) else [LETTERS[i % 26] + (str(i // 26 + 1) if i >= 26 else "") for i in range(len(many))]  # noqa: PLR2004 - letters
        return dict(zip(usual, many, strict=False))
    if len(set(names)) != len(many):
        found = f"{len(set(names))} names for {len(many)} reports"
        raise UsageError("every report needs a name of its own", field="names", found=found, fix="give a different name for each report")
    return dict(zip(map(str, names), many, strict=True))


def _position(given: Mapping[str, Any], baseline: Any) -> int:
    """Which of the reports is the baseline; behind the last for one that is not among them."""
    if isinstance(baseline, str):
        if baseline not in given:
            raise UsageError("no report has this name", field="baseline", found=baseline, fix=f"one of {', '.join(given)}")
        return list(given).index(baseline)
    for place, report in enumerate(given.values()):
        if report is baseline:
            return place
    if PAIR[1] in given:
        raise UsageError("the baseline is not one of the reports", field="baseline", fix="give it as one of them, or leave `baseline` out")
    return len(given)


def _usable(report: Any, name: str) -> None:
    if not isinstance(report, EvaluationReport) or report.sample is None:
        raise UsageError(
            f"`{name}` is not a report of mtf.evaluate of this session; a comparison needs the predictions",
            field=name,
            found=type(report).__name__,
            fix="call mtf.evaluate for every model",
        )


def _known(report: EvaluationReport) -> list[str]:
    """The metrics of a report that can be computed again; `coverage` is none."""
    known = set(measure.known_metrics(report.task))
    return [name for name in report.metrics if reference.read(name).name in known]
