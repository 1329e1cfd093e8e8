"""Losses and hits by the order of a row's own scores: hinge and top-k accuracy."""

from __future__ import annotations

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import numerals
from mtf_evaluation.arguments import TopKArgs
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.probabilities import LOSS_VALID
from mtf_evaluation.metrics.proportions import FEWEST, VALID, WILSON, clustered_share, weighted_share
from mtf_evaluation.metrics.rows import Loss
from mtf_evaluation.statistics.proportion import wilson


class Hinge(Loss):
    """Mean shortfall of the margin."""

    name = "hinge"
    tasks = ("binary", "multiclass")
    needs_scores = True
    summary = "Mean of max(0, 1 - margin): the positive score with its sign for two classes, true score - best other score for more."
    formula = "mean(max(0, 1 - margin)); margin = score or -score (two classes), score of the truth - highest other score (more)"
    undefined_when = "two classes, and the scores lie between 0 and 1: a probability has no sign"
    valid_from = LOSS_VALID
    source = "Crammer and Singer 2001; scikit-learn `hinge_loss`; interval: delta method with Student's t on the log scale"

    def missing(self, facts: Facts) -> str | None:
        """Undefined for probabilities of two classes."""
        if facts.classes != 2:  # noqa: PLR2004 - two classes
            return None
        score = facts.scores[:, 1]
        return "the scores lie between 0 and 1: a probability has no sign" if score.min() >= 0 and score.max() <= 1 else None

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) shortfall per row."""
        facts = facts_of(sample)
        if facts.classes == 2:  # noqa: PLR2004 - two classes
            margin = np.where(sample.target == 1, facts.scores[:, 1], -facts.scores[:, 1])
        else:
            others = facts.scores.copy()
            np.put_along_axis(others, sample.target[:, None].astype(np.intp), -np.inf, axis=1)
            margin = facts.truth_probability - others.max(axis=1)
        return np.asarray(np.maximum(0.0, 1 - margin))[:, None]


class TopKAccuracy(Metric):
    """Share of rows whose true class is among the k highest scores."""

    name = "top_k_accuracy"
    Args = TopKArgs
    tasks = ("multiclass",)
    needs_scores = True
    summary = "Share of rows whose true class is among the k classes with the highest scores; ties count by expectation."
    formula = "rows whose true class has one of the k highest scores / rows"
    undefined_when = "k is not below the number of classes, so that every row would be right"
    valid_from = VALID
    source = f"scikit-learn `top_k_accuracy_score`; {WILSON}"

    def missing(self, facts: Facts) -> str | None:
        """Undefined where every row would be right."""
        return (
            f"k is {self.args.k} and there are {facts.classes} classes: every row would be right" if self.args.k >= facts.classes else None
        )

    def hits(self, sample: Sample) -> Floats:
        """(n,) chance that the true class is among the first k, where tied classes stand in a random order."""
        facts = facts_of(sample)
        own = facts.truth_probability[:, None]
        higher = np.count_nonzero(facts.scores > own, axis=1)
        tied = np.count_nonzero(facts.scores == own, axis=1)
        return np.asarray(np.clip((self.args.k - higher) / tied, 0.0, 1.0))

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The share and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if self.missing(facts):
            return float("nan"), np.zeros(sample.target.size)
        hits = self.hits(sample)
        share = facts.design.mean(hits)
        return share, hits - share

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The share with Wilson's interval."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        share, influence = self.influence(sample)
        if facts.design.simple:
            doubt = f"only {numerals.count(facts.n, 'row')}; the interval is known to hold from {FEWEST}" if facts.n < FEWEST else None
            return answer(share, wilson(share, facts.n, level), level=level, n=facts.n, n_effective=float(facts.n), doubt=doubt)
        everyone = np.ones(sample.target.size, dtype=np.bool_)
        if facts.design.group is None:
            return weighted_share((share, influence), facts.design, everyone, level=level, n=facts.n)
        return clustered_share((share, influence), facts.design, everyone, level=level, n=facts.n)
