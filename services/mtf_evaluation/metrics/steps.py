"""The areas of equally weighted rows, read from the places of the positives alone.

Between two positives nothing changes but a count of negatives, so sums over all rows are sums over the positives. `Ranking` gives
the same numbers, and every row's influence besides, in several times the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mtf_evaluation.metrics.ranking import Floats, Ranking
from mtf_evaluation.statistics.sums import dot


@dataclass(frozen=True)
class Steps:
    """Distinct scores that a positive has, rising; each array is (s,)."""

    own: Floats
    """Positives with the score."""
    upto: Floats
    """Positives with this score or a lower one."""
    tied: Floats
    """Negatives with the same score."""
    below: Floats
    """Negatives with a lower score."""
    negatives: float
    """All negatives, also those above the last step."""

    @property
    def positives(self) -> float:
        """All positives."""
        return float(self.upto[-1])

    @property
    def between(self) -> Floats:
        """(s + 1,) negatives strictly between two steps, first those below the first and last those above the last."""
        passed = np.concatenate(([0.0], self.below + self.tied))
        return np.append(self.below, self.negatives) - passed


def steps(ranking: Ranking) -> Steps:
    """The steps of a ranking without weights that has a positive and a negative."""
    places = np.flatnonzero(ranking.positive)
    m = places.size
    n = float(ranking.positive.size - m)
    if ranking.ends is None:
        upto = np.arange(1.0, m + 1)
        below = places - upto
        below += 1
        return Steps(np.ones(m), upto, np.zeros(m), below, n)
    group = np.searchsorted(ranking.ends, places)
    last = np.append(np.flatnonzero(group[1:] != group[:-1]), m - 1)
    upto = last + 1.0
    own = np.diff(upto, prepend=0.0)
    group = group[last]
    ends = ranking.ends[group] + 1.0
    sizes = ends - np.where(group > 0, ranking.ends[group - 1] + 1.0, 0.0)
    return Steps(own, upto, sizes - own, ends - sizes - (upto - own), n)


def area(found: Steps) -> tuple[float, float]:
    """ROC AUC with half credit for ties, and DeLong's standard error (1988): NaN with fewer than two rows of a class."""
    m, n = found.positives, found.negatives
    placement = found.tied * 0.5
    placement += found.below
    placement /= n
    value = dot(found.own, placement) / m
    if min(m, n) < 2:  # noqa: PLR2004 - a variance needs two
        return value, math.nan
    placement -= value
    of_positives = _squares(found.own, placement) / (m * (m - 1))
    above = np.append(m, m - found.upto)
    above /= m
    at = (above[1:] + above[:-1]) / 2
    above -= value
    at -= value
    of_negatives = (_squares(found.between, above) + _squares(found.tied, at)) / (n * (n - 1))
    return value, math.sqrt(of_positives + of_negatives)


def average_precision(found: Steps) -> tuple[float, float]:
    """Average precision (the step form) and its standard error from the rows' influence values: NaN for one row."""
    m, n = found.positives, found.negatives
    total = m + n
    right = m - found.upto
    right += found.own
    at_least = n - found.below
    at_least += right
    precision = right / at_least
    value = dot(found.own, precision) / m
    share = found.own / at_least
    gain = np.cumsum(share)
    share *= precision
    loss = np.append(0.0, np.cumsum(share))
    loss *= -total / m
    gain += precision
    gain -= value
    gain *= total / m
    gain += loss[1:]
    squares = _squares(found.own, gain) + _squares(found.tied, loss[1:]) + _squares(found.between, loss)
    return value, math.sqrt(squares * total / (total - 1)) / total if total > 1 else math.nan


def _squares(times: Floats, values: Floats) -> float:
    return float(np.einsum("i,i,i->", times, values, values))
