"""The area under the first part of the ROC curve."""

from __future__ import annotations

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.arguments import MaxFprArgs
from mtf_evaluation.metrics.areas import FEWEST_GROUPS, FEWEST_MISRANKED, few_groups, logit_or_edge, one_class, uncertainty, units_of
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.ranking import Ranked, Ranking

FEWEST = 20
"""Positives, and negatives among the first part, under which the interval is shown but not trusted."""


def partial(ranking: Ranking, most: float) -> Ranked:
    """Area under the ROC curve up to a false positive rate `most`, not standardised, with influence values.

    A positive contributes the part of the range that lies right of it, a negative how far the curve still rises right of it; in a tie
    group the curve is a straight line, which is the mean over the orders of its rows.
    """
    (own_p, own_n), (all_p, all_n) = ranking.own, ranking.totals
    wide, high = own_n[::-1] / all_n, own_p[::-1] / all_p
    left, low = np.cumsum(wide) - wide, np.cumsum(high) - high
    inside = np.divide(most - left, wide, out=(left <= most).astype(np.float64), where=wide > 0)
    np.clip(inside, 0.0, 1.0, out=inside)
    of_positive = inside * (most - left) - inside * inside * wide / 2
    top = float(high @ inside)
    of_negative = inside * (top - low) - inside * inside * high / 2
    area = float(high @ of_positive)
    whole = all_p + all_n
    return Ranked(area, ((of_positive - area) * (whole / all_p))[::-1], ((most * top - area - of_negative) * (whole / all_n))[::-1])


class PartialAuc(Metric):
    """Area under the ROC curve where false alarms are few."""

    countable = "groups"
    name = "partial_auc"
    Args = MaxFprArgs
    tasks = ("binary",)
    needs_scores = True
    summary = "Area under the ROC curve up to a false positive rate, standardised so that a guess is 0.5 and a perfect order 1 (McClish)."
    formula = "(1 + (area up to max_fpr - max_fpr^2 / 2) / (max_fpr - max_fpr^2 / 2)) / 2"
    undefined_when = "the truth has one class"
    valid_from = (
        f"{FEWEST} effective positives, {FEWEST} effective negatives within the false positive rate, "
        f"and {FEWEST_GROUPS} groups where rows are grouped"
    )
    source = "McClish 1989; scikit-learn `roc_auc_score` with max_fpr; interval: influence values on the logit scale"

    def _ranked(self, facts: Facts) -> Ranked:
        most = float(self.args.max_fpr)
        found = partial(facts.ranking(1), most)
        guess = most * most / 2
        stretch = 0.5 / (most - guess)
        return Ranked(0.5 + (found.value - guess) * stretch, found.of_positive * stretch, found.of_negative * stretch)

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The area and its (n,) influence values; NaN where the truth has one class."""
        facts = facts_of(sample)
        if one_class(facts):
            return float("nan"), np.zeros(sample.target.size)
        found = self._ranked(facts)
        return found.value, facts.ranking(1).spread(found)

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """Influence values on the logit scale; Wilson's limit where hardly a row is out of order."""
        facts = facts_of(sample)
        reason = one_class(facts)
        if reason:
            return undefined(reason, facts.n)
        found = self._ranked(facts)
        error, effective = uncertainty(facts, facts.ranking(1), found, by_class=True)
        positives, negatives = units_of(facts, facts.sample.target == 1)
        crowd = min(positives, negatives * self.args.max_fpr)
        crowded = min(found.value, 1 - found.value) * crowd >= FEWEST_MISRANKED
        interval = logit_or_edge(found.value, error if crowded else 0.0, facts.design, crowd, level)
        doubt = few_groups(facts.design)
        if crowd < FEWEST:
            doubt = f"{crowd:.3g} effective rows of a class within the false positive rate; the interval is known to hold from {FEWEST}"
        return answer(found.value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds)
