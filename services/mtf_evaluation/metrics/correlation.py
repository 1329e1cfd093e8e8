"""How closely the predictions follow the truth: linearly, in order, and on the diagonal."""

from __future__ import annotations

import math

import numpy as np

from mtf.plugins import Sample
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.influences import InfluenceMetric
from mtf_evaluation.metrics.regression import VALID, errors_of
from mtf_evaluation.metrics.rows import SmoothMetric
from mtf_evaluation.statistics.ranks import Ranks
from mtf_evaluation.statistics.scales import ATANH


def constant(facts: Facts) -> str | None:
    """Why there is no correlation: one side does not vary."""
    for what, values in (("true", facts.sample.target), ("predicted", facts.sample.prediction)):
        if not values.min() < values.max():
            return f"the {what} value is the same in every row"
    return None


def _moments(sample: Sample) -> tuple[Floats, ...]:
    """(n,) prediction and truth less a centre near each, their squares and their product."""
    facts = facts_of(sample)
    x, y = sample.prediction - facts.centre.prediction, sample.target - facts.centre.target
    return x, y, x * x, y * y, x * y


class Pearson(SmoothMetric):
    """Linear correlation of prediction and truth."""

    name = "pearson"
    tasks = ("regression",)
    bounds = (-1.0, 1.0)
    scale = ATANH
    summary = "Pearson's linear correlation of prediction and truth; blind to a constant bias and to scale."
    formula = "cov(prediction, truth) / sqrt(var(prediction) var(truth))"
    undefined_when = "the true or the predicted value is the same in every row"
    valid_from = VALID
    source = (
        "Pearson 1896; scipy `pearsonr`; interval: delta method on Fisher's atanh scale, which does not ask for normal data (Fisher 1915)"
    )

    def missing(self, facts: Facts) -> str | None:
        """Undefined where one side does not vary."""
        return constant(facts)

    def terms(self, sample: Sample) -> Floats:
        """(n, 5) centred prediction and truth, their squares and their product."""
        return np.stack(_moments(sample)).T

    def value(self, means: Floats) -> float:
        """The covariance over the root of both variances."""
        x, y, both = _central(means)
        return float(both / (np.sqrt(x) * np.sqrt(y))) if min(x, y) > 0 else math.nan

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The derivative of the above."""
        x, y, both = _central(means)
        root = np.sqrt(x) * np.sqrt(y)
        r = both / root
        by_x, by_y, by_both = -r / (2 * x), -r / (2 * y), 1 / root
        return np.array([-2 * means[0] * by_x - means[1] * by_both, -2 * means[1] * by_y - means[0] * by_both, by_x, by_y, by_both])


def _central(means: Floats) -> tuple[np.float64, np.float64, np.float64]:
    """Variances and covariance from means, means of squares and mean of products."""
    return means[2] - means[0] ** 2, means[3] - means[1] ** 2, means[4] - means[0] * means[1]


class Concordance(SmoothMetric):
    """Lin's concordance correlation."""

    name = "concordance"
    tasks = ("regression",)
    bounds = (-1.0, 1.0)
    scale = ATANH
    summary = "Lin's concordance correlation: Pearson's, less what bias and a wrong scale cost; 1 only where every prediction is right."
    formula = "2 cov(prediction, truth) / (var(prediction) + var(truth) + (mean(prediction) - mean(truth))^2), moments with 1 / n"
    undefined_when = "every true and predicted value is the same number"
    valid_from = VALID
    source = "Lin 1989; interval: delta method on the atanh scale"

    def missing(self, facts: Facts) -> str | None:
        """Undefined where the truth does not vary and the predictions all equal it."""
        target, prediction = facts.sample.target, facts.sample.prediction
        same = target.min() == target.max() == prediction.min() == prediction.max()
        return "every true and predicted value is the same number" if same else None

    def terms(self, sample: Sample) -> Floats:
        """(n, 6) centred prediction and truth, their squares, their product, and the error."""
        return np.stack([*_moments(sample), errors_of(sample)]).T

    def value(self, means: Floats) -> float:
        """Twice the covariance over both variances and the squared bias."""
        x, y, both = _central(means)
        return float(2 * both / (x + y + means[5] ** 2))

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The derivative of the above."""
        x, y, both = _central(means)
        whole = x + y + means[5] ** 2
        by_var, by_both = -2 * both / whole**2, 2 / whole
        by_x, by_y = (-2 * means[i] * by_var - means[1 - i] * by_both for i in (0, 1))
        return np.array([by_x, by_y, by_var, by_var, by_both, 2 * means[5] * by_var])


class Spearman(InfluenceMetric):
    """Correlation of the ranks."""

    name = "spearman"
    tasks = ("regression",)
    bounds = (-1.0, 1.0)
    scale = ATANH
    summary = "Spearman's rank correlation of prediction and truth, ties by midranks; it asks only for the right order."
    formula = "the linear correlation of the midranks of prediction and truth"
    undefined_when = "the true or the predicted value is the same in every row"
    valid_from = VALID
    source = (
        "Spearman 1904; scipy `spearmanr`; interval: influence values (Croux and Dehon 2010) on the atanh scale, centred after Moran 1948"
    )

    def missing(self, facts: Facts) -> str | None:
        """Undefined where one side does not vary."""
        return constant(facts)

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The correlation and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if constant(facts):
            return math.nan, np.zeros(facts.n)
        design = facts.design
        x, y = Ranks(sample.target, sample.weight), Ranks(sample.prediction, sample.weight)
        both, of_x, of_y = (design.mean(part) for part in (x.centred * y.centred, x.centred**2, y.centred**2))
        # A row moves a product by its own term and by the ranks of the rows above it; likewise the two variances.
        product = x.centred * y.centred + x.above(y.centred) + y.above(x.centred)
        first, second = (one.centred**2 + 2 * one.above(one.centred) for one in (x, y))
        root = math.sqrt(of_x * of_y)
        value = both / root
        raw = product / root - value / 2 * (first / of_x + second / of_y)
        return value, np.asarray(raw - design.mean(raw), dtype=np.float64)

    def centre(self, value: float, units: float) -> float:
        """The value less its bias, 3 (tau - rho) / (n + 1) (Moran 1948), which near 1 is larger than the standard error.

        Kendall's tau is taken from the value as for normal numbers.
        """
        linear = min(max(2 * math.sin(math.pi / 6 * value), -1.0), 1.0)
        tau = 2 / math.pi * math.asin(linear)
        moved = value + 3 * (value - tau) / (units + 1)
        # The correction never passes half of the way to a perfect correlation.
        return min(max(moved, (value - 1) / 2), (value + 1) / 2)
