"""What several metrics need of the same rows, computed once and on first use."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.ranking import Ranking
from mtf_evaluation.metrics.steps import Steps, steps
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.matrix import dirichlet
from mtf_evaluation.statistics.sums import BLOCK

Floats = NDArray[np.float64]
KEY = "facts"
RANKINGS = 1
"""Classes whose ranking is held at once."""
_ROWS = ("target", "prediction", "scores", "weight", "group")
SUM_TOLERANCE = 1e-3
"""How far a row's probabilities may be from 1 together: what three printed digits leave."""


class Centre(NamedTuple):
    """A number near the targets and one near the predictions, which need not lie in the same place."""

    target: float
    prediction: float


class Facts:
    """Shared intermediate results of one sample. Rows of weight 0 must have been removed."""

    def __init__(self, sample: Sample, seed: int = 0) -> None:
        self.sample = sample
        self.seed = seed
        self._rankings: dict[int, Ranking] = {}
        self.parts: dict[int, Sample] = {}
        """One class against the rest, by the class's code."""
        self.cutoffs: dict[int, object] = {}
        """What plots read of a ranking, by the class's code."""
        self.probable = False
        """Whether the scores are known to be probabilities, because those of a larger sample were seen to be."""

    @cached_property
    def n(self) -> int:
        """Rows."""
        return int(self.sample.target.size)

    @cached_property
    def design(self) -> Design:
        """Weights and groups."""
        return Design(self.n, self.sample.weight, self.sample.group)

    @cached_property
    def centre(self) -> Centre:
        """Numbers near the targets and the predictions that terms are centred by, so that squares keep their digits; no metric depends on them."""
        return Centre(self.design.mean(self.sample.target), self.design.mean(self.sample.prediction))

    @cached_property
    def classes(self) -> int:
        """Declared classes."""
        return max(len(self.sample.labels), 2)

    @cached_property
    def cells(self) -> NDArray[np.intp]:
        """(n,) cell of the confusion matrix that a row falls into: truth * classes + prediction."""
        return np.asarray(self.sample.target * np.intp(self.classes) + self.sample.prediction, dtype=np.intp)

    @cached_property
    def rows(self) -> Floats:
        """(k, k) number of rows per cell; rows are the truth, columns the prediction."""
        k = self.classes
        if k == 2:  # noqa: PLR2004 - of two classes counts are enough
            target, prediction = self.sample.target, self.sample.prediction
            both = np.count_nonzero(target & prediction)
            missed, wrong = np.count_nonzero(target) - both, np.count_nonzero(prediction) - both
            return np.array([[self.n - both - missed - wrong, wrong], [missed, both]], dtype=np.float64)
        return np.bincount(self.cells, minlength=k * k).reshape(k, k).astype(np.float64)

    @cached_property
    def matrix(self) -> Floats:
        """(k, k) weight per cell; the number of rows without weights."""
        if self.sample.weight is None:
            return self.rows
        k = self.classes
        return np.bincount(self.cells, weights=self.sample.weight, minlength=k * k).reshape(k, k).astype(np.float64, copy=False)

    @cached_property
    def observed(self) -> NDArray[np.bool_]:
        """(k,) which classes appear in the truth or in the predictions; of two, both could have."""
        if self.classes == 2:  # noqa: PLR2004 - two classes
            return np.ones(2, dtype=np.bool_)
        return np.asarray(self.rows.sum(axis=0) + self.rows.sum(axis=1) > 0)

    @cached_property
    def draws(self) -> Floats | None:
        """(o, o, d) draws of the confusion matrix of the o observed classes; None where the matrix is too large.

        The seed alone decides them, so that a metric's interval does not depend on which others were asked for.
        """
        seen = self.observed
        return dirichlet(self.rows[np.ix_(seen, seen)], self.seed)

    @cached_property
    def truths(self) -> Floats:
        """(k,) number of rows per class of the truth."""
        return np.asarray(self.rows.sum(axis=1))

    @cached_property
    def rarer(self) -> float:
        """Kish's effective number of rows of the rarest class that was observed in the truth."""
        if self.sample.weight is None:
            counts = self.truths[self.truths > 0]
        else:
            counts = np.array([self.design.kish_of(self.sample.target == code) for code in np.flatnonzero(self.truths)])
        return float(counts.min()) if counts.size > 1 else 0.0

    def ranking(self, code: int = 1) -> Ranking:
        """The rows in order of the score of class `code`, against all other classes."""
        if code not in self._rankings:
            # Of many classes each is looked at in its turn; all of them would take 70 bytes a row and class.
            if len(self._rankings) >= RANKINGS:
                self._rankings.pop(next(iter(self._rankings)), None)
            scores = self.scores[:, code]
            self._rankings[code] = Ranking(np.ascontiguousarray(scores), self.sample.target == code, self.sample.weight)
        return self._rankings[code]

    @cached_property
    def steps(self) -> Steps:
        """The ranking of the positive class, of equally weighted rows with both classes, as the areas read it."""
        return steps(self.ranking(1))

    @property
    def scores(self) -> Floats:
        """(n, k) scores; only for metrics whose `needs_scores` was checked."""
        if self.sample.scores is None:
            raise ValueError("the sample has no scores")
        return self.sample.scores

    @cached_property
    def not_probabilities(self) -> str | None:
        """Why the scores cannot be read as probabilities, or None."""
        if self.probable:
            return None
        scores = self.scores
        low, high = float(scores.min()), float(scores.max())
        if low < 0 or high > 1:
            return f"the scores range from {low:.4g} to {high:.4g}: they are not probabilities"
        worst = max(_off(scores[start : start + BLOCK]) for start in range(0, len(scores), BLOCK))
        if worst > SUM_TOLERANCE:
            return f"the probabilities of a row do not sum to 1: the worst row is off by {worst:.3g}"
        return None

    @cached_property
    def truth_probability(self) -> Floats:
        """(n,) probability that the model gave to the true class."""
        if self.classes == 2:  # noqa: PLR2004 - two columns: a choice is faster than an index
            return np.where(self.sample.target == 1, self.scores[:, 1], self.scores[:, 0])
        return np.take_along_axis(self.scores, self.sample.target[:, None].astype(np.intp), axis=1)[:, 0]


def _off(scores: Floats) -> float:
    """How far the (n, k) probabilities of a row are from 1 together, at most."""
    sums = scores[:, 0] + scores[:, 1] if scores.shape[1] == 2 else scores.sum(axis=1)  # noqa: PLR2004 - faster for two columns
    sums -= 1
    return float(np.abs(sums, out=sums).max())


def facts_of(sample: Sample) -> Facts:
    """The facts that travel with a sample, or fresh ones."""
    found = sample.extra.get(KEY)
    return found if isinstance(found, Facts) and found.sample.target is sample.target else Facts(sample)


def with_facts(sample: Sample, seed: int) -> Sample:
    """A sample that carries its facts, so that metrics and plots share them. One that carries its own of this seed is returned as it is."""
    found = sample.extra.get(KEY)
    if isinstance(found, Facts) and found.seed == seed and all(getattr(found.sample, name) is getattr(sample, name) for name in _ROWS):
        return sample
    bare = {key: value for key, value in sample.extra.items() if key != KEY}
    return replace(sample, extra={**bare, KEY: Facts(sample, seed)})
