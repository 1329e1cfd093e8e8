"""Metrics at one place of the ranked rows: the top tenth, or the threshold with a wanted specificity or sensitivity."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.arguments import SensitivityArgs, ShareArgs, SpecificityArgs
from mtf_evaluation.metrics.areas import FEWEST_GROUPS, few_groups, one_class, uncertainty
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.cuts import Cut, Kind, Placed, cut, effective_rows, precision_above, share_above, total
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.ranking import Ranked, Ranking
from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.proportion import wilson

FEWEST = 20
"""Rows on each side of the cut, and rows that the share is of, under which the interval is shown but not trusted."""
UNCOUNTABLE = "`k` is given, and the rows have weights or are no more than `k`"
SOURCE = "interval: Wilson's for the share and for the place of the cut, combined after Zou and Donner 2008"


class CutMetric(Metric):
    """A share of the rows on one side of a cut, whose place the rows themselves decide."""

    countable = "rows"
    tasks = ("binary",)
    needs_scores = True
    of: ClassVar[Kind]
    """Which rows the value is a share of; `all` are those above the cut."""
    by: ClassVar[Kind] = "all"
    """Which rows decide the place of the cut."""

    @abstractmethod
    def cut(self, facts: Facts) -> Cut:
        """Where the cut is."""

    @abstractmethod
    def placed(self, found: Cut) -> Placed:
        """The share and how it varies."""

    def missing(self, facts: Facts) -> str | None:
        """Why the metric is undefined for this sample, or None."""
        return one_class(facts)

    def stretch(self, facts: Facts) -> float:  # noqa: ARG002 - a hook with the same arguments for every metric
        """What the share is multiplied by."""
        return 1.0

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if self.missing(facts):
            return float("nan"), np.zeros(sample.target.size)
        found, stretch = self.placed(self.cut(facts)), self.stretch(facts)
        return found.value * stretch, facts.ranking(1).spread(found.whole) * stretch

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The interval of the rows above a fixed cut, and that of the cut, put together."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        place, stretch = self.cut(facts), self.stretch(facts)
        found = self.placed(place)
        limits = _limits(facts, found, sum(effective_rows(facts, place, self.of)[: 1 if self.of == "all" else 2]), level)
        if limits.lower is not None and limits.upper is not None:
            limits = Interval(limits.lower * stretch, limits.upper * stretch, limits.method)
        doubt = few_groups(facts.design) or self._few(facts, place)
        effective = facts.design.kish if facts.design.group is None else facts.design.effective(facts.ranking(1).spread(found.whole))
        value, bounds = min(max(found.value, 0.0), 1.0) * stretch, (0.0, stretch)
        return answer(value, limits, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=bounds)

    def _few(self, facts: Facts, found: Cut) -> str | None:
        fewest = min(*effective_rows(facts, found, self.by), sum(effective_rows(facts, found, self.of)))
        return f"{fewest:.3g} effective rows decide; the interval is known to hold from {FEWEST}" if fewest < FEWEST else None


class TopMetric(CutMetric):
    """A metric of the rows with the highest scores."""

    Args = ShareArgs
    valid_from = f"{FEWEST} effective rows above the cut, below it, and among the positives; {FEWEST_GROUPS} groups where rows are grouped"
    of: ClassVar[Kind] = "positive"

    def share(self, ranking: Ranking) -> float:
        """The share of the rows that lies above; a number of rows is counted on these ones."""
        return float(self.args.share if self.args.k is None else self.args.k / total(ranking, "all"))

    def missing(self, facts: Facts) -> str | None:
        """Undefined for a number of rows that cannot be counted."""
        k = self.args.k
        if k is not None and abs(facts.design.kish - facts.n) > NOISE * facts.n:
            return "rows with weights stand for more than themselves, so that `k` cannot count them; give a `share`"
        return f"k is {k:,} and there are {facts.n:,} rows" if k is not None and k >= facts.n else None

    def cut(self, facts: Facts) -> Cut:
        """The share of all rows lies above."""
        return cut(facts.ranking(1), "all", self.share(facts.ranking(1)))


class RecallAt(TopMetric):
    """Share of the positives among the highest scores."""

    name = "recall_at"
    summary = "Share of the positives that are among the share of rows with the highest scores; ties count by expectation."
    formula = "positives in the top share of rows / positives"
    undefined_when = f"the truth has no positive row; {UNCOUNTABLE}"
    source = f"cumulative gains curve, read at the share; {SOURCE}"

    def missing(self, facts: Facts) -> str | None:
        """Undefined without a positive."""
        return super().missing(facts) if facts.truths[1] else "the truth has no positive row"

    def placed(self, found: Cut) -> Placed:
        """Positives above the cut."""
        return share_above(found, of="positive", by="all", share=self.share(found.ranking))


class Gain(RecallAt):
    """The gains curve at a share."""

    name = "gain"
    summary = "Height of the cumulative gains curve: the share of the positives among the share of rows with the highest scores."


class Lift(RecallAt):
    """How many times more positives the highest scores hold than a random choice."""

    name = "lift"
    bounds = (0.0, math.inf)
    summary = "Share of positives among the share of rows with the highest scores, divided by the share of positives among all rows."
    formula = "(positives in the top share of rows / rows there) / (positives / rows)"
    source = f"lift curve, read at the share; {SOURCE}"

    def stretch(self, facts: Facts) -> float:
        """A gain equal to the share is a lift of 1."""
        return 1 / self.share(facts.ranking(1))


class PrecisionAt(TopMetric):
    """Share of positives among the highest scores."""

    name = "precision_at"
    summary = "Share of positives among the share of rows with the highest scores; ties count by expectation."
    formula = "positives in the top share of rows / rows there"
    valid_from = f"{FEWEST} effective rows above the cut and below it; {FEWEST_GROUPS} groups where rows are grouped"
    undefined_when = UNCOUNTABLE
    source = f"precision at k, with k a share of the rows or a number of them; {SOURCE}"
    of: ClassVar[Kind] = "all"

    def placed(self, found: Cut) -> Placed:
        """Positives among the rows above the cut."""
        return precision_above(found, self.share(found.ranking))


class SensitivityAt(CutMetric):
    """Sensitivity at the threshold with a wanted specificity."""

    name = "sensitivity_at"
    Args = SpecificityArgs
    of, by = "positive", "negative"
    summary = "Share of the positives above the lowest threshold that leaves the wanted share of the negatives below it."
    formula = "height of the ROC curve at a false positive rate of 1 - specificity"
    undefined_when = "the truth has one class"
    valid_from = f"{FEWEST} effective positives and {FEWEST} effective negatives on each side of the threshold; {FEWEST_GROUPS} groups where rows are grouped"
    source = f"Pepe 2003; {SOURCE}"

    def cut(self, facts: Facts) -> Cut:
        """The wanted share of the negatives lies below."""
        return cut(facts.ranking(1), "negative", 1 - self.args.specificity, furthest=True)

    def placed(self, found: Cut) -> Placed:
        """Positives above the cut."""
        return share_above(found, of="positive", by="negative", share=1 - self.args.specificity)


class SpecificityAt(CutMetric):
    """Specificity at the threshold with a wanted sensitivity."""

    name = "specificity_at"
    Args = SensitivityArgs
    of, by = "negative", "positive"
    summary = "Share of the negatives below the highest threshold that leaves the wanted share of the positives above it."
    formula = "1 - the false positive rate at which the ROC curve reaches the sensitivity"
    undefined_when = "the truth has one class"
    valid_from = f"{FEWEST} effective negatives and {FEWEST} effective positives on each side of the threshold; {FEWEST_GROUPS} groups where rows are grouped"
    source = f"Pepe 2003; {SOURCE}"

    def cut(self, facts: Facts) -> Cut:
        """The wanted share of the positives lies above."""
        return cut(facts.ranking(1), "positive", self.args.sensitivity)

    def placed(self, found: Cut) -> Placed:
        """Negatives below the cut."""
        above = share_above(found, of="negative", by="positive", share=self.args.sensitivity)
        moved = Ranked(1 - above.value, -above.moved.of_positive, -above.moved.of_negative)
        return Placed(1 - above.value, moved, above.axis, -above.slope, lambda at: 1 - above.along(at))


def _limits(facts: Facts, found: Placed, units: float, level: float) -> Interval:
    """Zou and Donner's combination (2008) of the limits of two parts: the distances of each from the value add up like standard errors.

    The value at a fixed threshold has Wilson's interval. The threshold itself is known up to Wilson's interval of the share that decides it;
    read along the curve, that interval keeps the bend of the curve, which a straight line through the cut would lose.
    """
    if facts.design.groups < 2:  # noqa: PLR2004 - a variance needs two
        return no_interval("all rows belong to one group")
    ranking, q = facts.ranking(1), facts.design.quantile(level)
    value, share = min(max(found.value, 0.0), 1.0), found.axis.value
    error = uncertainty(facts, ranking, found.moved, by_class=False)[0]
    of_axis = uncertainty(facts, ranking, found.axis, by_class=False)[0]
    own = wilson(value, _rows(value, error, units), level, quantile=q)
    place = wilson(share, _rows(share, of_axis, facts.design.kish), level, quantile=q)
    both = Ranked(0.0, found.moved.of_positive - found.axis.of_positive, found.moved.of_negative - found.axis.of_negative)
    together = uncertainty(facts, ranking, both, by_class=False)[0]
    linked = (together**2 - error**2 - of_axis**2) / (2 * error * of_axis) if error > NOISE and of_axis > NOISE else 0.0
    if own.lower is None or own.upper is None or place.lower is None or place.upper is None:
        return no_interval()
    ends = found.along(place.lower), found.along(place.upper)
    rising = 1.0 if found.slope >= 0 else -1.0
    linked = float(np.clip(rising * linked, -1.0, 1.0))
    down = _together(value - own.lower, value - min(*ends, value), linked)
    up = _together(own.upper - value, max(*ends, value) - value, linked)
    return Interval(max(value - down, 0.0), min(value + up, 1.0), "mover-wilson")


def _rows(share: float, error: float, units: float) -> float:
    """Independent rows with this standard error; `units` of them where the rows show no variance."""
    if not (error > NOISE and 0 < share < 1):
        return max(units, 1.0)
    return max(min(share * (1 - share) / error**2, units), 1.0)


def _together(one: float, other: float, linked: float) -> float:
    return math.sqrt(max(one * one + other * other + 2 * linked * one * other, 0.0))
