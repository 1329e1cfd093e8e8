"""Whether a model's own prediction intervals hold what they promise, and how wide they are for it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.arguments import NominalArgs
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.regression import VALID
from mtf_evaluation.metrics.rows import Loss
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.interval import no_interval
from mtf_evaluation.statistics.proportion import wilson

FEWEST = 10
"""Rows (or groups) from which Wilson's interval is trusted."""
FEWEST_MISSES = 20
"""Rows outside of their interval from which the interval of the score is trusted: fewer show too little of its largest part."""
WITHOUT = "the predictions come without intervals (columns `lower` and `upper`)"


def limits_of(sample: Sample) -> tuple[Floats, Floats]:
    """(n,) lower and upper limits of the model's prediction intervals; NaN where it gave none."""
    if sample.interval is None:
        nothing = np.full(sample.target.size, np.nan)
        return nothing, nothing
    return sample.interval[:, 0], sample.interval[:, 1]


def lacking(sample: Sample) -> str | None:
    """Why nothing can be said of the intervals: there are none."""
    return WITHOUT if sample.interval is None else None


class IntervalCoverage(Metric):
    """Share of rows whose truth lies in the model's prediction interval."""

    name = "interval_coverage"
    tasks = ("regression",)
    greater_is_better = None
    summary = "Share of rows whose true value lies within the model's own prediction interval; compare it with what the interval promises."
    formula = "mean(lower <= truth <= upper)"
    undefined_when = WITHOUT
    valid_from = f"{FEWEST} rows (or groups)"
    source = "Gneiting and Raftery 2007; interval: Wilson 1927 at the effective number of rows"

    def hits(self, sample: Sample) -> NDArray[np.bool_]:
        """(n,) rows whose interval holds the truth."""
        lower, upper = limits_of(sample)
        return np.asarray((lower <= sample.target) & (sample.target <= upper))

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The share and its (n,) influence values; NaN without intervals."""
        facts = facts_of(sample)
        if lacking(sample):
            return math.nan, np.zeros(facts.n)
        hits = self.hits(sample).astype(np.float64)
        share = facts.design.mean(hits)
        return share, hits - share

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The share with Wilson's interval; groups and weights enter through the effective number of rows."""
        facts = facts_of(sample)
        reason = lacking(sample)
        if reason:
            return undefined(reason, facts.n)
        share, influence = self.influence(sample)
        design = facts.design
        if design.groups < 2 and design.group is not None:  # noqa: PLR2004 - a variance needs two
            return answer(share, no_interval("all rows belong to one group"), level=level, n=facts.n, n_effective=1.0)
        rows = _rows(design, share, influence)
        units = min(design.kish, float(design.groups))
        kind = "groups" if design.group is not None else "effective rows"
        doubt = f"only {units:.3g} {kind}; the interval is known to hold from {FEWEST}" if units < FEWEST else None
        method = "wilson" if design.group is None else "wilson-cluster"
        limits = wilson(share, rows, level, quantile=design.quantile(level), method=method)
        return answer(share, limits, level=level, n=facts.n, n_effective=rows, doubt=doubt)


def _rows(design: Design, share: float, influence: Floats) -> float:
    """The number of independent rows with the same variance. At a share of 0 or 1 a group counts as one row, which errs on the safe side."""
    if design.group is None:
        return design.kish
    error = design.standard_error(influence)
    return float(np.clip(share * (1 - share) / error**2, 1.0, design.kish)) if error > 0 else min(float(design.groups), design.kish)


class _OfIntervals(Loss):
    undefined_when = WITHOUT
    valid_from = VALID

    def missing(self, facts: Facts) -> str | None:
        """Undefined without intervals."""
        return lacking(facts.sample)


class IntervalWidth(_OfIntervals):
    """Mean width of the model's prediction intervals."""

    name = "interval_width"
    summary = "Mean width of the model's own prediction intervals, in the target's unit: narrower is better at equal coverage."
    formula = "mean(upper - lower)"
    source = "Gneiting, Balabdaoui and Raftery 2007 (sharpness); interval: delta method with Student's t on the log scale"

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) width."""
        lower, upper = limits_of(sample)
        return (upper - lower)[:, None]


class IntervalScore(_OfIntervals):
    """Interval score: width and misses in one loss."""

    name = "interval_score"
    valid_from = f"{FEWEST_MISSES} rows (or groups) with a truth outside of their interval, and {VALID}"
    Args = NominalArgs
    summary = "Mean interval score (Winkler): the width plus 2 / (1 - nominal) times the distance of a truth that lies outside."
    formula = "mean((upper - lower) + 2 / (1 - c) (max(lower - truth, 0) + max(truth - upper, 0))), c the nominal share of rows inside"
    source = "Winkler 1972; Gneiting and Raftery 2007, section 6.2; interval: delta method with Student's t on the log scale"

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) score of each row."""
        lower, upper = limits_of(sample)
        outside = np.maximum(lower - sample.target, 0) + np.maximum(sample.target - upper, 0)
        found: Floats = (upper - lower) + 2 / (1 - self.args.nominal) * outside
        return found[:, None]

    def remark(self, facts: Facts) -> str | None:
        """Misses are rare and cost much: with few of them the sample does not show how much they vary."""
        sample = facts.sample
        lower, upper = limits_of(sample)
        missed = (sample.target < lower) | (sample.target > upper)
        if missed.size != facts.n:
            return None  # rows beyond memory: those at hand are its extremes, and there are enough of the others
        units = min(facts.design.kish_of(missed), float(facts.design.groups_of(missed)))
        return f"{units:.3g} effective rows lie outside of their interval; {FEWEST_MISSES} are needed" if units < FEWEST_MISSES else None
