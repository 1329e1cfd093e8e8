"""How good probabilities are: log loss, the Brier score and its skill, Spiegelhalter's test of calibration."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.areas import one_class
from mtf_evaluation.metrics.base import Floats, Metric, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.rows import FEWEST, HEAVY, TAIL, Loss, SmoothMetric
from mtf_evaluation.statistics.scales import COMPLEMENT

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are clipped to [eps, 1 - eps] in float64, as scikit-learn does; the count of clipped rows is told."""

FEWEST_POSITIVES = 30
"""Rows of the rarer class from which the interval of the skill is trusted."""
ENOUGH_EVENTS = 5.0
"""Sum of p (1 - p) from which the sum of the deviations is near normal."""
LOSS_VALID = (
    f"{FEWEST} rows (effective ones with weights; groups where rows are grouped), at least {TAIL:g} rows for each squared skewness of the "
    f"rows' contributions, and a tail index of at least {HEAVY}: a few confident mistakes make the interval unreliable"
)
DELTA = "interval: delta method with Student's t on the log scale"


class _ProbabilityLoss(Loss):
    tasks = ("binary", "multiclass")
    needs_scores = True
    undefined_when = "the scores are no probabilities"
    valid_from = LOSS_VALID

    def missing(self, facts: Facts) -> str | None:
        """Undefined for scores that are no probabilities."""
        return facts.not_probabilities


class LogLoss(_ProbabilityLoss):
    """Mean negative logarithm of the probability of the true class."""

    name = "log_loss"
    formula = "mean(-ln(p)), with p the probability of the true class"
    source = f"scikit-learn `log_loss`; {DELTA}"
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
    formula = "mean((p - y)^2) for two classes, mean(sum over classes of (p - y)^2) for more, with y 1 for the true class and 0 else"
    source = f"Brier 1950; scikit-learn `brier_score_loss`; {DELTA}"
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


class BrierSkill(SmoothMetric):
    """How much better the probabilities are than the share of positives alone."""

    name = "brier_skill"
    tasks = ("binary",)
    needs_scores = True
    bounds = (-math.inf, 1.0)
    scale = COMPLEMENT
    summary = "1 - Brier score / Brier score of the constant share of positives: 0 for knowing the share alone, 1 for certainty."
    formula = "1 - mean((p - y)^2) / (share of positives * (1 - share of positives))"
    undefined_when = "the scores are no probabilities, or the truth has one class"
    valid_from = f"{FEWEST_POSITIVES} rows of the rarer class in the truth, and {LOSS_VALID}"
    source = "Murphy 1973; scikit-learn `d2_brier_score`; interval: delta method with Student's t on the scale ln(1 - skill)"

    def missing(self, facts: Facts) -> str | None:
        """Undefined for scores that are no probabilities, and for one class."""
        return facts.not_probabilities or one_class(facts)

    def terms(self, sample: Sample) -> Floats:
        """(n, 2) squared error and truth."""
        positive = (sample.target == 1).astype(np.float64)
        return np.stack([(facts_of(sample).scores[:, 1] - positive) ** 2, positive]).T

    def value(self, means: Floats) -> float:
        """1 - a / (b (1 - b)); NaN where the truth has one class."""
        chance = float(means[1] * (1 - means[1]))
        return 1 - float(means[0]) / chance if chance > 0 else math.nan

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The derivative of the above."""
        chance = means[1] * (1 - means[1])
        return np.array([-1 / chance, means[0] * (1 - 2 * means[1]) / chance**2])

    def remark(self, facts: Facts) -> str | None:
        """Too few rows of a class leave the reference itself uncertain."""
        if facts.rarer < FEWEST_POSITIVES:
            return f"the rarer class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST_POSITIVES}"
        return None


class SpiegelhalterZ(Metric):
    """A test of calibration."""

    name = "spiegelhalter_z"
    tasks = ("binary",)
    needs_scores = True
    greater_is_better = None
    has_interval = False
    bounds = (-math.inf, math.inf)
    summary = (
        "Spiegelhalter's statistic: standard normal if every probability is right, so that beyond 1.96 the model is not calibrated (5 %)."
    )
    formula = "sum w (y - p) (1 - 2 p) / sqrt(sum w^2 (1 - 2 p)^2 p (1 - p))"
    undefined_when = "the scores are no probabilities, every probability is 0, 0.5 or 1, or rows depend on each other in groups"
    valid_from = (
        f"none, because it is a test statistic; its band holds from {ENOUGH_EVENTS:g} rows expected to be uncertain (sum of p (1 - p))"
    )
    source = "Spiegelhalter 1986"

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The statistic, and the band in which it lies if the model is calibrated."""
        facts = facts_of(sample)
        reason = facts.not_probabilities or (
            "rows of a group depend on each other, which the test does not allow" if sample.group is not None else None
        )
        if reason:
            return undefined(reason, facts.n)
        p, weight = facts.scores[:, 1], 1.0 if sample.weight is None else sample.weight
        lean = weight * (1 - 2 * p)
        variance = float(np.sum(lean**2 * p * (1 - p)))
        if not variance > 0:
            return undefined("every probability is 0, 0.5 or 1, so that none leans to a side", facts.n)
        events = float(facts.design.kish * facts.design.mean(p * (1 - p)))
        doubt = (
            f"the probabilities leave {events:.3g} rows uncertain; the band holds from {ENOUGH_EVENTS:g}"
            if events < ENOUGH_EVENTS
            else None
        )
        z = float(special.ndtri(0.5 + level / 2))
        return MetricValue(
            value=float(np.sum(lean * ((sample.target == 1) - p))) / math.sqrt(variance),
            n=facts.n,
            n_effective=facts.design.kish,
            reliable=doubt is None,
            reason=doubt,
            null_band=(-z, z),
        )
