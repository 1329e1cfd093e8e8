"""Deviances of counts and positive numbers, pinball loss, and the share of each that the model explains (D squared)."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import BaseModel

from mtf.plugins import Sample
from mtf_evaluation.arguments import NoArgs, QuantileArgs, TweedieArgs
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.error_quantiles import few_beside
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.influences import InfluenceMetric
from mtf_evaluation.metrics.regression import VALID
from mtf_evaluation.metrics.rows import Loss, SmoothMetric
from mtf_evaluation.statistics.quantiles import quantile
from mtf_evaluation.statistics.scales import COMPLEMENT
from mtf_evaluation.statistics.tweedie import deviance_slope, outside, unit_deviance

BEYOND = 20.0
"""Rows needed on the thinner side of a predicted quantile."""
FAR = f"{BEYOND:g} rows (or groups) on the thinner side of the quantile (40 for the median, 200 for the 0.9 quantile), and {VALID}"
_RANGES = (
    "a predicted value is 0 or less (but for power 0), a true value is below 0 (power 1 to 2) or 0 or less (power 2 and more): "
    "the family does not have such values"
)


class TweedieDeviance(Loss):
    """Mean deviance of the Tweedie family."""

    name = "tweedie_deviance"
    Args: ClassVar[type[BaseModel]] = TweedieArgs
    summary = "Mean deviance of the Tweedie family: between Poisson (power=1) and gamma (power=2) for sums of claims and other numbers with zeros."
    formula = (
        "mean(2 (y^(2-p) / ((1-p)(2-p)) - y m^(1-p) / (1-p) + m^(2-p) / (2-p))), y truth, m prediction, p power; limits at p = 1 and p = 2"
    )
    undefined_when = _RANGES
    valid_from = VALID
    source = "Jorgensen 1987; scikit-learn `mean_tweedie_deviance`; interval: delta method with Student's t on the log scale"

    def power(self) -> float:
        """The family's power of the mean that its variance grows with."""
        return float(self.args.power)

    def missing(self, facts: Facts) -> str | None:
        """Undefined where a value lies outside the family's range."""
        return outside(facts.sample.target, facts.sample.prediction, self.power())

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) deviance of each row."""
        return unit_deviance(sample.target, sample.prediction, self.power())[:, None]


class PoissonDeviance(TweedieDeviance):
    """Mean Poisson deviance."""

    name = "poisson_deviance"
    Args = NoArgs
    summary = "Mean Poisson deviance: the loss of predicted rates of counts."
    formula = "mean(2 (y log(y / m) - y + m)), y truth, m prediction; y log(y) is 0 at y = 0"
    undefined_when = "a true value is below 0 or a predicted value is 0 or less"
    source = "McCullagh and Nelder 1989; scikit-learn `mean_poisson_deviance`; interval: delta method with Student's t on the log scale"

    def power(self) -> float:
        """Poisson: the variance is the mean."""
        return 1.0


class GammaDeviance(TweedieDeviance):
    """Mean gamma deviance."""

    name = "gamma_deviance"
    Args = NoArgs
    summary = "Mean gamma deviance: a loss of positive numbers that depends on the ratio of prediction and truth only."
    formula = "mean(2 (log(m / y) + y / m - 1)), y truth, m prediction"
    undefined_when = "a true or a predicted value is 0 or less"
    source = "McCullagh and Nelder 1989; scikit-learn `mean_gamma_deviance`; interval: delta method with Student's t on the log scale"

    def power(self) -> float:
        """Gamma: the variance is the mean squared."""
        return 2.0


def pinball(truth: Floats, prediction: Floats | float, share: float) -> Floats:
    """(n,) pinball loss of each row: share times what is missing, 1 - share times what is too much."""
    short = truth - prediction
    return np.asarray(np.maximum(share * short, (share - 1) * short), dtype=np.float64)


class PinballLoss(Loss):
    """Mean pinball loss of a predicted quantile."""

    name = "pinball"
    Args = QuantileArgs
    summary = "Mean pinball loss of a predicted quantile, in the target's unit; at quantile=0.5 half of mae."
    formula = "mean(max(q (y - m), (q - 1) (y - m))), y truth, m prediction, q quantile"
    valid_from = FAR
    source = "Koenker and Bassett 1978; scikit-learn `mean_pinball_loss`; interval: delta method with Student's t on the log scale"

    def terms(self, sample: Sample) -> Floats:
        """(n, 1) pinball loss of each row."""
        return pinball(sample.target, sample.prediction, self.args.quantile)[:, None]

    def remark(self, facts: Facts) -> str | None:
        """The rows beyond a far quantile are few, and count most."""
        return few_beside(facts.design, self.args.quantile, BEYOND)


class D2Tweedie(SmoothMetric):
    """Share of the Tweedie deviance that the model explains."""

    name = "d2_tweedie"
    Args = TweedieArgs
    tasks = ("regression",)
    bounds = (-math.inf, 1.0)
    scale = COMPLEMENT
    summary = "1 - Tweedie deviance / deviance of the mean of the truth; power=0 is r2, power=1 Poisson, power=2 gamma."
    formula = "1 - tweedie_deviance(truth, prediction) / tweedie_deviance(truth, mean(truth))"
    undefined_when = f"the true value is the same in every row, or {_RANGES}"
    valid_from = VALID
    source = "Hastie, Tibshirani and Wainwright 2015; scikit-learn `d2_tweedie_score`; interval: delta method on the scale log(1 - d2)"

    def missing(self, facts: Facts) -> str | None:
        """Undefined outside of the family's range and where the truth does not vary."""
        target, power = facts.sample.target, self.args.power
        wrong = outside(target, facts.sample.prediction, power)
        if wrong is None and power < 0 and facts.design.mean(target) <= 0:
            return "the mean of the truth is 0 or less, where this deviance is not defined"
        return wrong or (None if target.min() < target.max() else "the true value is the same in every row")

    def terms(self, sample: Sample) -> Floats:
        """(n, 4) deviance from the prediction, deviance from a centre, truth, and the centre.

        A deviance from any centre is the deviance from the mean plus that of the mean from the centre, so that no row needs to know the mean.
        """
        power = self.args.power
        centre = facts_of(sample).centre.target
        middle = np.full_like(sample.target, centre if centre > 0 or power == 0 else 1.0)
        model, none = unit_deviance(sample.target, sample.prediction, power), unit_deviance(sample.target, middle, power)
        return np.stack([model, none, sample.target, middle]).T

    def value(self, means: Floats) -> float:
        """1 - a / (b - deviance of the mean from the centre)."""
        return float(1 - means[0] / self._none(means))

    def slope(self, means: Floats, spread: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """(-1 / d, a / d^2) and, for the mean, what its own deviance takes away; the centre is a constant."""
        none = self._none(means)
        back = means[0] / none**2
        return np.array([-1 / none, back, -back * deviance_slope(float(means[2]), float(means[3]), self.args.power), 0.0])

    def _none(self, means: Floats) -> float:
        """Deviance of the best constant, the mean."""
        return float(means[1] - unit_deviance(means[2:3], means[3:4], self.args.power)[0])

    def tail(self, sample: Sample, influence: Floats) -> Floats:  # noqa: ARG002 - a hook with the same arguments for every metric
        """The model's own deviances, whose tail the truth's variation would hide."""
        return unit_deviance(sample.target, sample.prediction, self.args.power)


class D2Pinball(InfluenceMetric):
    """Share of the pinball loss that the model explains."""

    name = "d2_pinball"
    Args: ClassVar[type[BaseModel]] = QuantileArgs
    tasks = ("regression",)
    bounds = (-math.inf, 1.0)
    scale = COMPLEMENT
    summary = "1 - pinball loss / pinball loss of the truth's own quantile."
    formula = "1 - pinball(truth, prediction) / pinball(truth, quantile of the truth)"
    undefined_when = "the true value is the same in every row"
    valid_from = FAR
    source = "Koenker and Machado 1999; scikit-learn `d2_pinball_score`; interval: delta method on the scale log(1 - d2)"

    def share(self) -> float:
        """The predicted quantile."""
        return float(self.args.quantile)

    def missing(self, facts: Facts) -> str | None:
        """Undefined where the truth does not vary."""
        target = facts.sample.target
        return None if target.min() < target.max() else "the true value is the same in every row"

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """1 - a / b and its (n,) influence values.

        The quantile minimises its own loss, so that its uncertainty has no first-order effect: rows count through the two losses alone.
        """
        facts, share = facts_of(sample), self.share()
        if self.missing(facts):
            return math.nan, np.zeros(facts.n)
        model = self.tail(sample)
        none = pinball(sample.target, quantile(sample.target, sample.weight, share), share)
        a, b = facts.design.mean(model), facts.design.mean(none)
        return 1 - a / b, np.asarray(a / b * ((none - b) / b) - (model - a) / b, dtype=np.float64)

    def remark(self, facts: Facts) -> str | None:
        """The rows beyond a far quantile are few, and count most."""
        return few_beside(facts.design, self.share(), BEYOND)

    def tail(self, sample: Sample) -> Floats:
        """The model's own losses, whose tail the truth's variation would hide."""
        return pinball(sample.target, sample.prediction, self.share())


class D2Absolute(D2Pinball):
    """Share of the absolute error that the model explains."""

    name = "d2_absolute"
    Args = NoArgs
    summary = "1 - mean absolute error / mean absolute error of the truth's median."
    formula = "1 - mae(truth, prediction) / mae(truth, median(truth))"
    source = "Koenker and Machado 1999; scikit-learn `d2_absolute_error_score`; interval: delta method on the scale log(1 - d2)"

    def share(self) -> float:
        """The median."""
        return 0.5
