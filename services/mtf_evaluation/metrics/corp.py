"""The CORP decomposition of the Brier score: miscalibration, discrimination and uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.areas import FEWEST_GROUPS, few_groups
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.metrics.proportions import FEWEST
from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.normals import generator
from mtf_evaluation.statistics.proportion import wilson

STREAM = 3
BAND_DRAWS = 200
CELLS = 2_000
"""Cells of neighbouring probabilities that the band is drawn for: far more than the blocks of the regression, which are near n^(1/3)."""
ENOUGH = 100
"""Rows below which even a calibrated model shows so much miscalibration that the value says little."""
SOURCE = "Dimitriadis, Gneiting and Jordan 2021; isotonic regression of scipy (scikit-learn `IsotonicRegression`)"
NO_INTERVAL = "none, because the estimate is biased by an amount that shrinks hardly faster than its error, so that no interval would hold what it says"


@dataclass(frozen=True)
class Parts:
    """Mean Brier score = mcb - dsc + unc."""

    mcb: float
    dsc: float
    unc: float


def decomposed(probability: Floats, rate: Floats, weight: Floats) -> Parts:
    """The parts from (g,) ascending probabilities, the share of events at each, and its weight.

    The recalibrated probabilities are the isotonic regression of the events (pool adjacent violators), so that no bins are chosen.
    """
    total = float(weight.sum())
    fitted = np.asarray(isotonic_regression(rate, weights=weight).x)
    base = float(weight @ rate) / total
    mcb = float(weight @ ((probability - fitted) * (probability + fitted - 2 * rate))) / total
    dsc = float(weight @ (fitted - base) ** 2) / total
    return Parts(max(mcb, 0.0), dsc, base * (1 - base))


class _Part(Metric):
    tasks = ("binary",)
    needs_scores = True

    def missing(self, facts: Facts) -> str | None:
        """Undefined for scores that are no probabilities."""
        return facts.not_probabilities

    def cells(self, facts: Facts) -> tuple[Floats, Floats, Floats]:
        """Ascending distinct probabilities, the share of positives at each, and its weight, each (g,)."""
        ranking = facts.ranking(1)
        own_p, own_n = ranking.own
        weight = own_p + own_n
        score = ranking.score if ranking.ends is None else ranking.score[ranking.ends]
        return score, own_p / weight, weight


class Miscalibration(_Part):
    """How much the Brier score would fall by recalibration."""

    name = "mcb"
    greater_is_better = False
    has_interval = False
    bounds = (0.0, 1.0)
    summary = "Miscalibration: the part of the Brier score that a monotone recalibration would remove (CORP); above 0 even for a calibrated model."
    formula = "Brier score - Brier score after isotonic recalibration"
    undefined_when = "the scores are no probabilities"
    valid_from = NO_INTERVAL
    source = SOURCE

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The value without an interval, and the band of a perfectly calibrated model with these scores."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        cells = self.cells(facts)
        doubt = f"{facts.n} rows; below {ENOUGH} even perfect calibration gives a large value" if facts.n < ENOUGH else None
        return MetricValue(
            value=min(decomposed(*cells).mcb, 1.0),
            n=facts.n,
            n_effective=facts.design.kish,
            reliable=doubt is None,
            reason=doubt,
            null_band=_null_band(cells, facts, level),
        )


def _null_band(cells: tuple[Floats, Floats, Floats], facts: Facts, level: float) -> tuple[float, float]:
    """Central band of the miscalibration if every probability were right, in cells of near equal weight where there are many."""
    score, _, weight = cells
    starts = np.arange(score.size)
    if score.size > CELLS:
        edges = np.linspace(0, float(weight.sum()), CELLS, endpoint=False)
        starts = np.unique(np.minimum(np.searchsorted(np.cumsum(weight) - weight / 2, edges), score.size - 1))
    mass = np.add.reduceat(weight, starts)
    chance = np.clip(np.add.reduceat(weight * score, starts) / mass, 0.0, 1.0)
    # Weights make a cell worth fewer rows than it weighs: Kish's number, shared out by weight.
    trials = np.maximum(np.round(mass / mass.sum() * facts.design.kish), 1).astype(np.int64)
    drawn = generator(facts.seed, STREAM).binomial(trials, chance, size=(BAND_DRAWS, trials.size)) / trials
    found = [decomposed(chance, rate, mass).mcb for rate in drawn]
    lower, upper = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


class Discrimination(_Part):
    """How much better the recalibrated probabilities are than the share of positives alone."""

    name = "dsc"
    has_interval = False
    bounds = (0.0, 0.25)
    summary = "Discrimination: how much lower the Brier score after recalibration is than that of the constant share of positives (CORP)."
    formula = "Brier score of the share of positives - Brier score after isotonic recalibration"
    undefined_when = "the scores are no probabilities"
    valid_from = NO_INTERVAL
    source = SOURCE

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The value without an interval."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        value = decomposed(*self.cells(facts)).dsc
        return answer(value, no_interval(), level=level, n=facts.n, n_effective=facts.design.kish, bounds=self.bounds)


class Uncertainty(_Part):
    """The Brier score of the constant share of positives."""

    name = "unc"
    greater_is_better = None
    bounds = (0.0, 0.25)
    needs_scores = False
    summary = "Uncertainty: the Brier score of the constant share of positives; of the rows, not of the model (CORP)."
    formula = "share of positives * (1 - share of positives)"
    valid_from = f"{FEWEST} rows (effective ones with weights), and {FEWEST_GROUPS} groups where rows are grouped"
    source = "Dimitriadis, Gneiting and Jordan 2021; interval: Wilson's for the share of positives, seen through the formula"

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The value and its (n,) influence values."""
        facts = facts_of(sample)
        positive = (sample.target == 1).astype(np.float64)
        share = facts.design.mean(positive)
        return share * (1 - share), (1 - 2 * share) * (positive - share)

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """Every value of the formula for a share inside Wilson's interval."""
        facts = facts_of(sample)
        design = facts.design
        positive = (sample.target == 1).astype(np.float64)
        share = design.mean(positive)
        rows = _rows(facts, positive - share, share)
        doubt = few_groups(design)
        if rows < FEWEST:
            doubt = f"{rows:.3g} effective rows; the interval is known to hold from {FEWEST}"
        limits = _through(wilson(share, rows, level, quantile=design.quantile(level)))
        if design.groups < 2:  # noqa: PLR2004 - a variance needs two
            limits = no_interval("all rows belong to one group")
        return answer(share * (1 - share), limits, level=level, n=facts.n, n_effective=rows, doubt=doubt, bounds=self.bounds)


def _rows(facts: Facts, influence: Floats, share: float) -> float:
    """Independent, equal rows behind the share of positives: those with its variance, which weights that go with the truth change."""
    if facts.design.simple:
        return float(facts.n)
    error = facts.design.standard_error(influence)
    if not error > NOISE:
        return float(min(facts.design.groups, facts.design.kish))
    return float(np.clip(share * (1 - share) / error**2, 1.0, facts.n))


def _through(share: Interval) -> Interval:
    """The values of p (1 - p) for p in an interval."""
    if share.lower is None or share.upper is None:
        return share
    ends = [end * (1 - end) for end in (share.lower, share.upper)]
    middle = share.lower <= 0.5 <= share.upper  # noqa: PLR2004 - where p (1 - p) is largest
    return Interval(min(ends), 0.25 if middle else max(ends), share.method)
