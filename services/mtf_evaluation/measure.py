"""Measure one sample: every metric with its interval, from facts that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mtf import plugins
from mtf.contracts.report import MetricValue
from mtf.errors import DataError, SpecError
from mtf.plugins import Sample
from mtf_evaluation.catalogue import resolve
from mtf_evaluation.metrics import one_vs_rest
from mtf_evaluation.metrics.adapter import measured_by
from mtf_evaluation.metrics.base import Metric, undefined
from mtf_evaluation.metrics.facts import with_facts
from mtf_evaluation.metrics.one_vs_rest import OneVsRest

DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "binary": (
        "accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity", "mcc",
        "roc_auc", "average_precision", "log_loss", "brier", "ece",
    ),
    "multiclass": (
        "accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_weighted", "mcc", "cohen_kappa",
        "roc_auc_ovr", "log_loss", "brier", "ece",
    ),
    "regression": ("mae", "rmse", "r2", "median_ae", "max_error", "mape", "wape", "bias"),
}  # fmt: skip  # one line per family reads as the table in the documentation
"""Metrics of a report that names none."""
MOST_CLASSES = 2_000
"""Labels up to which a confusion matrix of 32 MB is held; more are most often an identifier taken for a target."""


def default_metrics(task: str) -> tuple[str, ...]:
    """The metrics of a report that names none."""
    return DEFAULTS[task]


def known_metrics(task: str | None = None) -> list[str]:
    """Names of every metric found, built-in or a stranger's; with a task, of those that serve it."""
    names = plugins.names("metric")
    return names if task is None else [name for name in names if task in plugins.load("metric", name).tasks]


def find(names: Sequence[str] | None, task: str, labels: Sequence[Any] = (), *, where: str = "evaluation.metrics") -> dict[str, Any]:
    """The plug-ins by canonical name; None means the default set, `class=*` every label. `where` is the field that names them.

    Raises SpecError for a name that is unknown or of another task, and for a class that is no label.
    """
    found: dict[str, Any] = {}
    for text in default_metrics(task) if names is None else names:
        reference, described, args = resolve(text, where=where)
        if task not in described.tasks:
            raise SpecError(
                f"`{reference}` does not apply to a {task} task",
                field=where,
                found=text,
                fix=f"choose from {plugins.listed(known_metrics(task))}",
            )
        found |= one_vs_rest.expand(reference, _made(reference.name, args), labels, where=where)
    return found


def _made(name: str, args: BaseModel) -> Any:
    """The plug-in with its arguments. One without any, as most are, is shared."""
    plugin = plugins.load("metric", name)
    return type(plugin)(args) if type(args).model_fields else plugin


def measure(sample: Sample, metrics: Sequence[str] | None, *, level: float = 0.95, seed: int = 0) -> dict[str, MetricValue]:
    """Measure a sample.

    Args:
        sample: The rows. Its arrays are only read.
        metrics: Names, or None for the default set of the task.
        level: Confidence level of every interval, between 0 and 1.
        seed: Of the draws that some intervals and bands are read from.

    Returns:
        The values in the order of the names.

    Raises:
        SpecError: A metric that does not exist or does not serve the task.
        DataError: Arrays that are not aligned, or not finite.
    """
    chosen = find(metrics, sample.task, sample.labels)
    check(sample)
    ready = prepared(sample, seed)
    # Overflow of absurd inputs ends in a value that is not finite, which is reported as undefined; a warning would say less.
    with np.errstate(all="ignore"):
        return {name: measure_one(plugin, ready, level) for name, plugin in chosen.items()}


def measure_one(plugin: Any, sample: Sample, level: float) -> MetricValue:
    """One metric of a prepared sample."""
    n = int(sample.target.size)
    if n == 0:
        return undefined("there are no rows", 0)
    if getattr(plugin, "needs_scores", False) and sample.scores is None:
        return undefined("the model gave no scores", n)
    value = plugin.measured(sample, level) if isinstance(plugin, Metric | OneVsRest) else measured_by(plugin, sample, level)
    if value.value is not None and not np.isfinite(value.value):
        return undefined("the value is too large for a 64-bit number", n)
    return value


def value_of(plugin: Any, sample: Sample) -> float | None:
    """The value alone of a prepared sample, without the cost of its interval where the metric has influence values; None where undefined."""
    if hasattr(plugin, "influence"):
        value = float(plugin.influence(sample)[0])
        return value if np.isfinite(value) else None
    return measure_one(plugin, sample, 0.95).value


def prepared(sample: Sample, seed: int = 0) -> Sample:
    """The sample without rows of weight 0, which stand for nothing, and with facts to share."""
    if sample.weight is not None and sample.weight.size and not sample.weight.all():
        sample = subset(sample, sample.weight > 0)
    return with_facts(sample, seed)


def subset(sample: Sample, mask: NDArray[Any]) -> Sample:
    """The rows of a sample that a (n,) boolean mask or an index array selects."""
    rows = np.flatnonzero(mask) if mask.dtype == np.bool_ else mask

    def of(array: NDArray[Any]) -> NDArray[Any]:
        # Several times faster than an index in brackets, above all for the rows of a table.
        return array.take(rows, axis=0)

    return replace(
        sample,
        target=of(sample.target),
        prediction=of(sample.prediction),
        scores=None if sample.scores is None else of(sample.scores),
        weight=None if sample.weight is None else of(sample.weight),
        group=None if sample.group is None else of(sample.group),
        interval=None if sample.interval is None else of(sample.interval),
        extra={},
    )


def check(sample: Sample) -> None:
    """Raise DataError for arrays that no metric can read: of different lengths, not finite, codes outside the labels, bad weights."""
    n = sample.target.size
    for name in ("prediction", "scores", "weight", "group", "interval"):
        array = getattr(sample, name)
        if array is not None and len(array) != n:
            raise DataError(f"`{name}` has {len(array)} rows and `target` has {n}", field=name, fix="give one entry per row")
    for name in ("target", "prediction", "scores", "weight", "interval"):
        array = getattr(sample, name)
        if array is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
            bad = int(n - np.count_nonzero(np.isfinite(array).reshape(n, -1).all(axis=1)))
            raise DataError(f"`{name}` is missing or infinite in {bad} of {n} rows", field=name, fix="remove or repair these rows")
    if sample.weight is not None and n:
        if (sample.weight < 0).any():
            raise DataError("a weight is negative", field="weight", found=float(sample.weight.min()), fix="weights are at least 0")
        if not sample.weight.any():
            raise DataError("every weight is 0", field="weight", fix="at least one row must count")
    if sample.interval is not None:
        _check_interval(sample.interval)
    if sample.task != "regression":
        _check_classes(sample)
        _check_codes(sample)


def _check_interval(interval: NDArray[np.float64]) -> None:
    if interval.ndim != 2 or interval.shape[1] != 2:  # noqa: PLR2004 - lower and upper
        raise DataError("`interval` must have the columns lower and upper", field="interval", found=f"shape {interval.shape}")
    crossed = np.flatnonzero(interval[:, 0] > interval[:, 1])
    if crossed.size:
        raise DataError(
            f"the lower limit lies above the upper one in {crossed.size:,} of {len(interval):,} rows (first: {crossed[0]})",
            field="interval",
            found=f"{crossed.size} rows",
            fix="give lower, upper",
        )


def _check_classes(sample: Sample) -> None:
    """The confusion matrix has a cell for each pair of labels."""
    if len(sample.labels) > MOST_CLASSES:
        raise DataError(
            f"there are {len(sample.labels):,} labels; at most {MOST_CLASSES:,} classes are measured",
            field="labels",
            found=f"{len(sample.labels):,} labels",
            fix="an identifier is no class; merge rare labels into one, or predict numbers",
        )


def _check_codes(sample: Sample) -> None:
    k = max(len(sample.labels), 2)
    for name in ("target", "prediction"):
        codes = getattr(sample, name)
        if codes.size and (int(codes.min()) < 0 or int(codes.max()) >= k):
            wrong = int(np.count_nonzero((codes < 0) | (codes >= k)))
            raise DataError(f"`{name}` has {wrong} rows with a label that is not declared", field=name, fix=f"{k} labels are declared")
    if sample.scores is not None and (sample.scores.ndim != 2 or sample.scores.shape[1] != k):  # noqa: PLR2004 - a table
        raise DataError(
            f"`scores` must have one column per label: {k}",
            field="scores",
            found=f"shape {sample.scores.shape}",
            fix="order them as labels",
        )
