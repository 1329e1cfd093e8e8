"""Metrics of the order of scores: ROC AUC and average precision."""

from __future__ import annotations

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.ranking import Ranked, Ranking
from mtf_evaluation.statistics.area import newcombe
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.influence import NOISE, delta_interval
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.proportion import wilson
from mtf_evaluation.statistics.scales import LOGIT

MANY = 100
"""Rows of the rarer class from which DeLong's interval is used; below, Newcombe's covers better."""
FEWEST_MISRANKED = 2.0
"""Rows of the rarer class times the distance of the area from 0 or 1; below it the few misranked rows show too little variance."""
FEWEST = 10
"""Rows of the rarer class under which Newcombe's interval is shown but not trusted."""
FEWEST_POSITIVES = 100
"""Positives from which the interval of average precision is trusted."""
FEWEST_GROUPS = 10


def _one_class(facts: Facts) -> str | None:
    present = int(np.count_nonzero(facts.truths))
    return None if present > 1 else f"the truth has {'one class' if present else 'no row'}; two are needed"


def _few_groups(design: Design) -> str | None:
    if design.group is None or design.groups >= FEWEST_GROUPS:
        return None
    return f"only {design.groups} groups; the interval is known to hold from {FEWEST_GROUPS}"


def _units(facts: Facts, positive: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[float, float]:
    """Independent units among the positives and among the negatives: groups where they are fewer than Kish's rows."""
    design = facts.design
    return (
        min(design.kish_of(positive), float(design.groups_of(positive))),
        min(design.kish_of(~positive), float(design.groups_of(~positive))),
    )


def _uncertainty(facts: Facts, ranking: Ranking, found: Ranked, *, by_class: bool) -> tuple[float, float]:
    """Standard error and effective number of rows."""
    if facts.design.simple:
        return ranking.error(found, by_class=by_class), float(facts.n)
    influence = ranking.spread(found)
    return facts.design.standard_error(influence), facts.design.effective(influence)


class RocAuc(Metric):
    """Probability that a positive scores higher than a negative."""

    name = "roc_auc"
    tasks = ("binary",)
    needs_scores = True
    summary = "Probability that a random positive scores higher than a random negative, ties half (Mann-Whitney)."

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The area and its (n,) influence values; NaN where the truth has one class."""
        facts = facts_of(sample)
        if _one_class(facts):
            return float("nan"), np.zeros(facts.n)
        ranking = facts.ranking(1)
        return ranking.area.value, ranking.spread(ranking.area)

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """DeLong on the logit scale, Newcombe's method 5 for few rows of a class, sandwich with weights or groups."""
        facts = facts_of(sample)
        reason = _one_class(facts)
        if reason:
            return undefined(reason, facts.n)
        ranking = facts.ranking(1)
        area = ranking.area.value
        error, effective = _uncertainty(facts, ranking, ranking.area, by_class=True)
        doubt = _few_groups(facts.design)
        if facts.rarer < FEWEST:
            doubt = f"the rarer class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST}"
        interval = self._interval(facts, area, error, level)
        return answer(area, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds)

    def _interval(self, facts: Facts, area: float, error: float, level: float) -> Interval:
        design = facts.design
        if design.groups < 2:  # noqa: PLR2004 - a variance needs two
            return no_interval("all rows belong to one group")
        crowded = min(area, 1 - area) * facts.rarer >= FEWEST_MISRANKED
        if crowded and error > NOISE and (facts.rarer >= MANY or not design.simple):
            name = "delong" if design.simple else "sandwich"
            return delta_interval(area, error, design, level, LOGIT, method=name, student=False)
        return newcombe(area, *_units(facts, facts.sample.target == 1), level, quantile=design.quantile(level))


class AveragePrecision(Metric):
    """Mean precision at the positives."""

    name = "average_precision"
    tasks = ("binary",)
    needs_scores = True
    summary = "Mean of precision over the positives in order of score (the step form, not the trapezoid)."

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values; NaN without a positive."""
        facts = facts_of(sample)
        if facts.truths[1] == 0:
            return float("nan"), np.zeros(facts.n)
        ranking = facts.ranking(1)
        return ranking.precision.value, ranking.spread(ranking.precision)

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """Influence values on the logit scale; Wilson's limit for the positives where the order is perfect."""
        facts = facts_of(sample)
        reason = _one_class(facts)
        if reason:
            return undefined(reason, facts.n)
        ranking = facts.ranking(1)
        value = ranking.precision.value
        error, effective = _uncertainty(facts, ranking, ranking.precision, by_class=False)
        positives = _units(facts, facts.sample.target == 1)[0]
        crowded = min(value, 1 - value) * positives >= FEWEST_MISRANKED
        interval = _logit_or_edge(value, error if crowded else 0.0, facts.design, positives, level)
        doubt = _few_groups(facts.design)
        if positives < FEWEST_POSITIVES:
            doubt = f"{positives:.3g} effective positives; the interval is known to hold from {FEWEST_POSITIVES}"
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds)


class RocAucOvr(Metric):
    """Mean over the classes of the area of one class against the rest."""

    name = "roc_auc_ovr"
    tasks = ("multiclass",)
    needs_scores = True
    summary = "Mean over the declared classes of the ROC AUC of one class against the rest, where it is defined."

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The mean area and its (n,) influence values; NaN where the truth has one class."""
        facts = facts_of(sample)
        if _one_class(facts):
            return float("nan"), np.zeros(facts.n)
        present = [int(code) for code in np.flatnonzero(facts.truths)]
        total = np.zeros(facts.n)
        for code in present:
            ranking = facts.ranking(code)
            total += ranking.spread(ranking.area)
        return float(np.mean([facts.ranking(code).area.value for code in present])), total / len(present)

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """Influence values on the logit scale; Newcombe's method for the rarest class where the order is perfect."""
        facts = facts_of(sample)
        reason = _one_class(facts)
        if reason:
            return undefined(reason, facts.n)
        value, influence = self.influence(sample)
        design = facts.design
        return self.concluded(facts, value, design.standard_error(influence), design.effective(influence), level)

    def concluded(self, facts: Facts, value: float, error: float, effective: float, level: float) -> MetricValue:
        """The mean area with its interval, from its standard error and effective number of rows."""
        interval = self._interval(facts, value, error, level)
        doubt = _few_groups(facts.design)
        if facts.rarer < FEWEST:
            doubt = f"the rarest class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST}"
        classes = int(np.count_nonzero(facts.truths))
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds, n_classes=classes)

    def _interval(self, facts: Facts, value: float, error: float, level: float) -> Interval:
        design = facts.design
        if design.group is None and min(value, 1 - value) * facts.rarer < FEWEST_MISRANKED:
            # As if the rarest class alone had been ranked: wide, but the few misranked rows tell no better.
            rarer = max(facts.rarer, 1.0)
            return newcombe(min(max(value, 0.0), 1.0), rarer, max(design.kish - rarer, 1.0), level)
        return _logit_or_edge(value, error, design, max(facts.rarer, 1.0), level)


def _logit_or_edge(value: float, error: float, design: Design, units: float, level: float) -> Interval:
    """Influence values on the logit scale; at the boundary, where they all vanish, Wilson's limit of a share of `units` rows."""
    if design.groups < 2:  # noqa: PLR2004 - a variance needs two
        return no_interval("all rows belong to one group")
    if error > NOISE and LOGIT.inside(value):
        name = "influence" if design.simple else "sandwich"
        return delta_interval(value, error, design, level, LOGIT, method=name, student=False)
    share = min(max(value, 0.0), 1.0)
    limits = wilson(share, max(units, 1.0), level, quantile=design.quantile(level))
    return Interval(limits.lower, limits.upper, "wilson-edge")
