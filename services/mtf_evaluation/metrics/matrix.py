"""How a smooth function of the confusion matrix gets its value, its influence values and its interval."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import numerals
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.influence import delta_interval
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.matrix import drawn_interval
from mtf_evaluation.statistics.proportion import wilson
from mtf_evaluation.statistics.scales import LOGIT, Scale

Mask = NDArray[np.bool_]
FEWEST = 10
"""Rows of the rarest observed class under which the interval is shown but not trusted."""
VALID = f"{FEWEST} rows of the rarest class in the truth (effective ones with weights), and {FEWEST} groups where rows are grouped"
DRAWS = "interval: draws of the confusion matrix (Dirichlet), with weights or groups the delta method"
BLOCK = 2_000_000
"""Numbers held at once while differentiating."""


class MatrixMetric(Metric):
    """A smooth function of the confusion matrix that does not change when the matrix is rescaled."""

    scale: ClassVar[Scale] = LOGIT
    averaged: ClassVar[bool] = False
    """Whether it is a mean over classes, whose number is told."""
    valid_from = VALID

    def defined(self, matrix: Floats) -> Mask:
        """(k,) classes that enter; all of them unless the metric is a mean over classes."""
        return np.ones(matrix.shape[-1], dtype=np.bool_)

    @abstractmethod
    def missing(self, matrix: Floats) -> str | None:
        """Why the metric is undefined for this (k, k) matrix, or None."""

    @abstractmethod
    def score(self, matrices: Floats, defined: Mask) -> Floats:
        """The metric of (k, k, ...) matrices, as (...). Draws stand last, so that sums over classes run along memory."""

    def on_draws(self, facts: Facts, defined: Mask) -> Callable[[Floats], Floats]:
        """The metric as a function of (o, o, d) draws of the matrix of the o observed classes."""
        inner = defined[facts.observed]
        return lambda matrices: self.score(matrices, inner)

    def limits(self) -> tuple[float, float]:
        """The smallest and the largest possible value with these arguments."""
        return self.bounds

    def doubt(self, facts: Facts) -> str | None:
        """Which condition of the validity region fails, or None."""
        if facts.rarer < FEWEST:
            return f"the rarest class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST}"
        if facts.design.group is not None and facts.design.groups < FEWEST:
            return f"only {numerals.count(facts.design.groups, 'group')}; the interval is known to hold from {FEWEST}"
        return None

    def terms(self, sample: Sample) -> Floats:
        """(n, k * k) indicator of the cell that each row falls into."""
        facts = facts_of(sample)
        return np.eye(facts.classes**2, dtype=np.float64)[facts.cells]

    def value(self, means: Floats) -> float:
        """The metric from the shares of the cells; NaN where it is undefined."""
        k = round(means.size**0.5)
        matrix = np.maximum(means, 0.0).reshape(k, k)
        return float("nan") if self.missing(matrix) else float(self.score(matrix, self.defined(matrix)))

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if self.missing(facts.matrix):
            return float("nan"), np.zeros(facts.n)
        defined = self.defined(facts.matrix)
        return float(self.score(facts.matrix, defined)), self._per_cell(facts, defined).ravel()[facts.cells]

    def _per_cell(self, facts: Facts, defined: Mask) -> Floats:
        """(k, k) influence of a row that falls into a cell: the numeric gradient, centred. Only cells with rows are differentiated."""
        shares = facts.matrix / facts.matrix.sum()
        filled = np.flatnonzero(shares)
        step = np.cbrt(np.finfo(np.float64).eps) * np.maximum(shares.ravel()[filled], np.sqrt(shares.ravel()[filled] / facts.n) * 1e-2)
        slope = np.zeros(shares.size)
        for part in np.array_split(np.arange(filled.size), max(1, filled.size * shares.size * 2 // BLOCK)):
            moved = np.repeat(shares.reshape(-1, 1), part.size, axis=1)
            cells, columns = filled[part], np.arange(part.size)
            moved[cells, columns] += step[part]
            above = self.score(moved.reshape(*shares.shape, -1), defined)
            moved[cells, columns] -= 2 * step[part]
            slope[cells] = (above - self.score(moved.reshape(*shares.shape, -1), defined)) / (2 * step[part])
        centred = slope - float(slope @ shares.ravel())
        return np.asarray(centred.reshape(shares.shape))

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The metric; Dirichlet draws for independent rows of equal weight, else the delta method."""
        facts = facts_of(sample)
        reason = self.missing(facts.matrix)
        if reason:
            return undefined(reason, facts.n)
        defined = self.defined(facts.matrix)
        value = float(self.score(facts.matrix, defined))
        interval, effective = self._interval(sample, facts, value, defined, level)
        return answer(
            value,
            interval,
            level=level,
            n=facts.n,
            n_effective=effective,
            doubt=self.doubt(facts),
            bounds=self.limits(),
            n_classes=int(np.count_nonzero(defined)) if self.averaged else None,
        )

    def _interval(self, sample: Sample, facts: Facts, value: float, defined: Mask, level: float) -> tuple[Interval, float]:
        if facts.design.simple and facts.draws is not None:
            return drawn_interval(self.on_draws(facts, defined), facts.draws, level), float(facts.n)
        _, influence = self.influence(sample)
        error = facts.design.standard_error(influence)
        if error > 0 and self.scale.inside(value):
            method = "delta" if facts.design.simple else "sandwich"
            return (
                delta_interval(value, error, facts.design, level, self.scale, method=method, student=False),
                facts.design.effective(influence),
            )
        return self._at_the_edge(facts, value, level)

    def _at_the_edge(self, facts: Facts, value: float, level: float) -> tuple[Interval, float]:
        """Rows that are all right (or all wrong) show no variance: Wilson's limit of that share, for the rarest class."""
        design: Design = facts.design
        units = max(float(min(facts.rarer, design.groups)) if design.group is not None else facts.rarer, 1.0)
        low, high = self.limits()
        if not high > low:
            return no_interval("every value that is possible is the same"), units
        limits = wilson((value - low) / (high - low), units, level, quantile=design.quantile(level))
        if limits.lower is None or limits.upper is None:
            return limits, units
        return Interval(low + (high - low) * limits.lower, low + (high - low) * limits.upper, "wilson-edge"), units
