"""A stranger's metric, which has only what the protocol asks for, with the intervals that follow from it."""

from __future__ import annotations

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import RankMetric, RowMetric, Sample
from mtf_evaluation.metrics.base import Floats, answer, undefined
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.rows import small_or_skewed
from mtf_evaluation.statistics.influence import delta_influence, delta_interval, gradient
from mtf_evaluation.statistics.scales import IDENTITY, LOG, LOGIT, Scale
from mtf_evaluation.statistics.sums import spreads

Plain = RowMetric | RankMetric


def influence_of(plugin: Plain, sample: Sample) -> tuple[float, Floats]:
    """The value and the (n,) influence values; NaN where the metric is undefined."""
    if not isinstance(plugin, RowMetric):
        if ignores_weights(plugin, sample):
            return float("nan"), np.zeros(sample.target.size)
        value, influence = plugin.influence(sample)
        return float(value), np.asarray(influence, dtype=np.float64)
    design = facts_of(sample).design
    terms = np.asarray(plugin.terms(sample), dtype=np.float64)
    means = design.means(terms)
    value = float(plugin.value(means))
    slope = gradient(lambda point: float(plugin.value(point)), means, spreads(terms))
    return value, delta_influence(terms, means, slope)


def ignores_weights(plugin: Plain, sample: Sample) -> bool:
    """Whether rows have weights that the metric would not see: a rank metric orders the rows itself, so that nobody can weight it from outside."""
    return sample.weight is not None and not isinstance(plugin, RowMetric) and not getattr(plugin, "weighted", False)


def measured_by(plugin: Plain, sample: Sample, level: float) -> MetricValue:
    """The value with a delta-method interval on the scale that the metric's bounds suggest."""
    facts = facts_of(sample)
    if ignores_weights(plugin, sample):
        return undefined("the metric does not count weights", facts.n)
    value, influence = influence_of(plugin, sample)
    if not np.isfinite(value):
        return undefined("the metric has no value for these rows", facts.n)
    if not np.isfinite(influence).all():
        influence = np.full(facts.n, np.nan)
    design = facts.design
    error = design.standard_error(influence)
    method = "delta" if design.simple else "sandwich"
    interval = delta_interval(value, error, design, level, scale_for(plugin.bounds), method=method)
    doubt = small_or_skewed(influence, facts) if interval.known else None
    effective = design.effective(influence) if interval.known else design.kish
    return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=plugin.bounds)


def scale_for(bounds: tuple[float, float]) -> Scale:
    """Logit between 0 and 1, logarithm above 0, else none."""
    if tuple(bounds) == (0.0, 1.0):
        return LOGIT
    return LOG if bounds[0] == 0.0 and np.isinf(bounds[1]) else IDENTITY
