"""Unit deviances of the Tweedie family, to full precision also where prediction and truth almost agree."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
NEAR = 0.1
"""Relative error below which a series replaces the closed form, whose terms cancel."""
ORDER = 20


def unit_deviance(truth: Floats, prediction: Floats, power: float) -> Floats:
    """(n,) deviance of each row: 2 mu^(2 - p) times the integral that McCullagh and Nelder (1989) define, p = 0 normal, 1 Poisson, 2 gamma.

    With s = (truth - mu) / mu the deviance is 2 mu^(2-p) g(s), where g'' (s) = (1 + s)^(-p) and g(0) = g'(0) = 0. Truth and prediction must
    lie in the family's range (`outside`).
    """
    if power == 0:
        return np.asarray((truth - prediction) ** 2, dtype=np.float64)
    relative = (truth - prediction) / prediction
    near = np.abs(relative) < NEAR
    curve = np.where(near, _series(np.where(near, relative, 0.0), power), _closed(truth / prediction, power))
    return np.asarray(2 * prediction ** (2 - power) * curve, dtype=np.float64)


def _series(s: Floats, power: float) -> Floats:
    """g(s) by its Taylor series: sum of binom(-p, k) s^(k+2) / ((k+1)(k+2))."""
    binomials = [1.0]
    for k in range(ORDER):
        binomials.append(binomials[-1] * (-power - k) / (k + 1))
    total = np.zeros_like(s)
    for k in range(ORDER, -1, -1):
        total = total * s + binomials[k] / ((k + 1) * (k + 2))
    return np.asarray(total * s * s, dtype=np.float64)


def _closed(ratio: Floats, power: float) -> Floats:
    """g(ratio - 1) in closed form; a power below 0 allows a truth below 0, whose own term is 0."""
    if power == 1:
        return np.asarray(special.xlogy(ratio, ratio) - ratio + 1, dtype=np.float64)
    if power == 2:  # noqa: PLR2004 - the gamma family
        return np.asarray(ratio - 1 - np.log(ratio), dtype=np.float64)
    own = np.maximum(ratio, 0.0) ** (2 - power) / ((1 - power) * (2 - power))
    return np.asarray(own - ratio / (1 - power) + 1 / (2 - power), dtype=np.float64)


def deviance_slope(truth: float, prediction: float, power: float) -> float:
    """Derivative of the unit deviance by the truth: 2 times the integral of t^(-p) from the prediction to the truth."""
    if power == 1:
        return 2 * math.log(truth / prediction)
    after, before = np.power([truth, prediction], 1 - power)
    return float(2 * (after - before) / (1 - power))


def outside(truth: Floats, prediction: Floats, power: float) -> str | None:
    """Why the family cannot have these values, or None."""
    if power == 0:
        return None
    rules = [("predicted value of 0 or less", prediction <= 0)]
    if 1 <= power < 2:  # noqa: PLR2004 - Poisson and compound Poisson
        rules.append(("true value below 0", truth < 0))
    elif power >= 2:  # noqa: PLR2004 - gamma and beyond
        rules.append(("true value of 0 or less", truth <= 0))
    for what, wrong in rules:
        count = int(np.count_nonzero(wrong))
        if count:
            return f"{count} rows have a {what}, where this deviance is not defined"
    return None
