"""Where the interval of a difference is known to hold: what `slice - rest` needs beyond what the metric needs on each side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.one_vs_rest import OneVsRest
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.metrics.rows import SmoothMetric
from mtf_evaluation.rest.layers import Layers
from mtf_evaluation.rest.side import Floats, Rows

FEWEST_ROWS = 50
"""Effective rows of each side from which differences of means are near normal: in simulations fewer weighted ones covered 90 in 100."""
FEWEST_OF_CLASS = 30
"""Effective rows of the rarest class of each side, for areas and functions of the confusion matrix."""


class Region:
    """Effective rows of slices and of the rest, in all and by class.

    Args:
        sample: All rows, prepared.
    """

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        classes = sample.task != "regression"
        self._key: NDArray[Any] = sample.target if classes else np.zeros(sample.target.size, dtype=np.int64)
        self._size = max(len(sample.labels), 2) if classes else 1
        self._all = self._tally(None)
        self._known: dict[int, Floats] = {}

    def gather(self, layers: Layers) -> None:
        """The tallies of all slices of a layer in one pass."""
        weight = self._sample.weight
        found = layers.counts(self._key, self._size, [] if weight is None else [weight, weight * weight])
        self._known = {key: tally if len(tally) > 1 else np.repeat(tally, 3, axis=0) for key, tally in found.items()}

    def _tally(self, rows: Rows | None) -> Floats:
        """(3, classes) rows, weight and squared weight."""
        key = self._key if rows is None else self._key[rows]
        count = np.bincount(key, minlength=self._size).astype(np.float64)
        weight = self._sample.weight
        if weight is None:
            return np.stack([count, count, count])
        own = weight if rows is None else weight[rows]
        return np.stack([count, *(np.bincount(key, weights=w, minlength=self._size) for w in (own, own * own))])

    def sides(self, rows: Rows) -> tuple[Floats, Floats]:
        """The tallies of the slice and of the rest."""
        known = self._known.get(id(rows))
        own = self._tally(rows) if known is None else known
        return own, np.where(self._all[:1] > own[:1], self._all - own, 0.0)

    def doubt(self, plugin: Any, sides: tuple[Floats, Floats]) -> str | None:
        """Why the interval of a difference is not known to hold, or None."""
        inner = plugin.inner if isinstance(plugin, OneVsRest) else plugin
        if isinstance(inner, Proportion) and self._sample.group is None:
            return None  # the score method holds wherever the share's own interval does
        smooth = isinstance(inner, SmoothMetric) or self._size == 1
        for side, tally in zip(("slice", "rest"), sides, strict=True):
            if smooth and (units := _kish(tally.sum(axis=1))) < FEWEST_ROWS:
                return f"the {side} has {units:.3g} effective rows; the interval of a difference is known to hold from {FEWEST_ROWS}"
            if not smooth and (units := self._rarest(plugin, tally)) < FEWEST_OF_CLASS:
                return f"the rarest class of the {side} has {units:.3g} effective rows; {FEWEST_OF_CLASS} are needed for a difference"
        return None

    def _rarest(self, plugin: Any, tally: Floats) -> float:
        if isinstance(plugin, OneVsRest):
            others = tally.sum(axis=1) - tally[:, plugin.code]
            return min(_kish(tally[:, plugin.code]), _kish(others))
        return min((_kish(one) for one in tally.T if one[0] > 0), default=0.0)


def _kish(tally: Floats) -> float:
    """(sum w)^2 / sum w^2."""
    return float(tally[1] ** 2 / tally[2]) if tally[2] > 0 else 0.0
