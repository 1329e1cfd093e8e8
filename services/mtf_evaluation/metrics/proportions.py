"""A share of rows, read from the confusion matrix, with Wilson's interval."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import numerals
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.interval import no_interval
from mtf_evaluation.statistics.proportion import wilson

FEWEST = 10
"""Rows under which Wilson's interval is shown but not trusted: its coverage stays near the level from here on."""
FEWEST_GROUPS = 10
VALID = f"{FEWEST} rows that count (effective ones with weights), and {FEWEST_GROUPS} groups where rows are grouped"
WILSON = "interval: Wilson 1927 (Brown, Cai and DasGupta 2001)"


class Proportion(Metric):
    """The share of `hit` cells among `base` cells of the confusion matrix."""

    base_is_truth: ClassVar[bool]
    """Whether the truth alone decides which rows count, so that two models are compared on the same ones."""
    what: ClassVar[str]
    """The rows that count, in words."""
    valid_from = VALID

    @abstractmethod
    def hit(self, k: int) -> NDArray[np.bool_]:
        """(k, k) cells that count as a hit."""

    @abstractmethod
    def base(self, k: int) -> NDArray[np.bool_]:
        """(k, k) cells that count at all."""

    def terms(self, sample: Sample) -> Floats:
        """(n, 2) hit and base of each row."""
        facts = facts_of(sample)
        k = facts.classes
        return np.stack([self.hit(k).ravel()[facts.cells], self.base(k).ravel()[facts.cells]], axis=1).astype(np.float64)

    def value(self, means: Floats) -> float:
        """Hits per counted row; NaN where none counts."""
        return float(means[0] / means[1]) if means[1] > 0 else float("nan")

    def in_base(self, sample: Sample) -> NDArray[np.bool_]:
        """(n,) rows that count."""
        facts = facts_of(sample)
        return np.asarray(self.base(facts.classes).ravel()[facts.cells])

    def hits(self, sample: Sample) -> NDArray[np.bool_]:
        """(n,) rows that are a hit."""
        facts = facts_of(sample)
        return np.asarray(self.hit(facts.classes).ravel()[facts.cells])

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The share and its (n,) influence values; the value is NaN where no row counts."""
        facts = facts_of(sample)
        k = facts.classes
        share, weight = self._share(facts)
        if np.isnan(share):
            return share, np.zeros(facts.n)
        per_cell = (self.hit(k) - share * self.base(k)) * (facts.design.total / weight)
        return share, np.asarray(per_cell.ravel()[facts.cells])

    def _share(self, facts: Facts) -> tuple[float, float]:
        """The share and the weight of the rows that count."""
        k = facts.classes
        weight = float(facts.matrix[self.base(k)].sum())
        return (float(facts.matrix[self.hit(k)].sum()) / weight if weight > 0 else float("nan")), weight

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The share with Wilson's interval; groups and weights enter through the effective number of rows."""
        facts = facts_of(sample)
        n = int(facts.rows[self.base(facts.classes)].sum())
        share, _ = self._share(facts)
        if n == 0:
            return undefined(f"there is no row among {self.what}", n)
        if facts.design.simple:
            doubt = (
                f"only {numerals.count(n, 'row')} among {self.what}; the interval is known to hold from {FEWEST}" if n < FEWEST else None
            )
            return answer(share, wilson(share, n, level), level=level, n=n, n_effective=float(n), doubt=doubt)
        return self._with_design(sample, share, n, level)

    def _with_design(self, sample: Sample, share: float, n: int, level: float) -> MetricValue:
        design, counted = facts_of(sample).design, self.in_base(sample)
        if design.group is None:
            return weighted_share((share, self.influence(sample)[1]), design, counted, level=level, n=n)
        return clustered_share((share, self.influence(sample)[1]), design, counted, level=level, n=n)


def weighted_share(found: tuple[float, Floats], design: Design, counted: NDArray[np.bool_], *, level: float, n: int) -> MetricValue:
    """A share of independent weighted rows, from its value and its (n,) influence values: Wilson's interval at the number of equal rows.

    Where weights go with the outcome, as when hard rows were sampled rarely, Kish's number of rows is too large by far; the variance of the
    weighted share tells the right one.
    """
    share = found[0]
    rows = _effective_rows(design, found, counted, n)
    doubt = f"the weights leave {rows:.3g} effective rows; {FEWEST} are needed" if rows < FEWEST else None
    return answer(share, wilson(share, rows, level), level=level, n=n, n_effective=rows, doubt=doubt)


def clustered_share(found: tuple[float, Floats], design: Design, counted: NDArray[np.bool_], *, level: float, n: int) -> MetricValue:
    """A share of rows in groups, from its value and its (n,) influence values: Wilson's interval at the number of independent rows."""
    share = found[0]
    groups = design.groups_of(counted)
    if groups < 2:  # noqa: PLR2004 - a variance needs two
        return answer(share, no_interval("all rows belong to one group"), level=level, n=n, n_effective=1.0)
    rows = _effective_rows(design, found, counted, n)
    limits = wilson(share, rows, level, quantile=design.quantile(level), method="wilson-cluster")
    doubt = (
        f"only {numerals.count(groups, 'group')}; the interval is known to hold from {FEWEST_GROUPS}" if groups < FEWEST_GROUPS else None
    )
    return answer(share, limits, level=level, n=n, n_effective=rows, doubt=doubt)


def _effective_rows(design: Design, found: tuple[float, Floats], counted: NDArray[np.bool_], n: int) -> float:
    """The number of independent, equal rows that have this variance: p (1 - p) / se^2, at most the n rows that count.

    At a share of 0 or 1 the rows show no variance; Kish's number, or each group as one row, then errs on the safe side.
    """
    share, influence = found
    error = design.standard_error(influence)
    if not error > 0:
        return float(min(design.groups_of(counted), design.kish_of(counted)))
    return float(np.clip(share * (1 - share) / error**2, 1.0, n))


class Accuracy(Proportion):
    """Share of rows whose label is right."""

    name = "accuracy"
    tasks = ("binary", "multiclass")
    summary = "Share of rows whose predicted label is the true one."
    formula = "right rows / rows"
    source = f"scikit-learn `accuracy_score`; {WILSON}"
    base_is_truth = True
    what = "the rows"

    def hit(self, k: int) -> NDArray[np.bool_]:
        """The diagonal."""
        return np.eye(k, dtype=np.bool_)

    def base(self, k: int) -> NDArray[np.bool_]:
        """Everything."""
        return np.ones((k, k), dtype=np.bool_)
