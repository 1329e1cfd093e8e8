"""Logistic recalibration: whether the log-odds of the probabilities are too extreme, and whether they are too high on the whole."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation.metrics.areas import FEWEST_GROUPS, few_groups, one_class
from mtf_evaluation.metrics.base import Floats, Metric, answer, undefined
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.statistics.influence import delta_interval

FEWEST = 30
"""Rows of the rarer class under which the interval is shown but not trusted."""
STEPS = 200
WARM = 12
MANY, FEW = 100_000, 5_000
"""Rows from which the fit starts from a part of them, and how many that part has."""
FAR = 100.0
"""A coefficient this large of a part of the rows comes from classes that do not overlap there, and is no start."""
PRECISE = 1e-9
"""A Newton step this small doubles its digits once more and is done."""
VALID = f"{FEWEST} rows of the rarer class in the truth (effective ones with weights), and {FEWEST_GROUPS} groups where rows are grouped"


@dataclass(frozen=True)
class Odds:
    """Rows whose log-odds are finite. Those with a probability of 0 or 1 that were right leave the fit alone: their part is 0 in the limit."""

    rows: NDArray[np.bool_]
    """(n,) which rows they are."""
    log_odds: Floats
    positive: Floats
    weight: Floats | None


def odds_of(facts: Facts) -> Odds:
    """The rows that the fit rests on."""
    probability = facts.scores[:, 1]
    rows = (probability > 0) & (probability < 1)
    weight = facts.sample.weight
    return Odds(
        rows,
        special.logit(probability[rows]),
        (facts.sample.target[rows] == 1).astype(np.float64),
        None if weight is None else weight[rows],
    )


def fitted(columns: Floats, offset: Floats | None, positive: Floats, weight: Floats | None) -> Floats:
    """(p,) coefficients of a logistic regression on (n, p) columns: Newton's method, with halved steps where one goes too far.

    Many rows start from the coefficients of a few thousand of them, which leaves a step or two to make.

    Args:
        columns: (n, p) regressors; the maximum must exist.
        offset: (n,) part of the log-odds that is given, or None.
        positive: (n,) 0 or 1.
        weight: (n,) weights above 0, or None.
    """
    start = np.zeros(columns.shape[1])
    if positive.size > MANY:
        some = np.s_[:: positive.size // FEW]
        some_offset, some_weight = (None if each is None else each[some] for each in (offset, weight))
        start = newton(columns[some], some_offset, positive[some], some_weight, start=start, steps=WARM)
        if not np.isfinite(start).all() or np.abs(start).max() > FAR:
            start = np.zeros(columns.shape[1])
    return newton(columns, offset, positive, weight, start=start, steps=STEPS)


def newton(columns: Floats, offset: Floats | None, positive: Floats, weight: Floats | None, *, start: Floats, steps: int) -> Floats:
    """(p,) coefficients after at most `steps` steps from `start`.

    A step that moves no row's log-odds by more than 1 always gains (the curvature changes little on the way); a longer one is tried, and halved
    until it gains.
    """
    heavy = None if weight is None else weight / weight.mean()
    found = start
    eta = columns @ found if offset is None else offset + columns @ found
    for _ in range(steps):
        chance = special.expit(eta)
        curved, apart = chance * (1 - chance), positive - chance
        if heavy is not None:
            curved, apart = curved * heavy, apart * heavy
        try:
            step = np.linalg.solve((columns * curved[:, None]).T @ columns, columns.T @ apart)
        except np.linalg.LinAlgError:
            return np.full(found.size, np.nan)
        moved = columns @ step
        if np.abs(moved).max() > 1:
            share = _gaining(eta, moved, positive, heavy)
            step, moved = step * share, moved * share
        found, eta = found + step, eta + moved
        if np.abs(step).max() <= PRECISE * (1 + np.abs(found).max()):
            break
    return np.asarray(found)


def _gaining(eta: Floats, moved: Floats, positive: Floats, weight: Floats | None) -> float:
    """The share of a step, 1 or halved until it gains, that raises the likelihood."""

    def likelihood(at: Floats) -> float:
        each = positive * at - np.logaddexp(0, at)
        return float(each.sum() if weight is None else weight @ each)

    now, share = likelihood(eta), 1.0
    while share * np.abs(moved).max() > 1 and not likelihood(eta + share * moved) > now:
        share /= 2
    return share


class Recalibration(Metric):
    """A coefficient of the logistic regression of the truth on the log-odds of the probabilities."""

    countable = "groups"
    tasks = ("binary",)
    needs_scores = True
    greater_is_better = None
    bounds = (-np.inf, np.inf)
    valid_from = VALID

    def missing(self, facts: Facts) -> str | None:
        """Undefined for one class, for no probabilities, and where a certain row was wrong."""
        reason = facts.not_probabilities or one_class(facts)
        if reason:
            return reason
        probability, positive = facts.scores[:, 1], facts.sample.target == 1
        wrong = int(np.count_nonzero((positive & (probability <= 0)) | (~positive & (probability >= 1))))
        if wrong:
            return f"{wrong} rows had a probability of exactly 0 or 1 and were wrong: no recalibration can make up for an infinite error"
        return self.unbounded(odds_of(facts))

    @abstractmethod
    def unbounded(self, odds: Odds) -> str | None:
        """Why the likelihood has no maximum, or None."""

    @abstractmethod
    def fit(self, odds: Odds) -> tuple[float, Floats]:
        """The coefficient and the (m,) influence values of the m rows of the fit among themselves."""

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The coefficient and its (n,) influence values; NaN where it is undefined."""
        facts = facts_of(sample)
        if self.missing(facts):
            return float("nan"), np.zeros(sample.target.size)
        odds = odds_of(facts)
        value, among = self.fit(odds)
        influence = np.zeros(sample.target.size)
        share = facts.design.mean(odds.rows.astype(np.float64))
        influence[odds.rows] = among / share
        return value, influence

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The coefficient with its sandwich interval, which holds also where the logistic curve does not fit."""
        facts = facts_of(sample)
        reason = self.missing(facts)
        if reason:
            return undefined(reason, facts.n)
        value, influence = self.influence(sample)
        design = facts.design
        doubt = few_groups(design)
        if facts.rarer < FEWEST:
            doubt = f"the rarer class has {facts.rarer:.3g} effective rows; the interval is known to hold from {FEWEST}"
        interval = delta_interval(value, design.standard_error(influence), design, level, method="sandwich", student=False)
        return answer(value, interval, level=level, n=facts.n, n_effective=design.effective(influence), doubt=doubt)


class CalibrationSlope(Recalibration):
    """How much the log-odds must be stretched."""

    name = "calibration_slope"
    summary = "Slope of the truth's log-odds in those of the probabilities: 1 is right, below 1 the probabilities are too extreme."
    formula = "b in log-odds(truth) = a + b * log-odds(probability), fitted by maximum likelihood"
    undefined_when = (
        "the truth has one class, the scores are no probabilities, a row with a probability of exactly 0 or 1 was wrong, "
        "or the probabilities separate the classes perfectly"
    )
    source = "Cox 1958, Van Calster and others 2016; statsmodels `GLM(family=Binomial())`; interval: sandwich (White 1980)"

    def unbounded(self, odds: Odds) -> str | None:
        """The classes must overlap (Albert and Anderson 1984)."""
        positive = odds.positive == 1
        above, below = odds.log_odds[positive], odds.log_odds[~positive]
        if not above.size or not below.size or above.min() >= below.max() or above.max() <= below.min():
            return "the probabilities separate the classes perfectly (or are all the same), so that no slope is the best"
        return None

    def fit(self, odds: Odds) -> tuple[float, Floats]:
        """The slope; the log-odds are centred first, which leaves it alone and keeps the digits."""
        centred = odds.log_odds - np.average(odds.log_odds, weights=odds.weight)
        columns = np.stack([np.ones_like(centred), centred], axis=1)
        found = fitted(columns, None, odds.positive, odds.weight)
        chance = special.expit(columns @ found)
        heavy = chance * (1 - chance) if odds.weight is None else odds.weight / odds.weight.mean() * chance * (1 - chance)
        bread = np.linalg.inv((columns * heavy[:, None]).T @ columns / chance.size)
        return float(found[1]), (columns @ bread[1]) * (odds.positive - chance)


class CalibrationIntercept(Recalibration):
    """How much the log-odds must be shifted."""

    name = "calibration_intercept"
    summary = "Shift of the log-odds that makes the mean right, at a slope of 1: above 0 the probabilities are too low (calibration in the large)."
    formula = "a in log-odds(truth) = a + log-odds(probability), fitted by maximum likelihood"
    undefined_when = "the truth has one class, the scores are no probabilities, or a row with a probability of exactly 0 or 1 was wrong"
    source = "Cox 1958, Van Calster and others 2016; statsmodels `GLM(family=Binomial(), offset=...)`; interval: sandwich (White 1980)"

    def unbounded(self, odds: Odds) -> str | None:
        """Both classes must be among the rows whose probability is neither 0 nor 1."""
        if odds.positive.size and 0 < odds.positive.mean() < 1:
            return None
        return "the rows with a probability between 0 and 1 have one class, so that no shift is the best"

    def fit(self, odds: Odds) -> tuple[float, Floats]:
        """The shift."""
        found = fitted(np.ones((odds.positive.size, 1)), odds.log_odds, odds.positive, odds.weight)
        chance = special.expit(odds.log_odds + found[0])
        slope = float(np.average(chance * (1 - chance), weights=odds.weight))
        return float(found[0]), (odds.positive - chance) / slope
