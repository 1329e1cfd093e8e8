"""Two models of the same skill, on the same rows or each on rows of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample

Floats = NDArray[np.float64]
OWN = 0.7
"""Standard deviation of what only one model sees; what both see has 1."""


def binary(random: np.random.Generator, n: int, prevalence: float) -> tuple[Sample, Sample]:
    """Scores of a shared signal with noise of each model's own."""
    target = (random.random(n) < prevalence).astype(np.int32)
    shared = 1.5 * target + random.normal(size=n) - 0.7
    return _model(random, target, shared), _model(random, target, shared)


def _model(random: np.random.Generator, target: NDArray[np.int32], shared: Floats) -> Sample:
    score = 1 / (1 + np.exp(-(shared + OWN * random.normal(size=target.size))))
    return Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1))


def multiclass(random: np.random.Generator, n: int, _: float) -> tuple[Sample, Sample]:
    """Four classes with shares of 10, 20, 30 and 40 percent."""
    target = random.choice(4, size=n, p=[0.1, 0.2, 0.3, 0.4]).astype(np.int32)
    shared = random.normal(size=(n, 4)) + 1.5 * np.eye(4)[target]

    def model() -> Sample:
        raw = np.exp(shared + OWN * random.normal(size=(n, 4)))
        scores = raw / raw.sum(axis=1, keepdims=True)
        return Sample("multiclass", target, scores.argmax(axis=1).astype(np.int32), scores, tuple("abcd"))

    return model(), model()


def regression(random: np.random.Generator, n: int, _: float) -> tuple[Sample, Sample]:
    """Normal errors, most of them shared."""
    target, shared = random.normal(50, 10, size=n), random.normal(size=n)
    first, second = (Sample("regression", target, target + shared + OWN * random.normal(size=n)) for _ in range(2))
    return first, second


WORLDS: dict[str, Callable[[np.random.Generator, int, float], tuple[Sample, Sample]]] = {
    "binary": binary,
    "multiclass": multiclass,
    "regression": regression,
}
