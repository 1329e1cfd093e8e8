"""Whatever the rows: no exception but ours, no warning, no interval that contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.compare import compare

SEEDS = st.integers(0, 2**32 - 1)


def _sample(seed: int) -> Sample:
    """A small sample full of ties, boundary values, absent classes, odd weights and uneven groups."""
    random = np.random.default_rng(seed)
    n = int(random.choice([1, 2, 3, 5, 9, 30, 120]))
    task = str(random.choice(["binary", "multiclass", "regression"]))
    design: dict[str, Any] = {}
    if random.random() < 0.4:
        design["weight"] = random.choice([0, 1e-6, 0.5, 1, 3, 1e6], size=n) if random.random() < 0.5 else random.random(n)
        design["weight"][0] = 1.0
    if random.random() < 0.4:
        design["group"] = random.integers(0, max(1, n // 3), size=n)
    if task == "regression":
        scale = float(random.choice([0, 1e-300, 1e-9, 1, 1e6, 1e150, 1e300]))
        return Sample(task, scale * random.integers(-3, 4, size=n), scale * np.round(random.normal(size=n), 1), **design)
    k = 2 if task == "binary" else int(random.integers(2, 6))
    target = random.integers(0, int(random.integers(1, k + 1)), size=n).astype(np.int32)
    raw = random.choice([0.0, 0.1, 0.5, 1.0], size=(n, k)) + (random.random((n, k)) if random.random() < 0.5 else 1e-12)
    scores = raw / raw.sum(axis=1, keepdims=True) if random.random() < 0.8 else raw * 7 - 3
    prediction = random.integers(0, k, size=n) if random.random() < 0.5 else target
    return Sample(task, target, prediction.astype(np.int32), scores if random.random() < 0.8 else None, tuple(range(k)), **design)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS)
def test_measure_never_fails(seed: int) -> None:
    """Every metric of the task answers: a value with a consistent interval, or null with a reason."""
    sample = _sample(seed)
    for name, value in measure.measure(sample, measure.known_metrics(sample.task)).items():
        if value.value is None:
            assert value.undefined, name
            continue
        assert np.isfinite(value.value), name
        assert value.n_effective is not None, name
        assert 0 < value.n_effective <= sample.target.size * (1 + 1e-9), name
        if value.lower is not None:
            assert value.upper is not None, name
            assert value.lower <= value.value <= value.upper, name
            assert value.lower < value.upper, name
            assert np.isfinite([value.lower, value.upper]).all(), name


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS)
def test_compare_never_fails(seed: int) -> None:
    """A comparison with a shuffled model answers for every metric."""
    sample = _sample(seed)
    turn = np.random.default_rng(seed).permutation(sample.target.size)
    other = replace(sample, prediction=sample.prediction[turn], scores=None if sample.scores is None else sample.scores[turn])
    for one in compare(sample, other, measure.known_metrics(sample.task), baseline="old"):
        assert one.sentence
        assert one.p_value is None or 0 <= one.p_value <= 1
        if one.lower is not None and one.difference is not None:
            assert one.upper is not None
            assert one.lower <= one.difference <= one.upper, one.metric
            assert one.lower < one.upper, one.metric
