"""Cells as a sample: one row for each cell, counted as often as rows fell into it, so that every metric reads them as it reads rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import KEY, Facts
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.streams.cells import Cells

Floats = NDArray[np.float64]


class CountedDesign(Design):
    """The design of n rows of which only the sums per cell are left.

    A cell's rows share one influence value psi, so that the variance is the sum of psi^2 times the sum of squared weights.
    """

    def __init__(self, cells: Cells, *, weighted: bool) -> None:
        super().__init__(cells.total, cells.weight)
        self._cells, self._weighted = cells, weighted

    @property
    def simple(self) -> bool:
        """Whether the rows, not the cells, count the same."""
        return not self._weighted

    @cached_property
    def kish(self) -> float:
        """(sum w)^2 / sum w^2 over rows."""
        return self.kish_of(None)

    def kish_of(self, mask: NDArray[np.bool_] | None) -> float:
        """Kish's effective number of the rows of the cells in `mask`."""
        weight, squares = self._cells.weight, self._cells.squares
        if mask is not None:
            weight, squares = weight[mask], squares[mask]
        below = float(squares.sum())
        return float(weight.sum()) ** 2 / below if below > 0 else 0.0

    def groups_of(self, mask: NDArray[np.bool_]) -> int:
        """Rows of the cells in `mask`."""
        return int(self._cells.rows[mask].sum())

    def standard_error(self, influence: Floats) -> float:
        """sqrt(n / (n - 1) sum over rows of (w psi)^2) / sum w."""
        if self.n < 2:  # noqa: PLR2004 - a variance needs two
            return float("nan")
        return float(np.sqrt(self.n / (self.n - 1) * float(self._cells.squares @ (influence * influence)))) / self.total


@dataclass(frozen=True)
class Clusters:
    """What is known of the groups of the rows behind the cells."""

    groups: int
    """Groups that have a row."""
    error: float
    """Standard error of the one estimate that is asked for; NaN where it has no influence values."""
    effect: float = 1.0
    """The same as a multiple of the standard error for independent rows."""
    pairs: NDArray[np.uint8] | None = None
    """(g,) which pairs of truth and prediction each group has, as bits."""
    bins: int = 1
    """Cells of each pair."""


class ClusteredDesign(CountedDesign):
    """The design of rows in groups, whose sums of influence values the second pass has added up."""

    def __init__(self, cells: Cells, clusters: Clusters, *, weighted: bool) -> None:
        super().__init__(cells, weighted=weighted)
        self._clusters = clusters

    @property
    def simple(self) -> bool:
        """Never: rows of a group depend on each other."""
        return False

    @cached_property
    def group(self) -> NDArray[np.intp] | None:
        """Groups belong to rows, which are not here; that there are some is what methods ask."""
        return np.zeros(0, dtype=np.intp)

    @cached_property
    def groups(self) -> int:
        """Groups that have a row."""
        return self._clusters.groups

    def groups_of(self, mask: NDArray[np.bool_]) -> int:
        """Groups that have a row in the cells of `mask`, which are told by truth and prediction."""
        if self._clusters.pairs is None:
            return self.groups
        bits = np.bitwise_or.reduce(1 << np.unique(self._cells.keys[mask] // self._clusters.bins), initial=0)
        return int(np.count_nonzero(self._clusters.pairs & np.uint8(bits)))

    def standard_error(self, influence: Floats) -> float:
        """That of independent rows times the effect of the groups, which is the same for any multiple of the influence values."""
        return super().standard_error(influence) * self._clusters.effect

    def effective(self, influence: Floats) -> float:
        """Kish's number divided by the design effect of the groups."""
        clustered, alone = self.standard_error(influence), super().standard_error(influence)
        if not 0 < clustered < np.inf or not alone < np.inf:
            return float(min(self.groups, self.kish))
        return float(min(max(self.kish * (alone / clustered) ** 2, 1.0), self.n))


class CountedFacts(Facts):
    """Facts of the rows behind the cells."""

    def __init__(self, sample: Sample, cells: Cells, seed: int, *, weighted: bool, clusters: Clusters | None = None) -> None:
        super().__init__(sample, seed)
        self._cells, self._weighted, self._clusters = cells, weighted, clusters

    @cached_property
    def n(self) -> int:
        """Rows, not cells."""
        return self._cells.total

    @cached_property
    def design(self) -> Design:
        """Weights and groups of the rows."""
        if self._clusters is not None:
            return ClusteredDesign(self._cells, self._clusters, weighted=self._weighted)
        return CountedDesign(self._cells, weighted=self._weighted)

    @cached_property
    def rows(self) -> Floats:
        """(k, k) number of rows per cell of the confusion matrix."""
        k = self.classes
        return np.bincount(self.cells, weights=self._cells.rows, minlength=k * k).reshape(k, k).astype(np.float64, copy=False)

    @cached_property
    def rarer(self) -> float:
        """Kish's effective number of rows of the rarest class that was observed in the truth."""
        counts = [self.design.kish_of(self.sample.target == code) for code in np.flatnonzero(self.truths)]
        return float(min(counts)) if len(counts) > 1 else 0.0


class WitnessFacts(CountedFacts):
    """Facts of all rows for metrics that ask conditions of them: counts of the confusion matrix, and the rows at the ends of every range.

    Args:
        witness: The rows at the ends; a binary sample where `code` says which class of several it is about.
        cells: All rows as cells, which tell their number and weights.
        seed: Of draws.
        weighted: Whether rows have sampling weights.
        clusters: Groups, where there are some.
        confusion: Facts of all rows by truth and prediction; None for numbers.
        code: The class that `witness` sets against the rest.
    """

    def __init__(
        self,
        witness: Sample,
        cells: Cells,
        seed: int,
        *,
        weighted: bool,
        clusters: Clusters | None,
        confusion: Facts | None,
        code: int | None,
    ) -> None:
        super().__init__(witness, cells, seed, weighted=weighted, clusters=clusters)
        self._confusion, self._code = confusion, code

    @cached_property
    def rows(self) -> Floats:
        """(k, k) number of rows."""
        return super().rows if self._confusion is None else self._of_class(self._confusion.rows)

    @cached_property
    def matrix(self) -> Floats:
        """(k, k) weight."""
        return super().matrix if self._confusion is None else self._of_class(self._confusion.matrix)

    @cached_property
    def rarer(self) -> float:
        """Kish's effective number of rows of the rarest class that was observed in the truth."""
        if self._confusion is None or self._code is None:
            return super().rarer if self._confusion is None else self._confusion.rarer
        positive = self._confusion.sample.target == self._code
        counts = [self._confusion.design.kish_of(mask) for mask in (positive, ~positive) if mask.any()]
        return float(min(counts)) if len(counts) > 1 else 0.0

    def _of_class(self, matrix: Floats) -> Floats:
        """The matrix of one class against the rest."""
        if self._code is None:
            return matrix
        other = np.delete(np.arange(len(matrix)), self._code)
        both, missed, wrong = matrix[self._code, self._code], matrix[self._code, other].sum(), matrix[other, self._code].sum()
        return np.array([[matrix.sum() - both - missed - wrong, wrong], [missed, both]])


def counted(sample: Sample, cells: Cells, seed: int, *, weighted: bool, clusters: Clusters | None = None) -> Sample:
    """A sample of one row per cell that carries facts about the rows behind them."""
    full = replace(sample, weight=cells.weight, group=None)
    extra: dict[str, Any] = {KEY: CountedFacts(full, cells, seed, weighted=weighted, clusters=clusters)}
    ready = replace(full, extra=extra)
    extra[KEY].sample = ready
    return ready
