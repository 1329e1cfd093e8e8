"""Stored predictions of two runs or more against each other: aligned row by row, or taken for independent where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.registry import ComparedRun, ComparisonView
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import DataError, SpecError
from mtf.plugins import Sample
from mtf_evaluation import baseline, measure, numerals
from mtf_evaluation.compare import compare_many
from mtf_evaluation.scored import Scored

FIELD = "runs"


def compared(spec: EvaluateSpec, runs: Sequence[Scored]) -> ComparisonView:
    """The comparison that the gateway asks for; it knows the runs by their labels alone.

    Raises DataError for paired runs on other rows, with counts, and for other labels; SpecError for a metric of another task.
    """
    labels = [one.label for one in spec.compared]
    samples, warnings = _paired(runs, labels) if spec.paired else _apart(runs, labels, ids=spec.ids)
    try:
        metrics = None if spec.metrics is None else list(measure.find(spec.metrics, spec.task, samples[0].labels))
    except SpecError as error:
        raise SpecError(error.message, field="metrics", found=error.found, fix=error.fix) from None
    found = compare_many(
        samples,
        labels,
        metrics,
        against=spec.against,
        paired=spec.paired,
        confirmatory=spec.confirmatory,
        level=spec.level,
        seed=spec.seed,
    )
    other = spec.against if spec.against is not None else 1 if len(labels) == 2 else None  # noqa: PLR2004 - a pair
    return ComparisonView(
        run=next(label for position, label in enumerate(labels) if position != spec.against),
        baseline="" if other is None else labels[other],
        paired=spec.paired,
        rows=min(len(sample.target) for sample in samples),
        comparisons=found.comparisons,
        runs=[ComparedRun(label=label, rows=int(run.kept.sum())) for label, run in zip(labels, runs, strict=True)],
        family=found.family,
        overall=found.overall,
        standings=found.standings,
        warnings=warnings,
    )


def overlap(runs: Sequence[Scored]) -> dict[str, list[int]]:
    """Rows of each run, and how many of them the first run has too."""
    return {"rows": [run.rows for run in runs], "shared": [baseline.shared(run.row_id, runs[0].row_id) for run in runs]}


def _paired(runs: Sequence[Scored], labels: Sequence[str]) -> tuple[list[Sample], list[str]]:
    """The rows that every run predicted, in the order of the first."""
    first = runs[0]
    aligned = [first, *(baseline.align(first, run, title=label, field=FIELD) for run, label in zip(runs[1:], labels[1:], strict=True))]
    kept: NDArray[np.bool_] = np.logical_and.reduce([run.kept for run in aligned])
    if not kept.any():
        raise DataError("no row has a target and a prediction of every run", field=FIELD, fix="compare fewer runs")
    lacking = [
        f"{label} lacks {numerals.count(int((~run.kept).sum()), 'row')}"
        for run, label in zip(aligned, labels, strict=True)
        if not run.kept.all()
    ]
    lost = first.rows - int(kept.sum())
    warnings = [
        f"{numerals.count(lost, 'row')} of {first.rows:,} left out, which not every run has with target and prediction: {'; '.join(lacking)}"
    ]
    return [_part(run, kept) for run in aligned], warnings if lost else []


def _apart(runs: Sequence[Scored], labels: Sequence[str], *, ids: bool) -> tuple[list[Sample], list[str]]:
    """Every run's own rows."""
    warnings = []
    for run, label in zip(runs, labels, strict=True):
        if not run.kept.any():
            raise DataError(f"no row of {label} has both a target and a prediction", field=FIELD)
        if not run.kept.all():
            warnings.append(f"{numerals.count(int((~run.kept).sum()), 'row')} of {label} without a target or a prediction left out")
    common = max((baseline.shared(run.row_id, runs[0].row_id) for run in runs[1:]), default=0) if ids else 0
    if common:
        warnings.append(
            f"{numerals.count(common, 'row')} of {labels[0]} also belong to another run; unpaired, they are taken for independent, "
            "which hides what they have in common"
        )
    samples = [_part(run, run.kept) for run in runs]
    return [
        baseline.recoded(one, samples[0].labels, title=label, field=FIELD) for one, label in zip(samples, labels, strict=True)
    ], warnings


def _part(run: Scored, kept: NDArray[Any]) -> Sample:
    return run.sample if kept.all() else measure.subset(run.sample, kept)
