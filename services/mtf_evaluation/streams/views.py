"""What metrics can see of a row: the pair of labels, one class against the rest with its binned score, the size of an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.streams.bins import Scale, Unit, inside, table
from mtf_evaluation.streams.cells import Cells
from mtf_evaluation.streams.counted import counted

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]
SAME = 1e-9
"""Variance of the place within a bin under which its rows have one score: ties, whose order nothing is lost of."""


@dataclass(frozen=True)
class Seen:
    """Rows as a view sees them: (n,) cells and, where cells are bins, the (n,) places within them."""

    keys: Keys
    inside: Floats | None


class View(Protocol):
    """From rows to cells, and back to a sample of cells."""

    @property
    def size(self) -> int:
        """Number of possible cells."""
        ...

    def see(self, sample: Sample) -> Seen:
        """The rows' cells."""
        ...

    def sample(self, cells: Cells, seed: int, *, weighted: bool) -> Sample:
        """A sample with one row per cell."""
        ...


@dataclass(frozen=True)
class Confusion:
    """The true and the predicted label."""

    task: str
    labels: tuple[object, ...]

    @property
    def k(self) -> int:
        """Classes."""
        return max(len(self.labels), 2)

    @property
    def size(self) -> int:
        """Cells of the matrix."""
        return self.k**2

    def see(self, sample: Sample) -> Seen:
        """Truth * k + prediction."""
        return Seen(sample.target.astype(np.int64) * self.k + sample.prediction, None)

    def sample(self, cells: Cells, seed: int, *, weighted: bool) -> Sample:
        """Labels without scores."""
        target, prediction = np.divmod(cells.keys, self.k)
        plain = Sample(self.task, target.astype(np.int32), prediction.astype(np.int32), labels=self.labels)
        return counted(plain, cells, seed, weighted=weighted)


@dataclass(frozen=True)
class OneLabel:
    """One class against the rest by labels alone."""

    code: int
    size: int = 4

    def see(self, sample: Sample) -> Seen:
        """Truth * 2 + prediction."""
        return Seen((sample.target == self.code).astype(np.int64) * 2 + (sample.prediction == self.code), None)

    def sample(self, cells: Cells, seed: int, *, weighted: bool) -> Sample:
        """Binary labels."""
        return Confusion("binary", (False, True)).sample(cells, seed, weighted=weighted)


@dataclass(frozen=True)
class OneClass:
    """One class against the rest: truth, prediction and the bin of the class's score."""

    code: int
    scale: Scale
    labels: tuple[object, ...]

    @property
    def size(self) -> int:
        """Truth x prediction x bins."""
        return 4 * self.scale.size

    def see(self, sample: Sample) -> Seen:
        """(truth * 2 + prediction) * bins + bin."""
        score = sample.scores[:, self.code]  # type: ignore[index]  # the plan asks for this view only where there are scores
        return _binned(self.scale, sample.target == self.code, sample.prediction == self.code, score)

    def sample(self, cells: Cells, seed: int, *, weighted: bool) -> Sample:
        """Binary rows whose score is the mean of their bin."""
        return self.scored(cells, means(cells, self.scale), seed, weighted=weighted)

    def scored(self, cells: Cells, score: Floats, seed: int, *, weighted: bool) -> Sample:
        """Binary rows with given scores."""
        pair = cells.keys // self.scale.size
        truth, prediction = (pair // 2).astype(np.int32), (pair % 2).astype(np.int32)
        plain = Sample("binary", truth, prediction, np.stack([1 - score, score], axis=1), self.labels)
        return counted(plain, cells, seed, weighted=weighted)


@dataclass(frozen=True)
class TopLabel(OneClass):
    """Several classes: whether the class with the highest score is right, and the bin of that score."""

    def see(self, sample: Sample) -> Seen:
        """(right * 2 + 1) * bins + bin."""
        scores: Floats = sample.scores  # type: ignore[assignment]  # as above
        top = scores.argmax(axis=1)
        score = np.take_along_axis(scores, top[:, None], axis=1)[:, 0]
        return _binned(self.scale, top == sample.target, np.ones(top.size, dtype=np.bool_), score)


@dataclass(frozen=True)
class Errors:
    """Regression: the error in bins of equal relative width."""

    scale: Scale

    @property
    def size(self) -> int:
        """Bins."""
        return self.scale.size

    def see(self, sample: Sample) -> Seen:
        """The bin of prediction - truth."""
        error = sample.prediction - sample.target
        bins = self.scale.of(error)
        return Seen(bins, inside(self.scale, bins, error))

    def sample(self, cells: Cells, seed: int, *, weighted: bool) -> Sample:  # noqa: ARG002 - as other views
        """Predictions of a truth of 0. Rows of a bin differ, so that only methods for weighted rows apply."""
        error = means(cells, self.scale)
        return counted(Sample("regression", np.zeros(error.size), error), cells, seed, weighted=True)


def _binned(scale: Scale, truth: NDArray[np.bool_], prediction: NDArray[np.bool_], score: Floats) -> Seen:
    bins = scale.of(score)
    return Seen((truth.astype(np.int64) * 2 + prediction) * scale.size + bins, inside(scale, bins, score))


def means(cells: Cells, scale: Scale) -> Floats:
    """(c,) mean score of each cell's bin, over all cells of that bin: rows of one bin are ties."""
    low, width = table(scale)
    bins = cells.keys % scale.size
    found: Floats = low[bins] + width[bins] * places(cells, bins)[0]
    return np.clip(found, 0.0, 1.0) if isinstance(scale, Unit) else found


def places(cells: Cells, bins: Keys) -> tuple[Floats, NDArray[np.bool_]]:
    """(c,) mean place within the bin of each cell's bin, and whether the rows of the bin differ at all."""
    _, at = np.unique(bins, return_inverse=True)
    total = np.bincount(at, weights=cells.weight)
    mean = np.bincount(at, weights=cells.inside) / total
    spread = np.bincount(at, weights=cells.inside_squared) / total - mean * mean
    return mean[at], (spread > SAME)[at]
