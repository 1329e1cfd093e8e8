"""What scikit-learn says of the same predictions: the values of a report, recomputed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

Array = NDArray[Any]


@dataclass(frozen=True)
class Answers:
    """Truth (n,), hard predictions (n,) and for classes the scores (n, k) in the order of the labels; truth and predictions are codes."""

    truth: Array
    predicted: Array
    scores: Array | None = None

    def where(self, rows: Array) -> Answers:
        """The answers of some rows."""
        return Answers(self.truth[rows], self.predicted[rows], None if self.scores is None else self.scores[rows])


def values(task: str, answers: Answers) -> dict[str, float]:
    """Every default metric but those that scikit-learn lacks, which are computed by their definition."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of classes that a small slice lacks
        return {"binary": _binary, "multiclass": _multiclass, "regression": _regression}[task](answers)


def _common(a: Answers) -> dict[str, float]:
    assert a.scores is not None
    return {
        "accuracy": sk.accuracy_score(a.truth, a.predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(a.truth, a.predicted),
        "mcc": sk.matthews_corrcoef(a.truth, a.predicted),
        "log_loss": sk.log_loss(a.truth, a.scores, labels=range(a.scores.shape[1])),
        "ece": _ece(a),
    }


def _binary(a: Answers) -> dict[str, float]:
    assert a.scores is not None
    score = a.scores[:, 1]
    return {
        **_common(a),
        "precision": sk.precision_score(a.truth, a.predicted),
        "recall": sk.recall_score(a.truth, a.predicted),
        "f1": sk.f1_score(a.truth, a.predicted),
        "specificity": sk.recall_score(a.truth, a.predicted, pos_label=0),
        "roc_auc": sk.roc_auc_score(a.truth, score),
        "average_precision": sk.average_precision_score(a.truth, score),
        "brier": sk.brier_score_loss(a.truth, score),
    }


def _multiclass(a: Answers) -> dict[str, float]:
    assert a.scores is not None
    macro: dict[str, Any] = {"average": "macro", "labels": range(a.scores.shape[1]), "zero_division": np.nan}
    return {
        **_common(a),
        "precision_macro": sk.precision_score(a.truth, a.predicted, **macro),
        "recall_macro": sk.recall_score(a.truth, a.predicted, **macro),
        "f1_macro": sk.f1_score(a.truth, a.predicted, **macro),
        "f1_weighted": sk.f1_score(a.truth, a.predicted, average="weighted"),
        "cohen_kappa": sk.cohen_kappa_score(a.truth, a.predicted),
        "roc_auc_ovr": sk.roc_auc_score(a.truth, a.scores, multi_class="ovr"),
        "brier": sk.brier_score_loss(a.truth, a.scores, labels=range(a.scores.shape[1])),
    }


def _regression(a: Answers) -> dict[str, float]:
    error = a.predicted - a.truth
    return {
        "mae": sk.mean_absolute_error(a.truth, a.predicted),
        "rmse": sk.root_mean_squared_error(a.truth, a.predicted),
        "r2": sk.r2_score(a.truth, a.predicted),
        "median_ae": sk.median_absolute_error(a.truth, a.predicted),
        "max_error": sk.max_error(a.truth, a.predicted),
        "mape": sk.mean_absolute_percentage_error(a.truth, a.predicted),
        "wape": float(np.abs(error).sum() / np.abs(a.truth).sum()),
        "bias": float(error.mean()),
    }


def _ece(a: Answers) -> float:
    """Expected calibration error over bins of equal count: confidence of the top label, for two labels the score of the positive one."""
    assert a.scores is not None
    binary = a.scores.shape[1] == 2
    confidence = a.scores[:, 1] if binary else a.scores.max(axis=1)
    hit = a.truth if binary else a.scores.argmax(axis=1) == a.truth
    count = int(np.ceil(np.cbrt(len(confidence))))
    edges = np.unique(np.quantile(confidence, np.arange(1, count + 1) / count, method="inverted_cdf"))
    bins = np.searchsorted(edges, confidence, side="left")
    gaps = [abs(hit[bins == b].mean() - confidence[bins == b].mean()) * np.mean(bins == b) for b in np.unique(bins)]
    return float(sum(gaps))


def differences(report: dict[str, Any], expected: dict[str, float], *, leave_out: Sequence[str] = ()) -> dict[str, tuple[float, float]]:
    """Metrics of a report that differ from the expected values by more than 1e-10 of them, and those that are missing on one side."""
    found = {name: metric["value"] for name, metric in report["metrics"].items() if name not in leave_out}
    wanted = {name: value for name, value in expected.items() if name not in leave_out}
    assert found.keys() == wanted.keys()
    return {name: (found[name], wanted[name]) for name in found if abs(found[name] - wanted[name]) > 1e-10 * abs(wanted[name]) + 1e-14}
