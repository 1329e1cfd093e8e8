"""What a test set can show: the smallest detectable difference, and how many rows would settle one that it cannot."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import optimize, special

POWER = 0.8
"""Share of test sets that are to show a true difference."""
MOST_ROWS = 10**12
"""A larger number of rows is no advice."""
FEW = 1000
"""Degrees of freedom from which Student's t is taken for normal."""


@dataclass(frozen=True)
class Reach:
    """How far a comparison reaches."""

    minimum_detectable: float | None
    """The smallest true difference that 80 % of test sets of this size would show, two-sided at 1 - level."""
    rows_needed: int | None
    """Rows from which the interval excludes 0 if the difference stays as it is; None where it does already or never would."""
    rows_for_power: int | None
    """Rows of which 80 % of test sets would show a true difference as large as the one seen; None where that is no number."""


NOTHING = Reach(None, None, None)


def of_error(difference: float, error: float, n: int, level: float, *, degrees: float = math.inf) -> Reach:
    """Of a difference with a standard error, which shrinks with the root of the rows.

    Args:
        difference: The difference seen on `n` rows.
        error: Its standard error, above 0.
        n: Rows, or of two samples the rows of both together.
        level: Confidence level of the interval.
        degrees: Of freedom of Student's t on these rows; infinite for the normal distribution.
    """
    detectable = _multiple(level, degrees) * error
    if difference == 0 or not math.isfinite(difference):
        return Reach(detectable, None, None)
    z, both = _z(level), _z(level) + float(special.ndtri(POWER))
    unit = error * math.sqrt(n) / abs(difference)
    settled = abs(difference) > _quantile(level, degrees) * error
    return Reach(detectable, None if settled else _rows((z * unit) ** 2, above=n), _rows((both * unit) ** 2))


def rows_to_exclude(difference: float, half_width: float, n: int, bound: float = 0.0) -> int | None:
    """Rows from which an interval of `half_width` on `n` rows would exclude `bound` if the difference stayed as it is.

    The width shrinks with the root of the rows. None where the bound is excluded already, or is the difference itself.
    """
    distance = abs(difference - bound)
    if distance > half_width or distance == 0 or not math.isfinite(half_width):
        return None
    return _rows(n * (half_width / distance) ** 2, above=n)


def of_discordant(only_a: int, only_b: int, n: int, level: float) -> Reach:
    """Of two proportions of the same `n` rows that differ on `only_a` + `only_b` of them (Connor, Biometrics 1987).

    A difference d among a share psi of discordant rows is found with 80 % power where
    sqrt(n) |d| = z_alpha sqrt(psi) + z_beta sqrt(psi - d^2). psi is that of the data, or d itself where more is asked than it holds.
    """
    z, beta = _z(level), float(special.ndtri(POWER))
    psi, difference = (only_a + only_b) / n, abs(only_a - only_b) / n

    def short(d: float) -> float:
        share = max(psi, d)
        return math.sqrt(n) * d - z * math.sqrt(share) - beta * math.sqrt(max(share - d * d, 0.0))

    detectable = _root(short, 1.0)
    if difference == 0:
        return Reach(detectable, None, None)
    settled = (only_a - only_b) ** 2 > z * z * (only_a + only_b)
    for_power = (z * math.sqrt(psi) + beta * math.sqrt(max(psi - difference**2, 0.0))) ** 2 / difference**2
    return Reach(detectable, None if settled else _rows(z * z * psi / difference**2, above=n), _rows(for_power))


def _root(short: Callable[[float], float], edge: float) -> float | None:
    """Where an increasing condition is met first; None where not even the largest difference meets it."""
    return float(optimize.brentq(short, 1e-15, edge, xtol=1e-15)) if short(edge) > 0 else None


def _z(level: float) -> float:
    return float(special.ndtri(0.5 + level / 2))


def _quantile(level: float, degrees: float) -> float:
    return _z(level) if math.isinf(degrees) else float(special.stdtrit(degrees, 0.5 + level / 2))


def _multiple(level: float, degrees: float) -> float:
    """The detectable difference in standard errors: the noncentrality at which the two-sided test has the power."""
    if degrees >= FEW:
        return _quantile(level, degrees) + float(special.ndtri(POWER))
    return float(special.nctdtrinc(degrees, 1 - POWER, _quantile(level, degrees)))


def _rows(wanted: float, above: int = 0) -> int | None:
    """A whole number of rows, more than `above`; None for one beyond reason."""
    return max(math.ceil(wanted), above + 1) if wanted < MOST_ROWS else None
