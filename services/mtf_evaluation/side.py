"""One run under one metric. What several pairs need of it, its value and its influence values, is computed once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.plugins import RankMetric, RowMetric, Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.adapter import influence_of
from mtf_evaluation.metrics.areas import AveragePrecision, RocAuc, RocAucOvr
from mtf_evaluation.metrics.base import Floats, Metric
from mtf_evaluation.metrics.correlation import Pearson, Spearman
from mtf_evaluation.metrics.error_quantiles import ErrorQuantile
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest, binary
from mtf_evaluation.metrics.operating import CutMetric
from mtf_evaluation.metrics.partial_area import PartialAuc
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.metrics.regression import Bias
from mtf_evaluation.metrics.rows import FEWEST as FEWEST_MEAN
from mtf_evaluation.metrics.rows import Loss, SmoothMetric, small_or_skewed
from mtf_evaluation.statistics.area import delong_error
from mtf_evaluation.statistics.design import Design

FEWEST = 50
"""Rows of the rarest class from which the difference of two classifiers is trusted: with 40, 6.2 % of equal models were told apart."""
FEWEST_CURVED = 100
"""Rows (or groups) from which the difference of a function of means that is no mean itself is trusted: with 60, r2 told 3.3 % apart."""
SLOWER: tuple[tuple[type, int], ...] = (
    (AveragePrecision, 100), (CutMetric, 400), (PartialAuc, 400), (ErrorQuantile, 400), (Pearson, 200), (Spearman, 1000),
)  # fmt: skip
"""The same for metrics whose influence values settle later: with 200 rows of the rarer class, `specificity_at` told 7.4 % of equal models
apart, with 400 rows `spearman` told 3 %. Of classes it is rows of the rarest, of numbers rows (or groups). `python -m benchmarks.pairs_study`."""
RANKS = (RocAuc, AveragePrecision, RocAucOvr)


class Side:
    """A prepared sample and the metric by which it is compared.

    Args:
        plugin: The metric; of one class against the rest, that metric on the rows as this class and the rest.
        sample: The prepared rows.
        level: Confidence level.
    """

    def __init__(self, plugin: Any, sample: Sample, level: float) -> None:
        if isinstance(plugin, OneVsRest):
            plugin, sample = plugin.inner, binary(sample, plugin.code)
        self.plugin, self.sample, self.level = plugin, sample, level

    @property
    def facts(self) -> Facts:
        """What is known of the rows."""
        return facts_of(self.sample)

    @property
    def design(self) -> Design:
        """Weights and groups."""
        return self.facts.design

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.sample.target.size)

    @property
    def has_influence(self) -> bool:
        """Whether the metric can say how much each row adds, which every test but that of shares needs."""
        return hasattr(self.plugin, "influence") or isinstance(self.plugin, RowMetric | RankMetric)

    @property
    def student(self) -> bool:
        """Whether Student's t is the distribution: for means and what is made of them, not for ranks."""
        return not isinstance(self.plugin, RANKS)

    @cached_property
    def value(self) -> MetricValue:
        """The value alone where that is cheaper than its interval; what is undefined is left to the metric to explain."""
        found = self._found
        if found is not None and np.isfinite(found[0]):
            return MetricValue(value=found[0], n=self.rows)
        return measure.measure_one(self.plugin, self.sample, self.level)

    @property
    def influence(self) -> Floats:
        """(n,) influence values, of a metric that has them and is defined here."""
        return np.zeros(self.rows) if self._found is None else self._found[1]

    @cached_property
    def _found(self) -> tuple[float, Floats] | None:
        scores_missing = self.sample.scores is None and getattr(self.plugin, "needs_scores", False)
        if not (self.rows and self.has_influence) or scores_missing:
            return None
        if isinstance(self.plugin, Metric):
            value, influence = self.plugin.influence(self.sample)  # type: ignore[attr-defined]  # `has_influence` looked for it
            return float(value), np.asarray(influence, dtype=np.float64)
        return influence_of(self.plugin, self.sample)

    @property
    def delong(self) -> bool:
        """Whether DeLong's variance is the one: an area of independent rows that count the same."""
        return isinstance(self.plugin, RocAuc) and self.design.simple

    @property
    def parts(self) -> Floats:
        """What each independent unit, a row or a group, adds to the estimate."""
        design = self.design
        added = self.influence if design.weight is None else design.weight * self.influence
        if design.group is not None:
            added = np.bincount(design.group, weights=added, minlength=design.groups).astype(np.float64, copy=False)
        return np.asarray(added / design.total, dtype=np.float64)

    def forget(self) -> None:
        """Let go of the influence values, which are as long as the rows; the value stays."""
        _ = self.value
        self.__dict__.pop("_found", None)

    def error_of(self, influence: Floats) -> float:
        """The standard error of an estimate with these (n,) influence values."""
        if self.delong:
            return delong_error(influence, self.sample.target == 1)
        return self.design.standard_error(influence)

    def share(self) -> tuple[int, int] | None:
        """Hits and counted rows of a share of independent, equally weighted rows; None of everything else."""
        if not isinstance(self.plugin, Proportion) or not self.design.simple:
            return None
        counted = self.plugin.in_base(self.sample)
        return int(np.count_nonzero(self.plugin.hits(self.sample) & counted)), int(np.count_nonzero(counted))

    @property
    def is_mean(self) -> bool:
        """Whether the metric's validity is that of a mean of numbers; a built-in one of labels or ranks asks for rows of each class."""
        return self.sample.task == "regression" or isinstance(self.plugin, SmoothMetric) or not isinstance(self.plugin, Metric)

    def doubt(self, influence: Floats) -> str | None:
        """Why the normal approximation should not be trusted for an estimate with these influence values, or None."""
        if isinstance(self.plugin, ErrorQuantile):
            return self.plugin.doubt_of_difference(self.sample) or self.too_few
        return self.too_few or (small_or_skewed(influence, self.facts) if self.is_mean else None)

    @property
    def too_few(self) -> str | None:
        """Why the rows are too few for the difference of two such metrics, or None."""
        if not self.is_mean:
            least = self._least(FEWEST)
            rarer = self.facts.rarer
            return f"the rarest class has {rarer:.3g} effective rows; the interval is known to hold from {least}" if rarer < least else None
        units = min(self.design.kish, float(self.design.groups))
        least = self._least(FEWEST_MEAN if self.is_plain else FEWEST_CURVED)
        kind = "groups" if self.design.group is not None else "effective rows"
        return f"{units:.3g} {kind}; the interval of a difference is known to hold from {least}" if units < least else None

    def _least(self, usual: int) -> int:
        return next((rows for kind, rows in SLOWER if isinstance(self.plugin, kind)), usual)

    @property
    def is_plain(self) -> bool:
        """Whether the metric is a mean of numbers, for which Student's t serves from few rows on."""
        return isinstance(self.plugin, Bias) or (isinstance(self.plugin, Loss) and type(self.plugin).value is Loss.value)
