"""Laws that any metric must keep, whatever its formula: weights, order of rows, order of labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import mtf
from mtf.plugins import Sample
from mtf_evaluation import measure
from tests.conformance.reference import apart
from tests.conformance.run import REFERENCES
from tests.unit.evaluation import samples

MAKE: dict[str, Callable[..., Sample]] = {"binary": samples.binary, "multiclass": samples.multiclass, "regression": samples.regression}
ALL = [(task, metric) for task, found in REFERENCES.items() for metric in found]
BY_ROWS = {"ece": "the number of bins follows the number of rows", "spiegelhalter_z": "a test statistic grows with the rows"}
"""Metrics whose value is about the rows of the sample: repeating them is another sample."""
ORDINAL = {"quadratic_kappa"}
"""Metrics that read the order of the labels."""
SEEDS = (1, 2, 3)


def _value(sample: Sample, metric: str) -> float | None:
    (found,) = measure.measure(sample, [metric]).values()
    return found.value


@pytest.mark.parametrize(("task", "metric"), [pair for pair in ALL if pair[1].partition("(")[0] not in BY_ROWS])
def test_integer_weights_are_repetition(task: str, metric: str) -> None:
    """A row of weight 3 counts as three rows, one of weight 0 as none."""
    for seed in SEEDS:
        sample = MAKE[task](90, seed=seed)
        times = np.random.default_rng(seed).integers(0, 4, size=90)
        one, other = _value(samples.weighted(sample, times), metric), _value(samples.repeated(sample, times), metric)
        assert apart(one, other) < 1e-9, (one, other)


@pytest.mark.parametrize(("task", "metric"), ALL)
def test_order_of_rows_is_nothing(task: str, metric: str) -> None:
    """Shuffled rows give the same value, with tied scores too."""
    for seed in SEEDS:
        sample = MAKE[task](120, seed=seed)
        sample = samples.weighted(sample, np.arange(120) % 5 + 0.5)
        if sample.scores is not None and task == "binary":
            rounded = np.round(sample.scores[:, 1], 1)
            sample = replace(sample, scores=np.stack([1 - rounded, rounded], axis=1))
        shuffled = measure.subset(sample, np.random.default_rng(seed).permutation(120))
        assert apart(_value(sample, metric), _value(shuffled, metric)) < 1e-9


@pytest.mark.parametrize(("task", "metric"), ALL)
def test_scale_of_weights_is_nothing(task: str, metric: str) -> None:
    """Weights times ten thousand are the same weights, for the value and for its limits."""
    sample = MAKE[task](200, seed=4)
    weight = np.random.default_rng(4).uniform(0.1, 5, size=200)
    (one,), (other,) = (measure.measure(samples.weighted(sample, weight * by), [metric]).values() for by in (1.0, 1e4))
    for part in ("value", "lower", "upper"):
        assert apart(getattr(one, part), getattr(other, part)) < 1e-8, part
    assert one.reliable == other.reliable


@pytest.mark.parametrize("metric", [metric for metric in REFERENCES["multiclass"] if metric.partition("(")[0] not in ORDINAL])
def test_order_of_labels_is_nothing(metric: str) -> None:
    """Labels declared in another order, with their columns, give the same value."""
    for seed in SEEDS:
        sample = samples.multiclass(150, seed=seed)
        assert sample.scores is not None
        order = np.random.default_rng(seed).permutation(4)
        place = np.argsort(order).astype(np.int32)
        turned = replace(
            sample,
            target=place[sample.target],
            prediction=place[sample.prediction],
            scores=sample.scores[:, order],
            labels=tuple(sample.labels[code] for code in order),
        )
        assert apart(_value(sample, metric), _value(turned, metric)) < 1e-9


@pytest.mark.parametrize("labels", [("a", "b"), ("b", "a")])
def test_order_of_two_labels_is_nothing(labels: tuple[str, str]) -> None:
    """Which of two labels is declared first does not matter: the positive one is named."""
    sample = samples.binary(200, seed=5)
    names = np.array(["a", "b"])
    assert sample.scores is not None
    table = sample.scores if labels == ("a", "b") else sample.scores[:, ::-1]
    found = mtf.evaluate(
        names[sample.target],
        y_pred=names[sample.prediction],
        y_score=table,
        labels=labels,
        positive="b",
        metrics=list(REFERENCES["binary"]),
    )
    for metric, value in measure.measure(sample, list(REFERENCES["binary"])).items():
        assert apart(found.metrics[metric].value, value.value) < 1e-9, metric
