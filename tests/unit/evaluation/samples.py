"""Seeded samples for the tests of metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtf.plugins import Sample


def binary(n: int = 400, *, seed: int = 0, share: float = 0.3, signal: float = 1.5, digits: int | None = None) -> Sample:
    """A model of moderate skill; `digits` rounds its scores, so that many are tied."""
    random = np.random.default_rng(seed)
    target = (random.random(n) < share).astype(np.int32)
    score = 1 / (1 + np.exp(-(signal * target + random.normal(size=n) - 1)))
    score = score if digits is None else np.round(score, digits)
    return Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), ("no", "yes"))


def multiclass(n: int = 400, k: int = 4, *, seed: int = 0, signal: float = 1.5) -> Sample:
    """Classes of unequal size."""
    random = np.random.default_rng(seed)
    shares = np.arange(1, k + 1) / (k * (k + 1) / 2)
    target = random.choice(k, size=n, p=shares).astype(np.int32)
    raw = np.exp(random.normal(size=(n, k)) + signal * np.eye(k)[target])
    scores = raw / raw.sum(axis=1, keepdims=True)
    return Sample("multiclass", target, scores.argmax(axis=1).astype(np.int32), scores, tuple("abcdefghij"[:k]))


def regression(n: int = 400, *, seed: int = 0, noise: float = 1.0) -> Sample:
    """Numbers far from 0 with normal errors, and prediction intervals of unequal width."""
    random = np.random.default_rng(seed)
    target = random.normal(50, 10, size=n)
    prediction = target + noise * random.normal(size=n)
    half = noise * (1.5 + 0.5 * np.sin(prediction))
    return Sample("regression", target, prediction, interval=np.stack([prediction - half, prediction + half], axis=1))


def margins(sample: Sample) -> Sample:
    """The same rows with signed scores, as a support vector machine gives them, in place of probabilities."""
    assert sample.scores is not None
    distance = 6 * sample.scores[:, 1] - 3
    return replace(sample, scores=np.stack([1 - distance, distance], axis=1))


def weighted(sample: Sample, weight: Any) -> Sample:
    """The same rows with weights."""
    return replace(sample, weight=np.asarray(weight, dtype=np.float64))


def grouped(sample: Sample, size: int) -> Sample:
    """The same rows in groups of neighbours."""
    return replace(sample, group=np.arange(sample.target.size) // size)


def repeated(sample: Sample, times: Any) -> Sample:
    """Every row as often as `times` says."""
    rows = np.repeat(np.arange(sample.target.size), times)
    return replace(
        sample,
        target=sample.target[rows],
        prediction=sample.prediction[rows],
        scores=None if sample.scores is None else sample.scores[rows],
        interval=None if sample.interval is None else sample.interval[rows],
    )
