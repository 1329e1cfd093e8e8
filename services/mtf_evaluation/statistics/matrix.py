"""Draws of a confusion matrix, from which the interval of any function of it is read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mtf_evaluation.statistics.interval import Interval

Floats = NDArray[np.float64]
CELLS = 400_000
"""Most gamma variates drawn for one matrix: about 6 ms and 3 MB."""
DRAWS = 10_000
FEWEST_DRAWS = 4_000


def prior(k: int) -> Floats:
    """(k, k) pseudo-counts: one row shared by the diagonal and one by all other cells.

    For two classes this is Jeffreys' 1/2 in each cell. For more, 1/2 in each cell would add k (k - 1) / 2 errors that nobody saw:
    with ten classes and 1,000 rows intervals of F1 then hold the truth in 60 % of test sets instead of 95 %.
    """
    pseudo = np.full((k, k), 1 / (k * (k - 1)) if k > 1 else 1.0)
    np.fill_diagonal(pseudo, 1 / k)
    return pseudo


def dirichlet(counts: Floats, generator: np.random.Generator) -> Floats | None:
    """(k, k, draws) matrices from the posterior Dirichlet(counts + prior) of a (k, k) matrix of row counts, up to a factor.

    The functions drawn here do not change when the matrix is rescaled, so gamma variates are enough. None where the matrix is
    too large for enough draws; the delta method serves there.
    """
    draws = min(DRAWS, CELLS // counts.size)
    if draws < FEWEST_DRAWS:
        return None
    shape = (counts + prior(counts.shape[0]))[..., None]
    return generator.standard_gamma(shape, size=(*counts.shape, draws))


def drawn_interval(function: Callable[[Floats], Floats], matrices: Floats, level: float) -> Interval:
    """The central interval of the function's values over the draws. Draws where it is undefined do not count."""
    values = np.asarray(function(matrices), dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return Interval(None, None, "none", "the metric is undefined in every draw of the confusion matrix")
    tail = (1 - level) / 2
    lower, upper = np.quantile(values, [tail, 1 - tail])
    return Interval(float(lower), float(upper), "dirichlet")
