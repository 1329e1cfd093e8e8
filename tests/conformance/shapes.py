"""Data in the shapes that have broken metrics before: ties, weights, classes that are absent or rare, float32, numbers far from 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mtf.plugins import Sample
from tests.unit.evaluation import samples


def _weights(sample: Sample, seed: int = 9) -> Sample:
    return samples.weighted(sample, np.random.default_rng(seed).uniform(0.1, 4, size=sample.target.size))


def _scored(sample: Sample, scores: np.ndarray) -> Sample:
    labels = scores[:, 1] >= 0.5 if sample.task == "binary" else scores.argmax(axis=1)
    return replace(sample, scores=scores, prediction=labels.astype(np.int32))


def _float32(sample: Sample) -> Sample:
    """What a model in float32 gives: probabilities that sum to 1 to seven digits."""
    assert sample.scores is not None
    return _scored(sample, sample.scores.astype(np.float32).astype(np.float64))


def _logits(sample: Sample) -> Sample:
    """Scores without bounds, and positive from 0 on."""
    assert sample.scores is not None
    odds = np.log(sample.scores)
    if sample.task == "binary":
        odds = np.stack([odds[:, 0] - odds[:, 1], odds[:, 1] - odds[:, 0]], axis=1)
        return replace(sample, scores=odds, prediction=(odds[:, 1] >= 0).astype(np.int32))
    return replace(sample, scores=odds)


def _absent() -> Sample:
    """Five labels were declared, and the test set has rows of three; the model also predicts a fourth."""
    sample = samples.multiclass(300, k=4, seed=8, signal=0.8)
    assert sample.scores is not None
    keep = sample.target != 1
    scores = np.pad(sample.scores[keep] * 0.9, ((0, 0), (0, 1)), constant_values=0.1)
    return Sample("multiclass", sample.target[keep], scores.argmax(axis=1).astype(np.int32), scores, (*sample.labels, "never seen"))


def _moved(sample: Sample, offset: float) -> Sample:
    interval = None if sample.interval is None else sample.interval + offset
    return replace(sample, target=sample.target + offset, prediction=sample.prediction + offset, interval=interval)


def _rounded(sample: Sample) -> Sample:
    return replace(sample, target=np.round(sample.target), prediction=np.round(sample.prediction))


def _counts() -> Sample:
    random = np.random.default_rng(5)
    rate = np.exp(random.normal(0.3, 0.8, 300))
    prediction = rate * np.exp(random.normal(0, 0.2, 300))
    limits = np.stack([np.zeros(300), prediction * 3], axis=1)
    return Sample("regression", random.poisson(rate).astype(np.float64), prediction, interval=limits)


def _heavy() -> Sample:
    random = np.random.default_rng(6)
    target = random.standard_t(2, 300) * 10
    prediction = target + random.standard_t(2, 300)
    return Sample("regression", target, prediction, interval=np.stack([prediction - 2, prediction + 3], axis=1))


def _single(sample: Sample) -> Sample:
    parts = (sample.target, sample.prediction, sample.interval)
    target, prediction, interval = (None if part is None else part.astype(np.float32).astype(np.float64) for part in parts)
    assert target is not None
    assert prediction is not None
    return replace(sample, target=target, prediction=prediction, interval=interval)


SHAPES: Mapping[str, Mapping[str, Sample]] = {
    "binary": {
        "plain": samples.binary(500),
        "tied scores": samples.binary(500, digits=1),
        "weights": _weights(samples.binary(500, seed=2)),
        "weights and ties": _weights(samples.binary(400, seed=3, digits=1)),
        "2 % positive": samples.binary(1500, seed=4, share=0.02),
        "few rows": samples.binary(37, seed=5, share=0.3),
        "float32": _float32(samples.binary(500, seed=6)),
        "logits": _logits(samples.binary(300, seed=7)),
    },
    "multiclass": {
        "plain": samples.multiclass(500),
        "eight classes, few rows": samples.multiclass(80, k=8, seed=2, signal=0.5),
        "weights": _weights(samples.multiclass(400, seed=3)),
        "absent classes": _absent(),
        "absent classes, weights": _weights(_absent()),
        "float32": _float32(samples.multiclass(400, seed=6)),
        "logits": _logits(samples.multiclass(300, seed=7)),
    },
    "regression": {
        "plain": samples.regression(500),
        "ties": _rounded(samples.regression(300, seed=2, noise=4)),
        "weights": _weights(samples.regression(400, seed=3, noise=3)),
        "weights and ties": _weights(_rounded(samples.regression(300, seed=4, noise=4))),
        "few rows": samples.regression(7, seed=3),
        "counts with zeros": _counts(),
        "heavy tails, both signs": _heavy(),
        "float32": _single(samples.regression(300, seed=6)),
        "far from 0": _moved(samples.regression(100, seed=7), 1e7),
        "below 0": _moved(samples.regression(200, seed=8), -200.0),
    },
}
"""Samples by task and by what is special about them."""
