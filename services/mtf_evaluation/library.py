"""`mtf.evaluate` and `mtf.compare`: the evaluation stage on arrays, in the caller's own process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from mtf.compute import local
from mtf.contracts.report import Report
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import DataError, SpecError
from mtf.notebook import EvaluationReport
from mtf.plugins import Sample
from mtf_evaluation import assemble, measure
from mtf_evaluation.compare_reports import compare
from mtf_evaluation.inputs import classes, columns, slicing
from mtf_evaluation.inputs.scores import labels_from, scores_of
from mtf_evaluation.scored import Scored
from mtf_evaluation.streams import report as streams
from mtf_evaluation.streams.chunks import EXACT_ROWS, ArrayChunks

__all__ = ["compare", "evaluate"]

TITLES = {"name": "evaluation", "dataset": "arrays in memory", "model": "predictions in memory"}


def evaluate(
    y_true: Any,
    *,
    y_pred: Any = None,
    y_score: Any = None,
    y_interval: Any = None,
    task: str | None = None,
    labels: Sequence[Any] | None = None,
    positive: Any = None,
    weight: Any = None,
    group: Any = None,
    slices: Any = None,
    slice_by: Sequence[Any] | None = None,
    slice_min_rows: int = 10,
    metrics: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> EvaluationReport:
    """Evaluate predictions; `mtf.evaluate` says what each argument means."""
    if not 0.5 < level < 1:  # noqa: PLR2004 - below one half an interval is no statement
        raise SpecError("`level` must lie between 0.5 and 1", field="level", found=level, fix="0.95 is usual")
    sample = sample_of(
        y_true,
        y_pred=y_pred,
        y_score=y_score,
        y_interval=y_interval,
        task=task,
        labels=labels,
        positive=positive,
        weight=weight,
        group=group,
    )
    if metrics is not None and not metrics:
        raise SpecError("no metric is named", field="metrics", found=metrics, fix="name at least one, or leave `metrics` out")
    n = int(sample.target.size)
    parts = {} if slices is None else columns.table(slices, "slices")
    columns.same_length({"y_true": n} | {f"slices[{name!r}]": len(values) for name, values in parts.items()})
    chosen = (
        None
        if metrics is None
        else list(measure.find([metrics] if isinstance(metrics, str) else list(metrics), sample.task, sample.labels, where="metrics"))
    )
    ways = slicing.crosses(slice_by, parts)
    spec = EvaluateSpec.model_validate(
        {
            "task": sample.task,
            "labels": list(sample.labels) or None,
            "metrics": chosen,
            "slices": ways,
            "slice_min_rows": slice_min_rows,
            "level": level,
            "seed": seed,
            "titles": TITLES,
        }
    )
    scored = Scored(pa.array(np.arange(n)), sample, np.ones(n, dtype=np.bool_), parts, 0)
    # Absurdly large numbers overflow to infinity, which is reported as undefined; the caller's session needs no warning of it.
    with np.errstate(all="ignore"):
        report = _in_parts(spec, scored) if n > EXACT_ROWS else assemble.report(spec, scored, None, progress=_silent, cpus=_processors())
    head = report.run.model_copy(update={"id": "memory"})
    return EvaluationReport.of(report.model_copy(update={"run": head}), sample, parts, ways)


def _in_parts(spec: EvaluateSpec, scored: Scored) -> Report:
    """More rows than are sorted at once: memory stays what the arrays take."""
    group = scored.sample.group
    chunks = ArrayChunks(scored if group is None else replace(scored, groups=pa.array(group)))
    with local(_processors()) as runner:
        return streams.report(spec, chunks, None, runner=runner, progress=_silent)


def sample_of(
    y_true: Any,
    *,
    y_pred: Any = None,
    y_score: Any = None,
    y_interval: Any = None,
    task: str | None = None,
    labels: Sequence[Any] | None = None,
    positive: Any = None,
    weight: Any = None,
    group: Any = None,
) -> Sample:
    """The user's arrays as a metric sees them. Raises DataError or SpecError that names the argument."""
    if y_pred is None and y_score is None:
        raise DataError("there are no predictions", field="y_pred", fix="give y_pred (labels or numbers), y_score (scores), or both")
    if task is not None and task not in classes.TASKS:
        raise SpecError("there is no such task", field="task", found=task, fix=f"one of {', '.join(classes.TASKS)}")
    truth = columns.no_missing(columns.column(y_true, "y_true"), "y_true")
    if not len(truth):
        raise DataError("`y_true` has no rows", field="y_true", found="0 rows")
    task = task or classes.infer_task(truth, labels)
    if y_interval is not None and task != "regression":
        raise DataError(
            "prediction intervals belong to a regression", field="y_interval", found=f"a {task} task", fix="leave `y_interval` out"
        )
    interval = None if y_interval is None else columns.limits(y_interval, "y_interval")
    found = (
        _numbers(y_true, y_pred, y_score)
        if task == "regression"
        else _classes(truth, y_pred, y_score, task=task, labels=labels, positive=positive)
    )
    weights = None if weight is None else columns.numbers(weight, "weight")
    groups = None if group is None else columns.codes(group, "group")
    lengths = {"y_true": len(truth), ("y_pred" if y_pred is not None else "y_score"): len(found.prediction)}
    for name, array in (("y_score", found.scores), ("weight", weights), ("group", groups), ("y_interval", interval)):
        lengths |= {} if array is None else {name: len(array)}
    columns.same_length(lengths)
    sample = Sample(found.task, found.target, found.prediction, found.scores, found.labels, weights, groups, interval=interval)
    measure.check(sample)
    return sample


def _numbers(y_true: Any, y_pred: Any, y_score: Any) -> Sample:
    if y_pred is None or y_score is not None:
        raise DataError("a regression is measured by `y_pred`; scores belong to classes", field="y_score", fix="give y_pred alone")
    return Sample("regression", columns.numbers(y_true, "y_true"), columns.numbers(y_pred, "y_pred"))


def _classes(truth: pa.Array, y_pred: Any, y_score: Any, *, task: str, labels: Sequence[Any] | None, positive: Any) -> Sample:
    predicted = None if y_pred is None else columns.no_missing(columns.column(y_pred, "y_pred"), "y_pred")
    order = classes.order_labels(truth, predicted, labels, task)
    yes = order.index(classes.positive_of(order, positive)) if task == "binary" else None
    scores = None if y_score is None else scores_of(y_score, len(order), positive=1 if yes is None else yes)
    target = classes.encode(truth, order, "y_true")
    if predicted is not None:
        prediction = classes.encode(predicted, order, "y_pred")
    elif scores is not None:
        prediction = labels_from(scores, yes)
    if yes == 0:
        # The house's order for two labels is negative, positive.
        target, prediction, order = 1 - target, 1 - prediction, order[::-1]
        scores = None if scores is None else scores[:, ::-1]
    return Sample(task, target, prediction, scores, tuple(order))


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _silent(done: int, message: str) -> None:
    """Nobody watches the steps of a call in a notebook."""
