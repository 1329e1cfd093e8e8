"""Evaluate and compare from Python: `mtf.evaluate`, `mtf.evaluate_model`, `mtf.compare`. The room that does it is found by entry point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from mtf.errors import PlatformError

if TYPE_CHECKING:
    from mtf.notebook import ComparisonTable, EvaluationReport

GROUP = "mtf.library"


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
    """Measure predictions: every metric with its interval.

    Lists, numpy arrays, pandas, polars and Arrow columns will do; n rows, aligned by position. Nothing is changed or dropped.

    Args:
        y_true: (n,) the truth: labels (text, integers, booleans) or numbers.
        y_pred: (n,) predicted labels or numbers. Without it labels follow from the scores: positive from 0.5 on, else the highest.
        y_score: (n,) probability of the positive class, or (n, classes) in the order of `labels`.
        y_interval: (n, 2) lower and upper limit of the model's own prediction intervals, for a regression.
        task: `binary`, `multiclass` or `regression`. Without it two distinct values are binary, text or at most 20 distinct
            integers multiclass, everything else a regression.
        labels: Every label, in the order of the columns of `y_score`. Without it those that appear, ascending.
        positive: The positive label of two; 1 and True are found without it.
        weight: (n,) sampling weights, at least 0.
        group: (n,) the unit of dependence (a patient, a customer): rows of one group are not independent.
        slices: A frame (or {name: values}) with n rows; each column is sliced by value.
        slice_by: How to part the columns of `slices` instead, as a run file does: `"sex"`, `{"column": "age", "bins": [18, 30]}`,
            `{"column": "age", "quantiles": 4}`, `{"where": "age >= 65", "name": "seniors"}`, or lists of these for their crosses.
        slice_min_rows: Slices of fewer rows are listed and not measured.
        metrics: Names; a default set per task without it.
        level: Confidence level of every interval.
        seed: Of the draws from which some intervals are read.

    Returns:
        A report: `.metrics["roc_auc"].lower`, `.slices`, `.to_frame()`, `.to_html()`, `.to_json()`; it shows itself in a notebook.

    Raises:
        DataError: An argument whose values cannot be measured; the error's `field` names it.
        SpecError: A task, label, metric or level that makes no sense; the error's `field` names it.
    """
    found: EvaluationReport = _room("evaluate")(
        y_true,
        y_pred=y_pred,
        y_score=y_score,
        y_interval=y_interval,
        task=task,
        labels=labels,
        positive=positive,
        weight=weight,
        group=group,
        slices=slices,
        slice_by=slice_by,
        slice_min_rows=slice_min_rows,
        metrics=metrics,
        level=level,
        seed=seed,
    )
    return found


def evaluate_model(
    model: Any,
    features: Any,
    y_true: Any,
    *,
    positive: Any = None,
    weight: Any = None,
    group: Any = None,
    slices: Any = None,
    metrics: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> EvaluationReport:
    """Measure a fitted scikit-learn estimator, or anything that predicts as one, in this process.

    The model's `predict` gives the labels or numbers, `predict_proba` (else `decision_function`) the scores, `classes_` their order. The
    model runs here, with everything this process may do: a model that you do not trust belongs into `mtf run`, which locks it up.

    Args:
        model: A fitted estimator or pipeline.
        features: What its `predict` takes: n rows.
        y_true: (n,) the truth.
        positive: The positive label of two; 1 and True are found without it.
        weight: (n,) sampling weights, at least 0.
        group: (n,) the unit of dependence.
        slices: Names of columns of `features`, or a frame (or {name: values}) with n rows.
        metrics: Names; a default set per task without it.
        level: Confidence level of every interval.
        seed: Of the draws from which some intervals are read.

    Returns:
        The report that `mtf.evaluate` gives.

    Raises:
        UsageError: The model cannot predict, or predicts several targets at once.
        ModelError: The model failed; its own error is the cause.
        DataError: As `mtf.evaluate`.
        SpecError: As `mtf.evaluate`.
    """
    found: EvaluationReport = _room("evaluate_model")(
        model,
        features,
        y_true,
        positive=positive,
        weight=weight,
        group=group,
        slices=slices,
        metrics=metrics,
        level=level,
        seed=seed,
    )
    return found


def compare(
    *reports: Any,
    baseline: Any = None,
    names: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    level: float | None = None,
    paired: bool = True,
) -> ComparisonTable:
    """Compare two models or more: differences with intervals and p-values, and for more than two an overall test and ranks with ties.

    `mtf.compare(a, b)` is a minus b. Of more reports every two are compared, the earlier minus the later; with `baseline` each of the
    others minus the baseline.

    Args:
        *reports: What `mtf.evaluate` returned for each model, with the same truth in the same order; or one list of them, or one
            dictionary of name to report.
        baseline: The report that the others are compared with, or its name.
        names: What the reports are called, one text each.
        metrics: Names of the metrics that decide: p-values are then corrected by Holm over all pairs and metrics. Without it the
            metrics of the first report, to look around, corrected by Benjamini and Hochberg.
        level: Confidence level; that of the first report without it.
        paired: Row by row. False for models that were measured on other, independent rows, whose differences are far less certain.

    Returns:
        A table with a sentence per difference: `.comparisons`, `.overall`, `.standings`, `.to_frame()`, `.to_html()`, `.to_json()`.

    Raises:
        UsageError: A report without its rows, for example one read from a file; names that do not fit.
        DataError: Paired reports that are not about the same rows; reports of different tasks or labels.
        SpecError: A metric that does not exist or does not serve the task.
    """
    found: ComparisonTable = _room("compare")(*reports, baseline=baseline, names=names, metrics=metrics, level=level, paired=paired)
    return found


def _room(name: str) -> Callable[..., Any]:
    """The function that the evaluation room registered under this name."""
    for entry in entry_points(group=GROUP, name=name):
        found: Callable[..., Any] = entry.load()
        return found
    raise PlatformError(f"the room that offers `{name}` is not installed", fix="install model-testing-framework completely")
