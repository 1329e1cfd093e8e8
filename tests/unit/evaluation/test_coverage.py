"""A reduced coverage study: inside the validity region about 95 of 100 intervals hold the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mtf.plugins import Sample
from mtf_evaluation import measure
from tests.unit.evaluation import samples

ROUNDS = 300


def _skewed(n: int, *, seed: int) -> Sample:
    random = np.random.default_rng(seed)
    target = random.normal(50, 10, size=n)
    return Sample("regression", target, target + random.exponential(size=n))


def _clusters(n: int, *, seed: int) -> Sample:
    """Groups of five rows that are right or wrong together."""
    random = np.random.default_rng(seed)
    effect = np.repeat(random.normal(size=n // 5), 5)
    target = (random.random(n) < 0.4).astype(np.int32)
    score = 1 / (1 + np.exp(-(1.5 * target - 0.7 + 0.7 * effect + 0.7 * random.normal(size=n))))
    return Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1), group=np.arange(n) // 5)


def _weights(n: int, *, seed: int) -> Sample:
    sample = samples.binary(n, seed=seed)
    return samples.weighted(sample, np.random.default_rng([seed, 1]).uniform(0.3, 3, size=n))


CELLS = [
    pytest.param(samples.binary, 60, {"share": 0.4}, ["accuracy", "f1", "mcc", "roc_auc", "brier"], id="binary-few"),
    pytest.param(samples.binary, 600, {"share": 0.3, "signal": 3.0}, ["recall", "balanced_accuracy", "roc_auc", "average_precision", "log_loss"], id="binary"),
    pytest.param(samples.multiclass, 300, {"k": 5, "signal": 3.0}, ["f1_macro", "recall_macro", "cohen_kappa", "mcc", "roc_auc_ovr"], id="multiclass"),
    pytest.param(samples.regression, 60, {}, ["mae", "median_ae", "bias"], id="regression"),
    pytest.param(_skewed, 300, {}, ["mae", "rmse", "median_ae", "bias"], id="regression-skewed"),
    pytest.param(_clusters, 300, {}, ["accuracy", "f1", "roc_auc", "log_loss"], id="groups"),
    pytest.param(_weights, 300, {}, ["accuracy", "f1", "roc_auc", "brier"], id="weights"),
]  # fmt: skip  # one cell per line reads as a table


@pytest.mark.slow
@pytest.mark.parametrize(("make", "n", "options", "names"), CELLS)
def test_intervals_cover(make: Callable[..., Sample], n: int, options: dict[str, Any], names: list[str]) -> None:
    """Between 92 and 100 of 100 intervals hold the value of a sample of 300,000 rows (300 rounds: a standard error of 1.3)."""
    truth = measure.measure(make(300_000, seed=10**6, **options), names)
    held = dict.fromkeys(names, 0)
    for seed in range(ROUNDS):
        for name, value in measure.measure(make(n, seed=seed, **options), names).items():
            wanted = truth[name].value
            assert value.lower is not None
            assert value.upper is not None
            assert wanted is not None
            held[name] += value.lower <= wanted <= value.upper
    for name, count in held.items():
        assert count / ROUNDS >= 0.92, (name, count / ROUNDS)
        assert count / ROUNDS <= 0.995 or name.startswith("roc_auc"), (name, count / ROUNDS)
