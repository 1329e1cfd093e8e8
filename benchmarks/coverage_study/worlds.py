"""Where the truth is known: populations from which test sets of any size are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample

Floats = NDArray[np.float64]
Draw = np.random.Generator


@dataclass(frozen=True)
class World:
    """A population; `options` say what it is like."""

    task: str
    name: str
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def draw(self, n: int, random: Draw) -> Sample:
        """A test set of n rows."""
        return _DRAW[self.task](n, random, **self.options)


def _binary(
    n: int, random: Draw, *, share: float, signal: float = 1.5, weighted: bool = False, cluster: int = 0, slope: float = 1.0
) -> Sample:
    """Two normal populations `signal` apart. The model knows the log-odds, up to a slope that makes it over- or underconfident."""
    shift = _of_clusters(n, random, cluster)
    truth = random.random(n) < 1 / (1 + (1 - share) / share * np.exp(-shift))
    seen = random.normal(size=n) + signal * truth + 0.5 * shift
    score = 1 / (1 + np.exp(-slope * (signal * seen - signal**2 / 2 + np.log(share / (1 - share)))))
    weight = np.exp(0.5 * seen + 0.5 * random.normal(size=n)) if weighted else None
    return Sample(
        "binary",
        truth.astype(np.int32),
        (score >= min(0.5, 2 * share)).astype(np.int32),
        np.stack([1 - score, score], axis=1),
        (0, 1),
        weight,
        None if not cluster else np.arange(n) // cluster,
    )


def _multiclass(n: int, random: Draw, *, k: int, signal: float = 2.0, weighted: bool = False, cluster: int = 0) -> Sample:
    """Classes of unequal size; the model sees each with noise, some of it shared by the rows of a group."""
    shares = np.arange(1, k + 1) / (k * (k + 1) / 2)
    truth = random.choice(k, size=n, p=shares)
    shift = np.stack([_of_clusters(n, random, cluster) for _ in range(k)], axis=1)
    raw = np.exp(random.normal(size=(n, k)) + signal * np.eye(k)[truth] + 0.7 * shift)
    scores = raw / raw.sum(axis=1, keepdims=True)
    weight = np.exp(2 * scores[:, 0] + 0.4 * random.normal(size=n)) if weighted else None
    group = None if not cluster else np.arange(n) // cluster
    return Sample("multiclass", truth.astype(np.int32), scores.argmax(axis=1).astype(np.int32), scores, tuple(range(k)), weight, group)


def _regression(n: int, random: Draw, *, errors: str, weighted: bool = False, cluster: int = 0) -> Sample:
    """A target above 0 and a model whose errors have a given law."""
    truth = np.exp(random.normal(1.0, 0.4, size=n))
    off = _ERRORS[errors](random, n) + 0.5 * _of_clusters(n, random, cluster)
    prediction = truth * np.exp(0.2 * off) if errors == "relative" else truth + 0.3 * off
    weight = np.exp(0.3 * truth + 0.4 * random.normal(size=n)) if weighted else None
    group = None if not cluster else np.arange(n) // cluster
    return Sample("regression", truth, prediction, None, (), weight, group)


def _of_clusters(n: int, random: Draw, size: int) -> Floats:
    """(n,) effects that the rows of a group share; 0 for independent rows."""
    if not size:
        return np.zeros(n)
    return np.repeat(random.normal(size=-(-n // size)), size)[:n]


_ERRORS: dict[str, Any] = {
    "normal": lambda random, n: random.normal(size=n),
    "relative": lambda random, n: random.normal(size=n),
    "exponential": lambda random, n: random.exponential(size=n),
    "lognormal": lambda random, n: np.exp(random.normal(size=n)) * random.choice([-1.0, 1.0], size=n),
    "t3": lambda random, n: random.standard_t(3, size=n),
    "pareto": lambda random, n: random.pareto(1.5, size=n),
}
_DRAW = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}
