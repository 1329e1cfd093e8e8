"""Ranks that a test set can support: models that cannot be told apart share a tier and a letter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf_evaluation.statistics.multiplicity import holm

Floats = NDArray[np.float64]
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
NOISE = 1e-11
"""A standard error of a difference below this share of the models' own is rounding: the two models are the same."""


@dataclass(frozen=True)
class Tier:
    """Where one of k models stands.

    With p-values corrected over all pairs by Holm, all k rank intervals hold together in at least 1 - alpha of test sets
    (Mogstad, Romano, Shaikh and Wilhelm 2024 give the construction).
    """

    rank: int
    """1 + the number of models that are significantly better: the tier."""
    worst: int
    """k - the number of models that are significantly worse."""
    letters: str
    """Models that share a letter cannot be told apart; models that share none differ."""


def tiers(estimates: Sequence[float], p_adjusted: Floats, *, alpha: float = 0.05, greater_is_better: bool | None = True) -> list[Tier]:
    """The tier of each of k models, in their order.

    Args:
        estimates: (k,) values of one metric. A NaN is told apart from nothing.
        p_adjusted: (k, k) symmetric p-values, corrected over the pairs; NaN where there is no test. The diagonal is not read.
        alpha: Two models differ where their p-value is at most this.
        greater_is_better: The metric's direction. None, where it has none, gives letters alone: every rank is 1 to k.
    """
    values = np.asarray(estimates, dtype=np.float64)
    apart = _apart(values, np.asarray(p_adjusted, dtype=np.float64), alpha)
    gap = values[:, None] - values[None, :]
    directed = 0.0 if greater_is_better is None else 1.0 if greater_is_better else -1.0
    with np.errstate(invalid="ignore"):
        beats = apart & (gap * directed > 0)
    order = sorted(range(values.size), key=lambda i: (math.isnan(values[i]), -values[i] * (directed or 1.0)))
    letters = compact_letters(apart[np.ix_(order, order)])
    placed = dict(zip(order, letters, strict=True))
    return [Tier(1 + int(beats[:, i].sum()), values.size - int(beats[i].sum()), placed[i]) for i in range(values.size)]


def _apart(values: Floats, p: Floats, alpha: float) -> NDArray[np.bool_]:
    """(k, k) which pairs differ; what is undefined does not."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        found = (p <= alpha) & known[:, None] & known[None, :]
    np.fill_diagonal(found, val=False)
    return np.asarray(found | found.T)


def compact_letters(apart: NDArray[np.bool_]) -> list[str]:
    """A letter display of k models, best first: two models share a letter exactly where `apart`, (k, k), is false.

    Insert and absorb (Piepho 2004): each pair that differs splits every group that holds both; a group inside another is dropped.
    """
    k = apart.shape[0]
    groups: list[frozenset[int]] = [frozenset(range(k))] if k else []
    for i, j in combinations(range(k), 2):
        if apart[i, j]:
            split = [part for group in groups for part in ((group - {i}, group - {j}) if {i, j} <= group else (group,))]
            unique = list(dict.fromkeys(split))
            groups = [one for one in unique if not any(one < other for other in unique)]
    groups.sort(key=sorted)
    return ["".join(_letter(place) for place, group in enumerate(groups) if i in group) for i in range(k)]


def _letter(place: int) -> str:
    """From a to z, then a2 to z2, and so on."""
    lap, at = divmod(place, len(ALPHABET))
    return ALPHABET[at] + (str(lap + 1) if lap else "")


def pairwise(estimates: Sequence[float], covariance: Floats, *, degrees: float = math.inf) -> Floats:
    """(k, k) p-values of every difference, corrected by Holm over the k (k - 1) / 2 pairs; the diagonal is 1.

    Args:
        estimates: (k,) values of one metric, measured on the same rows.
        covariance: (k, k) their joint covariance, as `covariance` gives it from influence values.
        degrees: Of freedom, for Student's t; infinite for the normal distribution.
    """
    values = np.asarray(estimates, dtype=np.float64)
    pairs = list(combinations(range(values.size), 2))
    raw = [_p(values[i] - values[j], _variance(covariance, i, j), degrees) for i, j in pairs]
    tested = [place for place, p in enumerate(raw) if not math.isnan(p)]
    result = np.full((values.size, values.size), np.nan)
    np.fill_diagonal(result, 1.0)
    for place, p in zip(tested, holm([raw[place] for place in tested]), strict=True):
        i, j = pairs[place]
        result[i, j] = result[j, i] = p
    return result


def _variance(covariance: Floats, i: int, j: int) -> float:
    """Of a difference; 0 where nothing but rounding is left."""
    both = float(covariance[i, i] + covariance[j, j])
    variance = both - 2 * float(covariance[i, j])
    return 0.0 if variance <= NOISE * both else variance


def _p(difference: float, variance: float, degrees: float) -> float:
    """Two-sided; 1 for equal models, NaN where nothing tells how much the difference would vary."""
    if math.isnan(difference) or math.isnan(variance):
        return math.nan
    if variance == 0:
        return 1.0 if difference == 0 else math.nan
    ratio = abs(difference) / math.sqrt(variance)
    return min(2 * float(special.ndtr(-ratio) if math.isinf(degrees) else special.stdtr(degrees, -ratio)), 1.0)
