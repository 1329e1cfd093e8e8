"""The seam: names, defaults, subsets, facts that travel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.facts import facts_of
from tests.unit.evaluation import samples


def test_default_sets_are_the_documented_ones() -> None:
    """Names and order of the default sets are a promise."""
    assert measure.default_metrics("binary") == (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "specificity",
        "mcc",
        "roc_auc",
        "average_precision",
        "log_loss",
        "brier",
        "ece",
    )
    assert measure.default_metrics("multiclass") == (
        "accuracy",
        "balanced_accuracy",
        "precision_macro",
        "recall_macro",
        "f1_macro",
        "f1_weighted",
        "mcc",
        "cohen_kappa",
        "roc_auc_ovr",
        "log_loss",
        "brier",
        "ece",
    )
    assert measure.default_metrics("regression") == ("mae", "rmse", "r2", "median_ae", "max_error", "mape", "wape", "bias")


def test_known_metrics_are_of_the_task() -> None:
    """A task's list holds what serves it."""
    assert "mae" in measure.known_metrics("regression")
    assert "mae" not in measure.known_metrics("binary")
    assert set(measure.known_metrics("binary")) < set(measure.known_metrics())


def test_answer_keeps_the_order_of_the_names() -> None:
    """Values come in the order in which they were asked for."""
    assert list(measure.measure(samples.binary(50), ["recall", "accuracy"])) == ["recall", "accuracy"]


def test_methods_of_the_house() -> None:
    """Each metric uses the method that the documentation promises."""
    methods = {name: value.method for name, value in measure.measure(samples.binary(600, share=0.4), None).items()}
    assert methods == {
        "accuracy": "wilson",
        "balanced_accuracy": "dirichlet",
        "precision": "wilson",
        "recall": "wilson",
        "f1": "dirichlet",
        "specificity": "wilson",
        "mcc": "dirichlet",
        "roc_auc": "delong-logit",
        "average_precision": "influence-logit",
        "log_loss": "delta-log",
        "brier": "delta-log",
        "ece": "none",
    }
    assert measure.measure(samples.binary(100), ["roc_auc"])["roc_auc"].method == "newcombe-5"
    weighted = measure.measure(samples.weighted(samples.binary(600), np.arange(600) % 3 + 1), ["accuracy", "f1", "roc_auc"])
    assert [value.method for value in weighted.values()] == ["wilson", "sandwich-logit", "sandwich-logit"]


def test_subset_takes_masks_and_positions() -> None:
    """A boolean mask and an index array select alike."""
    sample = samples.weighted(samples.binary(60), np.arange(60) + 1.0)
    mask = np.arange(60) % 2 == 0
    one, other = measure.subset(sample, mask), measure.subset(sample, np.flatnonzero(mask))
    assert measure.measure(one, None) == measure.measure(other, None)
    assert one.target.size == 30


def test_facts_never_outlive_their_rows() -> None:
    """A subset of a prepared sample starts with facts of its own."""
    ready = measure.prepared(samples.binary(60))
    assert facts_of(ready) is facts_of(ready)
    assert facts_of(measure.subset(ready, np.arange(30))).n == 30


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_higher_level_is_wider(level: float) -> None:
    """The level of the interval is the one asked for."""
    sample = samples.binary(400)
    for name, value in measure.measure(sample, None, level=level).items():
        if name != "ece":
            assert value.level == level
    narrow, wide = (measure.measure(sample, ["f1"], level=one)["f1"] for one in (0.5001, level))
    assert narrow.lower is not None
    assert wide.lower is not None
    assert wide.lower < narrow.lower


def test_few_rows_are_not_trusted() -> None:
    """Outside its validity region an interval is shown, marked and explained."""
    found = measure.measure(samples.binary(12, share=0.3, seed=4), None)
    assert not found["roc_auc"].reliable
    assert "10" in (found["roc_auc"].reason or "")
    assert not found["log_loss"].reliable


def test_heavy_tails_are_not_trusted() -> None:
    """A loss that a few rows decide says so."""
    random = np.random.default_rng(0)
    sample = samples.regression(300)
    wild = sample.target + random.pareto(1.0, size=300)
    found = measure.measure(measure.subset(replace(sample, prediction=wild), np.arange(300)), ["rmse", "median_ae"])
    assert not found["rmse"].reliable
    assert found["median_ae"].reliable


def test_calibrated_model_lies_in_the_null_band() -> None:
    """The band of ece holds the value of a model whose probabilities are right, and not that of one whose are wrong."""
    random = np.random.default_rng(1)
    score = random.uniform(0.05, 0.95, size=2000)
    target = (random.random(2000) < score).astype(np.int32)
    right = Sample("binary", target, (score > 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1))
    value = measure.measure(right, ["ece"])["ece"]
    assert value.null_band is not None
    assert value.value is not None
    assert value.null_band[0] < value.value < value.null_band[1]
    sure = score**3
    wrong = replace(right, scores=np.stack([1 - sure, sure], axis=1))
    value = measure.measure(wrong, ["ece"])["ece"]
    assert value.null_band is not None
    assert value.value is not None
    assert value.value > value.null_band[1]
