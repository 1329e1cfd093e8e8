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
from mtf_evaluation.metrics.cuts import Cut, Kind, cut, effective_rows, share_above
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.ranking import Ranked
from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.proportion import wilson

FEWEST = 20
"""Rows on each side of the cut, and rows that the share is of, under which the interval is shown but not trusted."""
SOURCE = "interval: Wilson's at the number of rows with the variance of the influence values, which count the moving cut"


class CutMetric(Metric):
    """A share of the rows on one side of a cut, whose place the rows themselves decide."""

    tasks = ("binary",)
    needs_scores = True
    of: ClassVar[Kind]
    """Which rows the value is a share of."""
    by: ClassVar[Kind] = "all"
    """Which rows decide the place of the cut."""

    @abstractmethod
    def cut(self, facts: Facts) -> Cut:
        """Where the cut is."""

    @abstractmethod
    def ranked(self, found: Cut) -> Ranked:
        """The share, with the influence values of the tie groups."""

    def missing(self, facts: Facts) -> str | None:
        """Why the metric is undefined for this sample, or None."""
        return one_class(facts)

    def stretch(self) -> float:
        """What the share is multiplied by."""
        return 1.0

    def most(self, facts: Facts, found: Cut) -> float:
        """The effective rows that the share can be of at most."""
        return sum(effective_rows(facts, found, self.of))

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if self.missing(facts):
            return float("nan"), np.zeros(sample.target.size)
        found = self.ranked(self.cut(facts))
        return found.value * self.stretch(), facts.ranking(1).spread(found) * self.stretch()

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """Wilson's interval at the number of rows whose variance is that of the influence values."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        place = self.cut(facts)
        found, stretch = self.ranked(place), self.stretch()
        error, effective = uncertainty(facts, facts.ranking(1), found, by_class=False)
        share, most = min(max(found.value, 0.0), 1.0), self.most(facts, place)
        rows = share * (1 - share) / error**2 if error > NOISE and 0 < share < 1 else most
        limits = wilson(share, max(min(rows, most), 1.0), level, quantile=facts.design.quantile(level))
        if facts.design.groups < 2:  # noqa: PLR2004 - a variance needs two
            limits = no_interval("all rows belong to one group")
        if limits.lower is not None and limits.upper is not None:
            limits = Interval(limits.lower * stretch, limits.upper * stretch, "wilson-influence")
        doubt = few_groups(facts.design) or self._few(facts, place)
        return answer(share * stretch, limits, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=(0.0, stretch))

    def _few(self, facts: Facts, found: Cut) -> str | None:
        fewest = min(*effective_rows(facts, found, self.by), sum(effective_rows(facts, found, self.of)))
        return f"{fewest:.3g} effective rows decide; the interval is known to hold from {FEWEST}" if fewest < FEWEST else None


class TopMetric(CutMetric):
    """A metric of the rows with the highest scores."""

    Args = ShareArgs
    valid_from = f"{FEWEST} effective rows above the cut, below it, and among the positives; {FEWEST_GROUPS} groups where rows are grouped"
    of: ClassVar[Kind] = "positive"

    def cut(self, facts: Facts) -> Cut:
        """The share of all rows lies above."""
        return cut(facts.ranking(1), "all", self.args.share)


class RecallAt(TopMetric):
    """Share of the positives among the highest scores."""

    name = "recall_at"
    summary = "Share of the positives that are among the share of rows with the highest scores; ties count by expectation."
    formula = "positives in the top share of rows / positives"
    undefined_when = "the truth has no positive row"
    source = f"cumulative gains curve, read at the share; {SOURCE}"

    def missing(self, facts: Facts) -> str | None:
        """Undefined without a positive."""
        return None if facts.truths[1] else "the truth has no positive row"

    def ranked(self, found: Cut) -> Ranked:
        """Positives above the cut."""
        return share_above(found, of="positive", by="all", share=self.args.share)

    def most(self, facts: Facts, found: Cut) -> float:
        """All rows: a cut that follows the scores of all rows can fix the recall better than the positives alone would."""
        return sum(effective_rows(facts, found, "all"))


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

    def stretch(self) -> float:
        """A gain equal to the share is a lift of 1."""
        return 1 / float(self.args.share)


class PrecisionAt(TopMetric):
    """Share of positives among the highest scores."""

    name = "precision_at"
    summary = "Share of positives among the share of rows with the highest scores; ties count by expectation."
    formula = "positives in the top share of rows / rows there"
    valid_from = f"{FEWEST} effective rows above the cut and below it; {FEWEST_GROUPS} groups where rows are grouped"
    source = f"precision at k, with k a share of the rows; {SOURCE}"
    of: ClassVar[Kind] = "all"

    def missing(self, facts: Facts) -> str | None:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Always defined: some rows stand at the top."""
        return None

    def ranked(self, found: Cut) -> Ranked:
        """Positives among the rows above the cut; a row beside the cut is positive as often as those near it are."""
        share = float(self.args.share)
        value = found.mass("positive") / found.mass("all")
        cutting = (found.above - share) * (-found.positives_near() / share) - value
        return Ranked(value, found.above / share + cutting, cutting)

    def most(self, facts: Facts, found: Cut) -> float:
        """Rows above the cut."""
        return effective_rows(facts, found, "all")[0]


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

    def ranked(self, found: Cut) -> Ranked:
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

    def ranked(self, found: Cut) -> Ranked:
        """Negatives below the cut."""
        above = share_above(found, of="negative", by="positive", share=self.args.sensitivity)
        return Ranked(1 - above.value, -above.of_positive, -above.of_negative)
