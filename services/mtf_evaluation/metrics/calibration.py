"""Expected calibration error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats, Metric, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.statistics.normals import generator, normals

BAND_DRAWS = 500
STREAM, FEW_STREAM = 1, 2
BLOCK = 32
"""Draws are kept for bins in multiples of this number, so that slices of different sizes share them."""
ENOUGH = 5.0
"""Standard deviation of a bin's right rows from which their number is near normal."""
FEWEST = 100
"""Rows below which the error of a perfectly calibrated model is so large that the value says little."""


@dataclass(frozen=True)
class Bins:
    """Rows in bins of equal weight by confidence: each array is (b,)."""

    weight: Floats
    confidence: Floats
    """Mean confidence."""
    right: Floats
    """Share of rows that were right."""
    effective: Floats
    """Kish's number of rows."""


def bin_count(n: int) -> int:
    """ceil(n^(1/3)) bins, which balances bias and variance of the error (Sumita and others; scikit-learn's choice too)."""
    return max(1, math.ceil(round(math.cbrt(n), 9)))


def quantile_bins(confidence: Floats, right: NDArray[np.bool_], weight: Floats | None, bins: int) -> Bins:
    """Bins whose edges are quantiles of the confidence; equal confidences share a bin, so that fewer bins may result.

    Args:
        confidence: (n,) ascending confidences.
        right: (n,) whether the event happened, in the same order.
        weight: (n,) weights above 0 in the same order, or None.
        bins: Number of bins at most.
    """
    n = confidence.size
    if weight is None:
        last = -(-np.arange(1, bins + 1) * n // bins) - 1
    else:
        cumulative = np.cumsum(weight)
        marks = np.arange(1, bins + 1) / bins * cumulative[-1]
        last = np.minimum(np.searchsorted(cumulative, marks - 1e-9 * cumulative[-1]), n - 1)
    ends = np.unique(np.searchsorted(confidence, confidence[last], side="right"))
    starts = np.concatenate(([0], ends[:-1]))
    if weight is None:
        size = (ends - starts).astype(np.float64)
        mass, squares = size, size
        sums, hits = np.add.reduceat(confidence, starts), np.add.reduceat(right.astype(np.float64), starts)
    else:
        mass, squares = np.add.reduceat(weight, starts), np.add.reduceat(weight * weight, starts)
        sums, hits = np.add.reduceat(weight * confidence, starts), np.add.reduceat(weight * right, starts)
    return Bins(mass, sums / mass, hits / mass, mass * mass / squares)


def calibration_error(bins: Bins) -> float:
    """Weighted mean over bins of |confidence - share right|."""
    return float((bins.weight @ np.abs(bins.confidence - bins.right)) / bins.weight.sum())


class ExpectedCalibrationError(Metric):
    """How far confidence and the share of right rows are apart."""

    countable = "groups"
    name = "ece"
    tasks = ("binary", "multiclass")
    greater_is_better = False
    needs_scores = True
    has_interval = False
    formula = "sum over bins of share of rows * |mean confidence - share right|"
    undefined_when = "the scores are no probabilities"
    valid_from = f"none, because the estimate is biased upwards and no interval would hold what it says; the band of a calibrated model is given from {FEWEST} rows"
    source = "Naeini, Cooper and Hauskrecht 2015; quantile bins as Nguyen and O'Connor 2015"
    summary = (
        "Mean over ceil(n^(1/3)) quantile bins of |mean confidence - share right|: "
        "the positive class for two classes, the top label for more."
    )

    def bins(self, sample: Sample) -> Bins:
        """The reliability bins: what a reliability diagram shows."""
        facts = facts_of(sample)
        confidence, right, weight = self._events(facts)
        return quantile_bins(confidence, right, weight, bin_count(facts.n))

    def _events(self, facts: Facts) -> tuple[Floats, NDArray[np.bool_], Floats | None]:
        if facts.classes == 2:  # noqa: PLR2004 - two classes share the sort with the areas
            ranking = facts.ranking(1)
            return ranking.score, ranking.positive, ranking.weight
        top = facts.scores.argmax(axis=1)
        confidence = np.take_along_axis(facts.scores, top[:, None], axis=1)[:, 0]
        order = np.argsort(confidence)
        weight = None if facts.sample.weight is None else facts.sample.weight[order]
        return confidence[order], (top == facts.sample.target)[order], weight

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The error without an interval (it is biased upwards), and the band of a perfectly calibrated model with these scores."""
        facts = facts_of(sample)
        reason = facts.not_probabilities
        if reason:
            return undefined(reason, facts.n)
        bins = self.bins(sample)
        doubt = f"{facts.n} rows; below {FEWEST} even perfect calibration gives a large value" if facts.n < FEWEST else None
        return MetricValue(
            value=calibration_error(bins),
            n=facts.n,
            n_effective=facts.design.kish,
            reliable=doubt is None,
            reason=doubt,
            null_band=_null_band(bins, level, facts.seed),
        )


def _null_band(bins: Bins, level: float, seed: int) -> tuple[float, float]:
    """Central band of the error if every confidence were right.

    Binomial draws per bin, whose confidences are nearly equal; normal ones where a bin has rows enough for them.
    """
    trials = np.maximum(np.round(bins.effective), 1)
    chance = np.clip(bins.confidence, 0.0, 1.0)
    spread = np.sqrt(chance * (1 - chance) / trials)
    room = BLOCK * -(-trials.size // BLOCK)
    off = normals(seed, STREAM, room * BAND_DRAWS).reshape(room, BAND_DRAWS)[: trials.size] * spread[:, None]
    few = trials * spread < ENOUGH
    if few.any():
        size = (int(np.count_nonzero(few)), BAND_DRAWS)
        drawn = generator(seed, FEW_STREAM).binomial(trials[few, None].astype(np.int64), chance[few, None], size=size)
        off[few] = drawn / trials[few, None] - chance[few, None]
    errors = (bins.weight / bins.weight.sum()) @ np.abs(off, out=off)
    lower, upper = np.quantile(errors, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)
