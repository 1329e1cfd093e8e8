"""Which test fits two runs under a metric, on the same rows or on others, and whether it can be trusted there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy import special

from mtf_evaluation import numerals
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.error_quantiles import ErrorQuantile
from mtf_evaluation.metrics.proportions import FEWEST as FEWEST_COUNTED
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.metrics.rows import HEAVY, TAIL
from mtf_evaluation.side import Side
from mtf_evaluation.statistics.influence import NOISE, tail_index
from mtf_evaluation.statistics.interval import Interval, no_interval
from mtf_evaluation.statistics.paired import Paired, paired_normal, tango
from mtf_evaluation.statistics.power import NOTHING, Reach, of_error
from mtf_evaluation.statistics.unpaired import independent, proportions

FEWEST_DISCORDANT = 10
"""Rows on which two models must differ before a difference of influence values is near normal."""


def paired(a: Side, b: Side, difference: float) -> tuple[Paired, str | None]:
    """The interval and test of a difference on the same rows, and why they should not be trusted, or None."""
    if isinstance(a.plugin, Proportion) and a.plugin.base_is_truth and a.design.simple:
        return _same_counted(a, b), None
    if not a.has_influence:
        p = 1.0 if _identical(a, b) else None
        return Paired(no_interval("this metric has no paired test"), p, "identical" if p else "none"), None
    return _influences(a, b, difference)


def unpaired(a: Side, b: Side, difference: float) -> tuple[Paired, str | None]:
    """The interval and test of a difference on other, independent rows, and why they should not be trusted, or None."""
    if not a.has_influence:
        return Paired(no_interval("this metric has no test"), None, "none"), None
    errors = _own_error(a), _own_error(b)
    units = tuple(min(side.design.kish, float(side.design.groups)) for side in (a, b))
    reach = _unpaired_reach(a, b, difference, errors)
    ours, theirs = a.share(), b.share()
    if ours is not None and theirs is not None:
        found = proportions(*ours, *theirs, a.level)
        few = min(ours[1], theirs[1])
        doubt = (
            f"only {numerals.count(few, 'row')} on one side; the interval is known to hold from {FEWEST_COUNTED}"
            if few < FEWEST_COUNTED
            else None
        )
        return Paired(found.interval, found.p_value, found.test, reach), doubt
    method = "influence" if a.design.simple and b.design.simple else "sandwich"
    found = independent(difference, errors, (units[0], units[1]), a.level, student=a.student, method=method)
    return Paired(found.interval, found.p_value, found.test, reach), _doubt_apart(a, b)


def _doubt_apart(a: Side, b: Side) -> str | None:
    """Why a difference of independent rows should not be trusted, or None. Where both sides are skewed alike, it cancels out."""
    few = a.too_few or b.too_few
    if few or not a.is_mean:
        return few
    ours, theirs = a.parts, b.parts
    squares = float(ours @ ours + theirs @ theirs)
    skewness = float((ours**3).sum() - (theirs**3).sum()) / squares**1.5 if squares > 0 else 0.0
    if TAIL * skewness**2 > 1:
        return f"a few rows decide the difference (its skewness is {skewness:.2g}; from {TAIL**-0.5:.2g} on it is not near normal)"
    index = min(tail_index(np.abs(side.influence)) for side in (a, b))
    if index < HEAVY:
        return f"the largest rows have a heavy tail (index {index:.2g}): rows larger than any seen may decide the value"
    return None


def _own_error(side: Side) -> float:
    """The standard error of one side's value; 0 where only rounding is left of it."""
    influence = side.influence
    error = side.error_of(influence)
    return 0.0 if error <= NOISE * float(np.abs(influence).max(initial=0.0)) else error


def _unpaired_reach(a: Side, b: Side, difference: float, errors: tuple[float, float]) -> Reach:
    error = math.hypot(*errors)
    return of_error(difference, error, a.rows + b.rows, a.level) if error > 0 else NOTHING


def _same_counted(a: Side, b: Side) -> Paired:
    """Tango's method on the rows that the truth selects: the same ones for both models."""
    plugin: Proportion = a.plugin
    counted = plugin.in_base(a.sample)
    hits_a, hits_b = plugin.hits(a.sample) & counted, plugin.hits(b.sample) & counted
    n = int(np.count_nonzero(counted))
    found = tango(int(np.count_nonzero(hits_a & ~hits_b)), int(np.count_nonzero(hits_b & ~hits_a)), n, a.level)
    return replace(found, reach=_of_all_rows(found.reach, a.rows / n))


def _of_all_rows(reach: Reach, times: float) -> Reach:
    """Rows that count, as rows of the test set."""
    needed, power = (None if rows is None else math.ceil(rows * times) for rows in (reach.rows_needed, reach.rows_for_power))
    return Reach(reach.minimum_detectable, needed, power)


def _influences(a: Side, b: Side, difference: float) -> tuple[Paired, str | None]:
    """The standard error of the difference of the two models' influence values, row by row."""
    design, own = a.design, a.influence
    apart = own - b.influence
    error = a.error_of(apart)
    noise = NOISE * float(np.abs(own).max(initial=0.0))
    if not math.isnan(error) and (float(np.abs(apart).max(initial=0.0)) <= noise or error <= NOISE * abs(difference)):
        return _same_everywhere(a, difference), None
    if math.isnan(error) and _identical(a, b):
        return Paired(no_interval("both models give the same on every row"), 1.0, "identical"), None
    method = "delong-paired" if a.delong else ("influence-paired" if design.simple else "sandwich-paired")
    found = paired_normal(difference, error, design, a.level, method, student=a.student)
    if isinstance(a.plugin, ErrorQuantile):
        return found, a.doubt(apart) or b.doubt(apart) or _too_few(int(np.count_nonzero(np.sign(own) != np.sign(b.influence))))
    return found, a.doubt(apart) or _too_alike(a, apart, noise)


def _same_everywhere(a: Side, difference: float) -> Paired:
    """No row tells the models apart (or each does by the same amount).

    For equal models at most z^2 / (n + z^2) of the population's rows may differ unseen (the limit that Tango's method gives for
    shares); each of them moves the metric by no more than the rows seen lie apart.
    """
    if difference != 0:
        return Paired(no_interval("the difference is the same on every row, so nothing tells how much it would vary"), None, "none")
    own, design = a.influence, a.design
    z2 = float(special.ndtri(0.5 + a.level / 2)) ** 2
    units = min(design.kish, float(design.groups))
    half = z2 / (units + z2) * float(own.max() - own.min())
    if not half > 0:
        return Paired(no_interval("both models give the same on every row"), 1.0, "identical")
    return Paired(Interval(-half, half, "identical"), 1.0, "identical")


def _identical(a: Side, b: Side) -> bool:
    ours, theirs = a.sample.scores, b.sample.scores
    same = ours is theirs if ours is None or theirs is None else np.array_equal(ours, theirs)
    return bool(same and np.array_equal(a.sample.prediction, b.sample.prediction))


def _too_alike(a: Side, apart: Floats, noise: float) -> str | None:
    """Few rows on which two classifiers differ decide their difference."""
    return None if a.is_mean else _too_few(int(np.count_nonzero(np.abs(apart) > noise)))


def _too_few(differ: int) -> str | None:
    if differ < FEWEST_DISCORDANT:
        return f"the models differ on {differ} rows only; the paired interval is known to hold from {FEWEST_DISCORDANT}"
    return None
