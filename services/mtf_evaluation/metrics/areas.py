"""Metrics of the order of scores: ROC AUC and average precision."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import numerals
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.ranking import Ranked, Ranking
from mtf_evaluation.metrics.steps import area, average_precision
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
AREA_VALID = (
    f"{FEWEST} rows of the rarer class in the truth (effective ones with weights), and {FEWEST_GROUPS} groups where rows are grouped"
)


def one_class(facts: Facts) -> str | None:
    """Why a metric that needs two classes in the truth is undefined, or None."""
    present = int(np.count_nonzero(facts.truths))
    return None if present > 1 else f"the truth has {'one class' if present else 'no row'}; two are needed"


def few_groups(design: Design) -> str | None:
    """Why the interval of grouped rows is not trusted, or None."""
    if design.group is None or design.groups >= FEWEST_GROUPS:
        return None
    return f"only {numerals.count(design.groups, 'group')}; the interval is known to hold from {FEWEST_GROUPS}"


def units_of(facts: Facts, positive: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[float, float]:
    """Independent units among the positives and among the negatives: groups where they are fewer than Kish's rows."""
    design = facts.design
    return (
        min(design.kish_of(positive), float(design.groups_of(positive))),
        min(design.kish_of(~positive), float(design.groups_of(~positive))),
    )


def uncertainty(facts: Facts, ranking: Ranking, found: Ranked, *, by_class: bool) -> tuple[float, float]:
    """Standard error and effective number of rows."""
    if facts.design.simple:
        return ranking.error(found, by_class=by_class), float(facts.n)
    influence = ranking.spread(found)
    return facts.design.standard_error(influence), facts.design.effective(influence)


def _every_row_is_here(facts: Facts) -> bool:
    """Whether rows count the same and stand for themselves; counted cells count the same too, and stand for many."""
    return facts.design.simple and facts.sample.weight is None


def _area(facts: Facts) -> tuple[float, float, float]:
    """The area under the ROC curve, its standard error and the effective number of rows."""
    if _every_row_is_here(facts):
        return *area(facts.steps), float(facts.n)
    ranking = facts.ranking(1)
    return ranking.area.value, *uncertainty(facts, ranking, ranking.area, by_class=True)


def _precision(facts: Facts) -> tuple[float, float, float]:
    """Average precision, its standard error and the effective number of rows."""
    if _every_row_is_here(facts):
        return *average_precision(facts.steps), float(facts.n)
    ranking = facts.ranking(1)
    return ranking.precision.value, *uncertainty(facts, ranking, ranking.precision, by_class=False)


class RocAuc(Metric):
    """Probability that a positive scores higher than a negative."""

    countable = "groups"
    name = "roc_auc"
    tasks = ("binary",)
    needs_scores = True
    formula = "P(score of a positive > score of a negative) + P(equal) / 2"
    undefined_when = "the truth has one class"
    valid_from = AREA_VALID
    source = "Hanley and McNeil 1982; scikit-learn `roc_auc_score`; interval: DeLong 1988, Newcombe 2006"
    summary = "Probability that a random positive scores higher than a random negative, ties half (Mann-Whitney)."

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The area and its (n,) influence values; NaN where the truth has one class."""
        facts = facts_of(sample)
        if one_class(facts):
            return float("nan"), np.zeros(facts.n)
        ranking = facts.ranking(1)
        return ranking.area.value, ranking.spread(ranking.area)

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """DeLong on the logit scale, Newcombe's method 5 for few rows of a class, sandwich with weights or groups."""
        facts = facts_of(sample)
        reason = one_class(facts)
        if reason:
            return undefined(reason, facts.n)
        value, error, effective = _area(facts)
        doubt = few_groups(facts.design)
        if facts.rarer < FEWEST:
            doubt = f"the rarer class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST}"
        interval = self._interval(facts, value, error, level)
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds)

    def _interval(self, facts: Facts, area: float, error: float, level: float) -> Interval:
        design = facts.design
        if design.groups < 2:  # noqa: PLR2004 - a variance needs two
            return no_interval("all rows belong to one group")
        crowded = min(area, 1 - area) * facts.rarer >= FEWEST_MISRANKED
        if crowded and error > NOISE and (facts.rarer >= MANY or not design.simple):
            name = "delong" if design.simple else "sandwich"
            return delta_interval(area, error, design, level, LOGIT, method=name, student=False)
        return newcombe(area, *units_of(facts, facts.sample.target == 1), level, quantile=design.quantile(level))


class Gini(RocAuc):
    """The area under the ROC curve between -1 and 1."""

    name = "gini"
    bounds = (-1.0, 1.0)
    summary = "2 * ROC AUC - 1 (Somers' D of score and truth, the accuracy ratio): 0 for a guess, 1 for a perfect order."
    formula = "2 * AUC - 1"
    source = "Somers 1962; scikit-learn `roc_auc_score`; interval: that of the area, stretched"

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """Twice the area's, around twice its value less 1."""
        area, influence = super().influence(sample)
        return 2 * area - 1, 2 * influence

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The area's answer, stretched from 0..1 to -1..1."""
        found = RocAuc().measured(sample, level)
        stretched = {part: None if (x := getattr(found, part)) is None else 2 * x - 1 for part in ("value", "lower", "upper")}
        return found.model_copy(update=stretched)


class AveragePrecision(Metric):
    """Mean precision at the positives."""

    countable = "groups"
    name = "average_precision"
    tasks = ("binary",)
    needs_scores = True
    formula = "sum over thresholds of (recall - recall at the next higher threshold) * precision"
    undefined_when = "the truth has one class"
    valid_from = f"{FEWEST_POSITIVES} positive rows (effective ones with weights), and {FEWEST_GROUPS} groups where rows are grouped"
    source = "scikit-learn `average_precision_score`; interval: influence values on the logit scale"
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
        reason = one_class(facts)
        if reason:
            return undefined(reason, facts.n)
        value, error, effective = _precision(facts)
        positives = units_of(facts, facts.sample.target == 1)[0]
        crowded = min(value, 1 - value) * positives >= FEWEST_MISRANKED
        interval = logit_or_edge(value, error if crowded else 0.0, facts.design, positives, level)
        doubt = few_groups(facts.design)
        if positives < FEWEST_POSITIVES:
            doubt = f"{positives:.3g} effective positives; the interval is known to hold from {FEWEST_POSITIVES}"
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds)


class MeanArea(Metric):
    """A mean of areas over the classes, or the pairs of classes, that the truth contains."""

    tasks = ("multiclass",)
    needs_scores = True
    undefined_when = "the truth has one class"
    valid_from = AREA_VALID.replace("rarer", "rarest")

    @abstractmethod
    def mean(self, facts: Facts) -> tuple[float, Floats]:
        """The mean and its (n,) influence values for a truth of two or more classes."""

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The mean and its (n,) influence values; NaN where the truth has one class."""
        facts = facts_of(sample)
        if one_class(facts):
            return float("nan"), np.zeros(sample.target.size)
        return self.mean(facts)

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """Influence values on the logit scale; Newcombe's method for the rarest class where the order is perfect."""
        facts = facts_of(sample)
        reason = one_class(facts)
        if reason:
            return undefined(reason, facts.n)
        value, influence = self.mean(facts)
        design = facts.design
        return self.concluded(facts, value, design.standard_error(influence), design.effective(influence), level)

    def concluded(self, facts: Facts, value: float, error: float, effective: float, level: float) -> MetricValue:
        """The mean area with its interval, from its standard error and effective number of rows."""
        interval = self._interval(facts, value, error, level)
        doubt = few_groups(facts.design)
        if facts.rarer < FEWEST:
            doubt = f"the rarest class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST}"
        classes = int(np.count_nonzero(facts.truths))
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds, n_classes=classes)

    def _interval(self, facts: Facts, value: float, error: float, level: float) -> Interval:
        design = facts.design
        ranked = min(max(facts.rarer, 1.0) * np.count_nonzero(facts.truths), max(design.kish / 2, 1.0))
        if design.group is None and min(value, 1 - value) * ranked < FEWEST_MISRANKED:
            # As if each class had been ranked with as few rows as the rarest: wide, but the few misranked rows tell no better.
            return newcombe(min(max(value, 0.0), 1.0), ranked, max(design.kish - ranked, 1.0), level)
        return logit_or_edge(value, error, design, max(facts.rarer, 1.0), level)


class RocAucOvr(MeanArea):
    """Mean over the classes of the area of one class against the rest."""

    name = "roc_auc_ovr"
    version = 2
    formula = "mean over classes of the AUC of the class against the rest"
    source = "scikit-learn `roc_auc_score` with multi_class='ovr'; interval: DeLong's influence values on the logit scale"
    summary = "Mean over the declared classes of the ROC AUC of one class against the rest, where it is defined."

    def mean(self, facts: Facts) -> tuple[float, Floats]:
        """The mean area and its (n,) influence values."""
        present = [int(code) for code in np.flatnonzero(facts.truths)]
        total = np.zeros(facts.sample.target.size)
        value = 0.0
        for code in present:
            ranking = facts.ranking(code)
            total += ranking.spread(ranking.area)
            value += ranking.area.value / len(present)
        return value, total / len(present)


def logit_or_edge(value: float, error: float, design: Design, units: float, level: float) -> Interval:
    """Influence values on the logit scale; at the boundary, where they all vanish, Wilson's limit of a share of `units` rows."""
    if design.groups < 2:  # noqa: PLR2004 - a variance needs two
        return no_interval("all rows belong to one group")
    if error > NOISE and LOGIT.inside(value):
        name = "influence" if design.simple else "sandwich"
        return delta_interval(value, error, design, level, LOGIT, method=name, student=False)
    share = min(max(value, 0.0), 1.0)
    limits = wilson(share, max(units, 1.0), level, quantile=design.quantile(level))
    return Interval(limits.lower, limits.upper, "wilson-edge")
