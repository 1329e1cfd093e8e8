"""How good probabilities are: log loss and the Brier score."""

from __future__ import annotations

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.rows import Loss

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are clipped to [eps, 1 - eps] in float64, as scikit-learn does; the count of clipped rows is told."""


class _ProbabilityLoss(Loss):
    tasks = ("binary", "multiclass")
    needs_scores = True

    def missing(self, facts: Facts) -> str | None:
        """Undefined for scores that are no probabilities."""
        return facts.not_probabilities


class LogLoss(_ProbabilityLoss):
    """Mean negative logarithm of the probability of the true class."""

    name = "log_loss"
    summary = "Mean of -ln(probability of the true class), probabilities clipped at 2.2e-16 in float64."

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) loss per row."""
        probability = facts_of(sample).truth_probability
        return np.asarray(-np.log(np.clip(probability, SMALLEST, 1 - SMALLEST)))[:, None]

    def remark(self, facts: Facts) -> str | None:
        """Rows with probability 0 for the truth have an infinite loss; the clip decides their part."""
        clipped = int(np.count_nonzero(facts.truth_probability < SMALLEST))
        if not clipped:
            return None
        return f"{clipped} rows gave their true class a probability of 0, an infinite loss; each was clipped to {-np.log(SMALLEST):.4g}"


class Brier(_ProbabilityLoss):
    """Mean squared error of the probabilities."""

    name = "brier"
    bounds = (0.0, 2.0)
    summary = "Mean squared distance of the probabilities from the truth; halved for two classes (scikit-learn's scale_by_half='auto')."

    def limits(self, facts: Facts) -> tuple[float, float]:
        """At most 1 for two classes, 2 for more."""
        return (0.0, 1.0 if facts.classes == 2 else 2.0)  # noqa: PLR2004 - two classes

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) squared distance per row: (1 - p)^2 for two classes, the sum over classes for more."""
        facts = facts_of(sample)
        if facts.classes == 2:  # noqa: PLR2004 - two classes
            return np.asarray((facts.scores[:, 1] - (sample.target == 1)) ** 2)[:, None]
        squares = np.einsum("ij,ij->i", facts.scores, facts.scores)
        return np.asarray(squares - 2 * facts.truth_probability + 1)[:, None]
