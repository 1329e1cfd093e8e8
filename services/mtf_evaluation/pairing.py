"""Which paired method fits which metric, and whether it can be trusted on these rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from mtf.plugins import RankMetric, RowMetric, Sample
from mtf_evaluation.metrics.adapter import influence_of
from mtf_evaluation.metrics.areas import AveragePrecision, RocAuc, RocAucOvr
from mtf_evaluation.metrics.base import Floats, Metric
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.metrics.rows import SmoothMetric, small_or_skewed
from mtf_evaluation.statistics.area import delong_error
from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.paired import Paired, paired_normal, tango

FEWEST = 30
"""Rows of the rarest class from which paired influence values are trusted for classification."""
FEWEST_DISCORDANT = 10
"""Rows on which two models must differ before a difference of influence values is near normal."""
RANKS = (RocAuc, AveragePrecision, RocAucOvr)


@dataclass(frozen=True)
class Pair:
    """Two prepared samples of the same rows, and the confidence level."""

    a: Sample
    b: Sample
    level: float


def paired(plugin: Any, pair: Pair, difference: float) -> tuple[Paired, str | None]:
    """The interval and test of a difference, and why they should not be trusted, or None."""
    if isinstance(plugin, OneVsRest):
        return paired(plugin.inner, Pair(binary(pair.a, plugin.code), binary(pair.b, plugin.code), pair.level), difference)
    design = facts_of(pair.a).design
    if isinstance(plugin, Proportion) and plugin.base_is_truth and design.simple:
        return _proportions(plugin, pair), None
    if not (hasattr(plugin, "influence") or isinstance(plugin, RowMetric | RankMetric)):
        p = 1.0 if _identical(pair) else None
        return Paired(no_interval("this metric has no paired test"), p, "identical" if p else "none"), None
    return _influences(plugin, pair, difference)


def _proportions(plugin: Proportion, pair: Pair) -> Paired:
    """Tango's method on the rows that the truth selects: the same ones for both models."""
    counted = plugin.in_base(pair.a)
    a, b = plugin.hits(pair.a) & counted, plugin.hits(pair.b) & counted
    return tango(int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a)), int(np.count_nonzero(counted)), pair.level)


def _influences(plugin: Any, pair: Pair, difference: float) -> tuple[Paired, str | None]:
    """The standard error of the difference of the two models' influence values, row by row."""
    facts = facts_of(pair.a)
    design = facts.design
    own = _influence(plugin, pair.a)
    apart = own - _influence(plugin, pair.b)
    delong = isinstance(plugin, RocAuc) and design.simple
    error = delong_error(apart, pair.a.target == 1) if delong else design.standard_error(apart)
    noise = NOISE * float(np.abs(own).max(initial=0.0))
    if not math.isnan(error) and (float(np.abs(apart).max(initial=0.0)) <= noise or error <= NOISE * abs(difference)):
        return _same_everywhere(own, pair, difference), None
    method = "delong-paired" if delong else ("influence-paired" if design.simple else "sandwich-paired")
    found = paired_normal(difference, error, design, pair.level, method, student=not isinstance(plugin, RANKS))
    return found, _doubt(plugin, pair, apart, noise)


def _influence(plugin: Any, sample: Sample) -> Floats:
    if isinstance(plugin, Metric):
        return np.asarray(plugin.influence(sample)[1])  # type: ignore[attr-defined]  # the caller looked for the method
    return influence_of(plugin, sample)[1]


def _same_everywhere(own: Floats, pair: Pair, difference: float) -> Paired:
    """No row tells the models apart (or each does by the same amount).

    For equal models at most z^2 / (n + z^2) of the population's rows may differ unseen (the limit that Tango's method gives for
    shares); each of them moves the metric by no more than the rows seen lie apart.
    """
    if difference != 0:
        return Paired(no_interval("the difference is the same on every row, so nothing tells how much it would vary"), None, "none")
    design = facts_of(pair.a).design
    z2 = float(special.ndtri(0.5 + pair.level / 2)) ** 2
    units = min(design.kish, float(design.groups))
    half = z2 / (units + z2) * float(own.max() - own.min())
    if not half > 0:
        return Paired(no_interval("both models give the same on every row"), 1.0, "identical")
    return Paired(Interval(-half, half, "identical"), 1.0, "identical")


def _identical(pair: Pair) -> bool:
    same = (
        pair.a.scores is pair.b.scores if pair.a.scores is None or pair.b.scores is None else np.array_equal(pair.a.scores, pair.b.scores)
    )
    return bool(same and np.array_equal(pair.a.prediction, pair.b.prediction))


def _doubt(plugin: Any, pair: Pair, apart: Floats, noise: float) -> str | None:
    """Which condition of the validity region fails."""
    facts = facts_of(pair.a)
    if isinstance(plugin, SmoothMetric) or not isinstance(plugin, Metric):
        return small_or_skewed(apart, facts)
    if facts.rarer < FEWEST:
        return f"the rarest class has {facts.rarer:.3g} effective rows; the paired interval is known to hold from {FEWEST}"
    differ = int(np.count_nonzero(np.abs(apart) > noise))
    if differ < FEWEST_DISCORDANT:
        return f"the models differ on {differ} rows only; the paired interval is known to hold from {FEWEST_DISCORDANT}"
    return None
