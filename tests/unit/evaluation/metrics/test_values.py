"""Values against scikit-learn, with and without weights and ties."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as oracle

from mtf.plugins import Sample
from mtf_evaluation import measure
from tests.unit.evaluation import samples

CLOSE = 1e-10


def _classes(sample: Sample, weight: Any) -> dict[str, float]:
    y, p = sample.target, sample.prediction
    everyone = range(len(sample.labels))
    macro = {"average": "macro", "labels": everyone, "zero_division": np.nan, "sample_weight": weight}
    assert sample.scores is not None
    return {
        "accuracy": oracle.accuracy_score(y, p, sample_weight=weight),
        "balanced_accuracy": oracle.balanced_accuracy_score(y, p, sample_weight=weight),
        "precision_macro": oracle.precision_score(y, p, **macro),
        "recall_macro": oracle.recall_score(y, p, **macro),
        "f1_macro": oracle.f1_score(y, p, **macro),
        "f1_weighted": oracle.f1_score(y, p, average="weighted", sample_weight=weight),
        "mcc": oracle.matthews_corrcoef(y, p, sample_weight=weight),
        "cohen_kappa": oracle.cohen_kappa_score(y, p, sample_weight=weight),
        "log_loss": oracle.log_loss(y, sample.scores, labels=everyone, sample_weight=weight),
    }


def _binary(sample: Sample, weight: Any) -> dict[str, float]:
    assert sample.scores is not None
    y, p, score = sample.target, sample.prediction, sample.scores[:, 1]
    return _classes(sample, weight) | {
        "precision": oracle.precision_score(y, p, sample_weight=weight),
        "recall": oracle.recall_score(y, p, sample_weight=weight),
        "f1": oracle.f1_score(y, p, sample_weight=weight),
        "specificity": oracle.recall_score(y, p, pos_label=0, sample_weight=weight),
        "roc_auc": oracle.roc_auc_score(y, score, sample_weight=weight),
        "average_precision": oracle.average_precision_score(y, score, sample_weight=weight),
        "brier": oracle.brier_score_loss(y, score, sample_weight=weight),
    }


def _multiclass(sample: Sample, weight: Any) -> dict[str, float]:
    assert sample.scores is not None
    return _classes(sample, weight) | {
        "roc_auc_ovr": np.mean(
            [oracle.roc_auc_score(sample.target == code, sample.scores[:, code], sample_weight=weight) for code in np.unique(sample.target)]
        ),
        "brier": oracle.brier_score_loss(sample.target, sample.scores, labels=range(len(sample.labels)), sample_weight=weight),
    }


def _regression(sample: Sample, weight: Any) -> dict[str, float]:
    y, p = sample.target, sample.prediction
    return {
        "mae": oracle.mean_absolute_error(y, p, sample_weight=weight),
        "rmse": oracle.root_mean_squared_error(y, p, sample_weight=weight),
        "r2": oracle.r2_score(y, p, sample_weight=weight),
        "median_ae": oracle.median_absolute_error(y, p, sample_weight=weight),
        "mape": oracle.mean_absolute_percentage_error(y, p, sample_weight=weight),
        "max_error": oracle.max_error(y, p),
        "wape": np.average(np.abs(y - p), weights=weight) / np.average(np.abs(y), weights=weight),
        "bias": np.average(p - y, weights=weight),
    }


CASES = [
    pytest.param(samples.binary(500), _binary, id="binary"),
    pytest.param(samples.binary(500, digits=1), _binary, id="binary-ties"),
    pytest.param(samples.binary(37, seed=5, share=0.15), _binary, id="binary-few"),
    pytest.param(samples.multiclass(500), _multiclass, id="multiclass"),
    pytest.param(samples.multiclass(60, k=8, seed=2, signal=0.5), _multiclass, id="multiclass-few"),
    pytest.param(samples.regression(500), _regression, id="regression"),
    pytest.param(samples.regression(7, seed=3), _regression, id="regression-few"),
]


@pytest.mark.parametrize(("sample", "expected"), CASES)
@pytest.mark.parametrize("weights", [False, True])
def test_value_is_scikit_learns(sample: Sample, expected: Callable[[Sample, Any], dict[str, float]], weights: bool) -> None:
    """Every metric that scikit-learn has agrees with it to 1e-10, weighted or not."""
    weight = np.random.default_rng(9).uniform(0.1, 4, size=sample.target.size) if weights else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of predicted classes that the truth lacks; ours are counted silently
        wanted = expected(sample, weight)
    found = measure.measure(sample if weight is None else samples.weighted(sample, weight), list(wanted))
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value, rel=CLOSE, abs=1e-14), name


def test_defaults_are_complete() -> None:
    """Every metric of a default set is registered and serves its task."""
    for task in ("binary", "multiclass", "regression"):
        assert set(measure.default_metrics(task)) <= set(measure.known_metrics(task))


def test_unused_declared_class_does_not_count() -> None:
    """A declared class that neither truth nor prediction contains leaves macro means alone, and `n_classes` says so."""
    sample = samples.multiclass(300, k=3)
    assert sample.scores is not None
    wider = Sample("multiclass", sample.target, sample.prediction, np.pad(sample.scores, ((0, 0), (0, 1))), (*sample.labels, "never seen"))
    for name in ("f1_macro", "precision_macro", "recall_macro", "balanced_accuracy", "roc_auc_ovr", "log_loss", "brier"):
        one, other = measure.measure(sample, [name])[name], measure.measure(wider, [name])[name]
        assert one.value == pytest.approx(other.value, rel=1e-12), name
        assert other.n_classes == (3 if one.n_classes else None)


def test_huge_offset_keeps_r2() -> None:
    """R squared of a target far from 0 loses no digits to cancellation."""
    sample = samples.regression(200)
    far = Sample("regression", sample.target + 1e9, sample.prediction + 1e9)
    wanted = oracle.r2_score(far.target, far.prediction)
    assert measure.measure(far, ["r2"])["r2"].value == pytest.approx(wanted, rel=1e-9)
