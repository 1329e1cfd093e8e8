"""The reliability diagram: how often what is predicted with a score happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from mtf.plugins import Sample
from mtf_evaluation.metrics.calibration import Bins, bin_count, quantile_bins
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.plots.effective import clustered, wilson_many
from mtf_evaluation.plots.thin import label, short
from mtf_evaluation.statistics.normals import generator

Floats = NDArray[np.float64]
FINE = 512
"""Bins of equal numbers of rows before the curve is fitted: far finer than a pixel, and exact up to as many distinct scores."""
MOST_BINS = 15
DRAWS = 400
STREAM = 7
SHOWN = 64
"""Points of the band, and most points of the curve."""
NORMAL = 5.0
"""Standard deviation of a bin's events from which their number is near normal."""
HISTOGRAM = 24


@dataclass(frozen=True)
class Events:
    """Scores in rising order and whether what they predict happened, all (n,)."""

    score: Floats
    happened: NDArray[np.bool_]
    weight: Floats | None
    of: str
    effective: float
    """Share of the rows that counts after dependence within groups."""


def reliability(sample: Sample, level: float = 0.95) -> dict[str, Any]:
    """CORP reliability curve with consistency band, and coarse bins with Wilson intervals. Empty where scores are no probabilities.

    Binary: the score of the positive class. Multiclass: the highest score, and whether its class is right. The curve is the isotonic
    regression of the event on the score (pool adjacent violators), and the band says where the curve would lie if every score were
    right, from `DRAWS` test sets drawn from the scores themselves: Dimitriadis, Gneiting and Jordan (PNAS 2021).
    """
    if sample.scores is None:
        return {}
    facts = facts_of(sample)
    if facts.not_probabilities:
        return {}
    events = _events(facts)
    fine = quantile_bins(events.score, events.happened, events.weight, FINE)
    curve = isotonic_regression(fine.right, weights=fine.weight).x
    lower, upper = _band(fine, events.effective, level, generator(facts.seed, STREAM))
    kept, seen = _turns(curve), np.unique(np.linspace(0, len(curve) - 1, SHOWN).astype(int))
    edges = np.linspace(0.0, 1.0, HISTOGRAM + 1)
    return {
        "of": events.of,
        "bins": _coarse(fine, bin_count(facts.n), events.effective, level),
        "curve": {"x": short(fine.confidence[kept]), "y": short(np.clip(curve[kept], 0.0, 1.0))},
        "band": {"x": short(fine.confidence[seen]), "lower": short(lower[seen]), "upper": short(upper[seen])},
        "histogram": _histogram(events.score, edges).tolist(),
        "level": level,
        "draws": DRAWS,
    }


def _events(facts: Facts) -> Events:
    sample, group = facts.sample, facts.design.group
    if sample.task == "binary":
        ranking = facts.ranking(1)
        happened = sample.target == 1
        score, event, weight, of = ranking.score, ranking.positive, ranking.weight, label(sample.labels[1])
    else:
        top = facts.scores.argmax(axis=1)
        scores = np.take_along_axis(facts.scores, top[:, None], axis=1)[:, 0]
        happened = top == sample.target
        order = np.argsort(scores)
        score, event, weight = scores[order], happened[order], None if sample.weight is None else sample.weight[order]
        of = "the class with the highest score"
    if group is None:
        return Events(score, event, weight, of, 1.0)
    # What the groups share is what the score does not explain: the dependence of the differences, not of the events.
    expected = facts.scores[:, 1] if sample.task == "binary" else scores
    share = clustered(happened - expected, sample.weight, group, np.ones(facts.n, dtype=np.bool_))
    return Events(score, event, weight, of, share)


def _band(fine: Bins, share: float, level: float, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Central band of the fitted curve if every score were right, both (b,)."""
    chance = np.clip(fine.confidence, 0.0, 1.0)
    trials = np.maximum(np.round(fine.effective * share), 1)
    spread = np.sqrt(chance * (1 - chance) / trials)
    drawn = chance + spread * random.standard_normal((DRAWS, trials.size))
    few = trials * spread < NORMAL
    rows = trials[few].astype(np.int64)
    drawn[:, few] = random.binomial(rows, chance[few], size=(DRAWS, rows.size)) / rows
    fitted = np.stack([isotonic_regression(one, weights=fine.weight).x for one in drawn])
    lower, upper = np.quantile(fitted, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)


def _turns(curve: Floats) -> NDArray[np.intp]:
    """First and last position of every level of the curve, evenly thinned where those are many."""
    change = np.flatnonzero(np.diff(curve) > 0)
    kept = np.unique(np.concatenate(([0], change, change + 1, [len(curve) - 1])))
    if len(kept) > 2 * SHOWN:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, 2 * SHOWN).astype(int))]
    return kept


def _coarse(fine: Bins, bins: int, share: float, level: float) -> list[dict[str, Any]]:
    """The fine bins joined to at most `MOST_BINS` of nearly equal weight."""
    wanted = min(MOST_BINS, bins)
    before = np.cumsum(fine.weight) - fine.weight
    part = np.minimum((before / fine.weight.sum() * wanted + 1e-9).astype(int), wanted - 1)
    starts = np.unique(part, return_index=True)[1]
    mass = np.add.reduceat(fine.weight, starts)
    predicted = np.add.reduceat(fine.weight * fine.confidence, starts) / mass
    observed = np.add.reduceat(fine.weight * fine.right, starts) / mass
    rows = mass * mass / np.add.reduceat(fine.weight**2 / fine.effective, starts)
    lower, upper = wilson_many(observed, rows * share, level)
    names = ("predicted", "observed", "lower", "upper")
    values = zip(*(short(one) for one in (predicted, np.clip(observed, 0.0, 1.0), lower, upper)), rows.tolist(), strict=True)
    return [dict(zip(names, numbers, strict=True)) | {"rows": round(count)} for *numbers, count in values]


def _histogram(score: Floats, edges: Floats) -> NDArray[np.intp]:
    """Rows between the edges; the scores are in rising order."""
    below = np.searchsorted(score, edges, side="left")
    below[-1] = score.size
    return np.diff(below)
