"""What stands at the edges: one class, one row, all ties, perfect models, zero weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mtf.errors import DataError, SpecError
from mtf.plugins import Sample
from mtf_evaluation import measure
from tests.unit.evaluation import samples

EVERYTHING = [
    samples.binary(200),
    samples.binary(200, digits=1),
    samples.binary(12, share=0.5),
    samples.binary(200, signal=60),
    samples.multiclass(200),
    samples.multiclass(60, k=8),
    samples.multiclass(200, signal=60),
    samples.regression(200),
    samples.regression(5),
    samples.regression(2),
    samples.regression(1),
]


@pytest.mark.parametrize("sample", EVERYTHING)
@pytest.mark.parametrize("design", ["plain", "weighted", "grouped", "both", "one group"])
def test_intervals_hold_their_value(sample: Sample, design: str) -> None:
    """Whatever the rows: an interval holds its value, stays in bounds, has a width; null comes with a reason."""
    n = sample.target.size
    if design in ("weighted", "both"):
        sample = samples.weighted(sample, np.random.default_rng(1).integers(0, 3, size=n) + (np.arange(n) == 0))
    if design in ("grouped", "both"):
        sample = samples.grouped(sample, 3)
    if design == "one group":
        sample = samples.grouped(sample, n)
    for name, value in measure.measure(sample, None).items():
        if value.value is None:
            assert value.undefined, name
            continue
        assert (value.lower is None) == (value.upper is None) == (value.method == "none"), name
        if value.lower is not None and value.upper is not None:
            assert value.lower <= value.value <= value.upper, name
            assert value.lower < value.upper, name
        elif name not in ("ece", "max_error"):
            assert value.reason, name
            assert not value.reliable, name


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1", "mcc", "roc_auc", "average_precision", "recall"])
@pytest.mark.parametrize("n", [20, 400])
def test_perfect_model_has_one_sided_interval(name: str, n: int) -> None:
    """A model without an error reaches 1 and may be a little worse than that."""
    target = (np.arange(n) % 2).astype(np.int32)
    score = target.astype(np.float64)
    sample = Sample("binary", target, target, np.stack([1 - score, score], axis=1), (0, 1))
    for design in (sample, samples.weighted(sample, np.arange(n) % 3 + 1.0), samples.grouped(sample, 2)):
        value = measure.measure(design, [name])[name]
        assert value.value == 1
        assert value.upper == 1
        assert value.lower is not None
        assert 0.3 < value.lower < 1


@pytest.mark.parametrize("code", [0, 1])
def test_one_class_is_null_with_reason(code: int) -> None:
    """Where the truth has one class, what needs two is null, and says why."""
    sample = samples.binary(100)
    one = replace(sample, target=np.full(100, code, dtype=np.int32))
    found = measure.measure(one, None)
    for name in ("roc_auc", "average_precision", "mcc", "balanced_accuracy"):
        assert found[name].value is None
        assert "one class" in (found[name].undefined or "")
    assert found["accuracy"].value is not None
    assert found["log_loss"].value is not None


def test_no_predicted_positive_is_null_not_zero() -> None:
    """Precision without a predicted positive is undefined; recall is 0."""
    sample = samples.binary(100)
    found = measure.measure(replace(sample, prediction=np.zeros(100, dtype=np.int32)), ["precision", "recall", "f1"])
    assert found["precision"].value is None
    assert found["recall"].value == 0
    assert found["f1"].value == 0


def test_all_scores_tied() -> None:
    """Constant scores have an area of one half and an average precision of the share of positives."""
    sample = samples.binary(100)
    found = measure.measure(replace(sample, scores=np.full((100, 2), 0.5)), ["roc_auc", "average_precision", "ece"])
    assert found["roc_auc"].value == 0.5
    assert found["average_precision"].value == pytest.approx(sample.target.mean())
    assert found["ece"].value == pytest.approx(abs(0.5 - sample.target.mean()))


def test_clipped_rows_are_counted() -> None:
    """A true class of probability 0 makes the log loss infinite; the clip is told and the value not trusted."""
    sample = samples.binary(100)
    assert sample.scores is not None
    scores = sample.scores.copy()
    scores[0] = [1, 0] if sample.target[0] else [0, 1]
    value = measure.measure(replace(sample, scores=scores), ["log_loss"])["log_loss"]
    assert not value.reliable
    assert "1 row" in (value.reason or "")


def test_logits_are_not_probabilities() -> None:
    """Scores outside 0..1 are ranked, but not read as probabilities."""
    sample = samples.binary(100)
    assert sample.scores is not None
    found = measure.measure(replace(sample, scores=sample.scores * 9 - 3), None)
    assert found["roc_auc"].value is not None
    assert {name for name, value in found.items() if value.value is None} == {"log_loss", "brier", "ece"}


def test_zero_weight_rows_do_not_count() -> None:
    """A row of weight 0 is as if it were absent, in every number of the answer."""
    sample = samples.binary(120)
    weight = np.ones(120)
    weight[::4] = 0
    with_zeros = measure.measure(samples.weighted(sample, weight), None)
    without = measure.measure(measure.subset(samples.weighted(sample, weight), weight > 0), None)
    assert with_zeros == without


def test_truth_of_zero_has_no_percentage() -> None:
    """A relative error to 0 is undefined; the ratio of sums is not."""
    sample = samples.regression(50)
    target = sample.target.copy()
    target[3] = 0
    found = measure.measure(replace(sample, target=target), ["mape", "wape"])
    assert found["mape"].value is None
    assert "1 row" in (found["mape"].undefined or "")
    assert found["wape"].value is not None


def test_negative_truth_counts_by_size() -> None:
    """Relative errors use |truth|."""
    sample = samples.regression(50)
    mirrored = replace(sample, target=-sample.target, prediction=-sample.prediction)
    assert measure.measure(mirrored, ["mape"])["mape"].value == pytest.approx(measure.measure(sample, ["mape"])["mape"].value)


def test_caller_keeps_its_arrays() -> None:
    """Measuring writes into no array of the caller."""
    sample = samples.weighted(samples.binary(100), np.arange(100) % 3)
    for name in ("target", "prediction", "scores", "weight"):
        getattr(sample, name).setflags(write=False)
    measure.measure(sample, None)


def test_no_rows_is_null() -> None:
    """Without rows every metric is null."""
    empty = measure.subset(samples.binary(10), np.zeros(10, dtype=bool))
    assert all(value.value is None and value.n == 0 for value in measure.measure(empty, None).values())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prediction": np.zeros(3, dtype=np.int32)}, "prediction"),
        ({"weight": -np.ones(10)}, "weight"),
        ({"weight": np.zeros(10)}, "weight"),
        ({"weight": np.full(10, np.nan)}, "weight"),
        ({"scores": np.full((10, 2), np.nan)}, "scores"),
        ({"scores": np.ones((10, 3))}, "scores"),
        ({"prediction": np.full(10, 7, dtype=np.int32)}, "prediction"),
        ({"target": np.full(10, -1, dtype=np.int32)}, "target"),
    ],
)
def test_bad_arrays_are_named(change: dict[str, Any], field: str) -> None:
    """Arrays that no metric can read are an error that names the array."""
    with pytest.raises(DataError) as caught:
        measure.measure(replace(samples.binary(10), **change), None)
    assert caught.value.field == field


def test_unknown_metric_names_the_nearest() -> None:
    """A misspelt metric is an error with the nearest known one; a metric of another task says which serve."""
    with pytest.raises(SpecError, match="acuracy") as caught:
        measure.measure(samples.binary(10), ["acuracy"])
    assert "accuracy" in (caught.value.fix or "")
    with pytest.raises(SpecError, match="does not apply to a binary task"):
        measure.measure(samples.binary(10), ["mae"])
