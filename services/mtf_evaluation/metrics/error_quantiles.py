"""Quantiles of the errors: what half of the rows, or nine in ten, stay below. They ask nothing of the errors' tail."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.arguments import ErrorQuantileArgs
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.regression import errors_of
from mtf_evaluation.metrics.relative import relative_errors, zeros
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.quantiles import quantile, quantile_influence, quantile_interval

BESIDE = 10.0
"""Rows needed on the thinner side of the quantile, so that the order statistics around it lie close enough to be told."""
BESIDE_PAIRED = 30.0
"""Rows needed on the thinner side for a paired comparison, which needs the density at the quantile."""
SAME = 1e-12
TIES = 0.02
"""Share of rows tied at the quantile above which it has no density to compare by."""
VALID = (
    "10 rows (or groups) on the thinner side of the quantile: 20 for the median, 100 for the 0.9 quantile; comparisons 400 rows, "
    "hardly one of them tied at the quantile, and 10 that lie on different sides of it for the two models"
)
SOURCE = "interval: order statistics with exact binomial coverage, Woodruff 1952 with weights or groups; paired: influence values with the density of McKean and Schrader 1984"


class ErrorQuantile(Metric):
    """A quantile of per-row errors."""

    tasks = ("regression",)
    greater_is_better = False
    bounds = (0.0, math.inf)
    valid_from = VALID
    of_errors: ClassVar[bool] = True
    """Needs the errors alone, so that it can be read from counted errors."""

    @abstractmethod
    def share(self) -> float:
        """Which quantile."""

    def errors(self, sample: Sample) -> Floats:
        """(n,) absolute errors."""
        return np.abs(errors_of(sample))

    def missing(self, facts: Facts) -> str | None:  # noqa: ARG002 - a hook with the same arguments for every metric
        """Why the metric is undefined for this sample, or None."""
        return None

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The quantile and its (n,) influence values; NaN where it is undefined or where ties leave it without a density."""
        facts = facts_of(sample)
        if self.missing(facts):
            return math.nan, np.zeros(facts.n)
        return quantile_influence(self.errors(sample), facts.design, self.share())

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The quantile with an interval of order statistics (Woodruff's with weights or groups)."""
        facts, share = facts_of(sample), self.share()
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        errors = self.errors(sample)
        value = quantile(errors, sample.weight, share)
        below = (errors <= value).astype(np.float64)
        effective = facts.design.effective(below - facts.design.mean(below))
        interval = quantile_interval(errors, facts.design, level, share)
        doubt = few_beside(facts.design, share, BESIDE)
        return answer(value, interval, level=level, n=facts.n, n_effective=effective, doubt=doubt, bounds=self.bounds)

    def doubt_of_difference(self, sample: Sample) -> str | None:
        """Which condition of a comparison fails on this side: enough rows beyond the quantile, and hardly any tied at it."""
        facts = facts_of(sample)
        errors = self.errors(sample)
        value = quantile(errors, sample.weight, self.share())
        tied = facts.design.mean((np.abs(errors - value) <= SAME * abs(value)).astype(np.float64))
        if tied > max(TIES, 3 / facts.n):
            return f"{tied:.0%} of the rows have exactly the error of the quantile, which leaves no density to compare by"
        return few_beside(facts.design, self.share(), BESIDE_PAIRED)


def few_beside(design: Design, share: float, needed: float) -> str | None:
    """Why too few rows lie on the thinner side of a quantile, or None."""
    units = min(design.kish, float(design.groups))
    fewest = math.ceil(round(needed / min(share, 1 - share), 6))
    if units >= fewest:
        return None
    kind = "groups" if design.group is not None and design.groups <= design.kish else "effective rows"
    return f"{units:.3g} {kind}; the interval is known to hold from {fewest}"


class MedianAbsoluteError(ErrorQuantile):
    """Median of |prediction - truth|."""

    name = "median_ae"
    summary = "Median of |prediction - truth|, in the target's unit."
    formula = "median(|prediction - truth|)"
    source = f"scikit-learn `median_absolute_error`; {SOURCE}"

    def share(self) -> float:
        """One half."""
        return 0.5


class AbsoluteErrorQuantile(ErrorQuantile):
    """A quantile of |prediction - truth|."""

    name = "ae_quantile"
    Args = ErrorQuantileArgs
    summary = "Quantile of |prediction - truth|, in the target's unit: 9 of 10 errors are at most ae_quantile(quantile=0.9)."
    formula = "quantile(|prediction - truth|, q): the smallest error at which q of the rows is reached; the mean with the next one where it is reached exactly"
    source = f"Hyndman and Fan 1996, definition 2; numpy `quantile(method='averaged_inverted_cdf')`; {SOURCE}"

    def share(self) -> float:
        """As the argument says."""
        return float(self.args.quantile)


class MedianRelativeError(MedianAbsoluteError):
    """Median of |prediction - truth| / |truth|."""

    name = "mdape"
    summary = "Median of |prediction - truth| / |truth|, as a fraction: half of the relative errors are at most this."
    formula = "median(|prediction - truth| / |truth|)"
    undefined_when = "a true value is 0"
    of_errors = False
    source = f"Hyndman and Koehler 2006; {SOURCE}"

    def errors(self, sample: Sample) -> Floats:
        """(n,) relative errors."""
        return relative_errors(sample)

    def missing(self, facts: Facts) -> str | None:
        """Undefined where a true value is 0."""
        return zeros(facts.sample)
