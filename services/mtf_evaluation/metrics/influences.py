"""Metrics that know their own influence values: the delta method follows, for one model and for the difference of two."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.rows import small_or_skewed
from mtf_evaluation.statistics.influence import delta_interval
from mtf_evaluation.statistics.scales import IDENTITY, Scale


class InfluenceMetric(Metric):
    """A metric with its own influence values, which need every row at once."""

    scale: ClassVar[Scale] = IDENTITY

    @abstractmethod
    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values, whose weighted mean is 0; NaN where it is undefined."""

    def missing(self, facts: Facts) -> str | None:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Why the metric is undefined for this sample, or None."""
        return None

    def remark(self, facts: Facts) -> str | None:  # noqa: ARG002 - a hook with the same arguments for every metric
        """What makes the value doubtful besides the validity region of the method, or None."""
        return None

    def centre(self, value: float, units: float) -> float:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Where the interval is centred, of `units` independent rows: the value, less a known bias."""
        return value

    def tail(self, sample: Sample) -> Floats | None:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(n,) numbers by whose largest the tail is judged; None for the influence values themselves."""
        return None

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The metric with its delta-method interval."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        value, influence = self.influence(sample)
        if not np.isfinite(value):
            return undefined("the value is too large for a 64-bit number", facts.n)
        value = min(max(value, self.bounds[0]), self.bounds[1])
        design = facts.design
        method = "delta" if design.simple else "sandwich"
        # The bias is known for independent rows; groups have their own, which is small beside their larger error.
        centre = self.centre(value, design.kish) if design.group is None else value
        interval = delta_interval(centre, design.standard_error(influence), design, level, self.scale, method=method)
        doubt = self.remark(facts) or small_or_skewed(influence, facts, self.tail(sample))
        return answer(value, interval, level=level, n=facts.n, n_effective=design.effective(influence), doubt=doubt, bounds=self.bounds)
