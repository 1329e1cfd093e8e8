"""Smooth functions of means of per-row terms: the losses. Delta method on the scale where the loss is closest to normal."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.statistics.influence import delta_influence, delta_interval, gradient, tail_index, tail_weight
from mtf_evaluation.statistics.scales import IDENTITY, LOG, Scale
from mtf_evaluation.statistics.sums import spreads

FEWEST = 30
"""Independent rows from which the delta method is trusted."""
FEWEST_GROUPS = 50
"""Independent groups from which it is: their sums are fewer and more skewed than rows."""
TAIL = 10.0
"""Rows needed per squared skewness of the rows' contributions, after Cochran's rule; below it a few rows decide the value."""
HEAVY = 1.75
"""Tail index under which rows larger than any seen may decide the value. An estimate from 10 to 1,000 rows scatters, so the
threshold lies below 2, where the variance becomes infinite."""


class SmoothMetric(Metric):
    """A smooth function of weighted means of per-row terms."""

    scale: ClassVar[Scale] = IDENTITY

    @abstractmethod
    def terms(self, sample: Sample) -> Floats:
        """(n, t) per-row terms."""

    @abstractmethod
    def value(self, means: Floats) -> float:
        """The metric from the (t,) weighted means."""

    def slope(self, means: Floats, spread: Floats) -> Floats:
        """(t,) gradient at the means; numeric unless a metric knows better."""
        return gradient(self.value, means, spread)

    def missing(self, facts: Facts) -> str | None:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Why the metric is undefined for this sample, or None."""
        return None

    def limits(self, facts: Facts) -> tuple[float, float]:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The smallest and the largest possible value on this sample."""
        return self.bounds

    def remark(self, facts: Facts) -> str | None:  # noqa: ARG002 - a hook with the same arguments for every metric
        """What makes the value doubtful besides the validity region of the method, or None."""
        return None

    def tail(self, sample: Sample, influence: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(n,) numbers by whose largest the tail is judged."""
        return influence

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if self.missing(facts):
            return float("nan"), np.zeros(facts.n)
        terms = self.terms(sample)
        means = facts.design.means(terms)
        return self.value(means), delta_influence(terms, means, self.slope(means, self._spread(terms)))

    def _spread(self, terms: Floats) -> Floats:
        """(t,) standard deviations of (n, t) terms, or zeros for a metric that knows its gradient and so asks for no step."""
        numeric = type(self).slope is SmoothMetric.slope
        return spreads(terms) if numeric else np.zeros(terms.shape[1])

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The metric with its delta-method interval."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        value, influence = self.influence(sample)
        design = facts.design
        method = "delta" if design.simple else "sandwich"
        interval = delta_interval(value, design.standard_error(influence), design, level, self.scale, method=method)
        doubt = self.remark(facts) or small_or_skewed(influence, facts, self.tail(sample, influence))
        effective = design.effective(influence)
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.limits(facts))


def small_or_skewed(influence: Floats, facts: Facts, parts: Floats | None = None) -> str | None:
    """Which condition of the delta method's validity region fails: enough independent units, and no few rows that decide.

    `parts` are what the tail is judged by, where the influence values themselves are not it.
    """
    design = facts.design
    units = design.groups if design.group is not None else design.kish
    fewest = FEWEST if design.group is None else FEWEST_GROUPS
    if units < fewest:
        kind = "groups" if design.group is not None else "effective rows"
        return f"{units:.3g} {kind}; the interval is known to hold from {fewest}"
    skewness = tail_weight(influence, design)
    if units < TAIL * skewness**2:
        return f"a few rows decide the value (skewness {skewness:.3g}); the interval would need {TAIL * skewness**2:,.0f} rows"
    index = tail_index(np.abs(influence if parts is None else parts))
    if index < HEAVY:
        return f"the largest rows have a heavy tail (index {index:.2g}): rows larger than any seen may decide the value"
    return None


class Loss(SmoothMetric):
    """A positive loss whose value is a mean."""

    tasks: ClassVar[tuple[str, ...]] = ("regression",)
    greater_is_better = False
    bounds = (0.0, float("inf"))
    scale = LOG

    def value(self, means: Floats) -> float:
        """The mean."""
        return float(means[0])

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Exactly 1."""
        return np.ones(1)

    def tail(self, sample: Sample, influence: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """A loss is 0 or more, so its smallest contribution stands for 0."""
        shifted: Floats = influence - influence.min()
        return shifted
