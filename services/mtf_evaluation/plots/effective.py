"""Intervals of many shares at once, and how much groups shrink the rows behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


def wilson_many(share: Floats, n: Floats | float, level: float) -> tuple[Floats, Floats]:
    """Wilson's score interval (1927) of many shares out of effective numbers of rows, both (p,); NaN where no row stands behind one.

    The same numbers as `statistics.proportion.wilson`, which serves one share: at 0 and 1 the outer limit is the share itself.
    """
    share, n = np.asarray(share, dtype=np.float64), np.broadcast_to(np.asarray(n, dtype=np.float64), np.shape(share))
    z = float(special.ndtri(0.5 + level / 2))
    z2 = z * z
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = z / (1 + z2 / n) * np.sqrt(np.maximum(share * (1 - share), 0.0) / n + z2 / (4 * n * n))
    lower = np.where(share <= 0, 0.0, np.maximum(middle - half, 0.0))
    upper = np.where(share >= 1, 1.0, np.minimum(middle + half, 1.0))
    known = (n > 0) & np.isfinite(share)
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def clustered(values: Floats, weight: Floats | None, group: NDArray[np.intp], mask: NDArray[np.bool_]) -> float:
    """The share of the rows in `mask` that counts after dependence within groups: 1 / design effect of the mean of `values`, at most 1.

    The design effect compares the variance of the mean from the groups' sums (Liang and Zeger 1986) with that of independent rows.
    """
    every = bool(mask.all())
    unit = group if every else group[mask]
    units = np.bincount(unit)
    rows = int(unit.size)
    count = int(np.count_nonzero(units))
    if count < 2:  # noqa: PLR2004 - a variance needs two units
        return 1 / rows if rows else 1.0
    part = values if every else values[mask]
    if weight is None:
        deviation = part - part.mean()
    else:
        w = weight if every else weight[mask]
        deviation = w * (part - float(w @ part) / float(w.sum()))
    alone = float(deviation @ deviation) * rows / max(rows - 1, 1)
    sums = np.bincount(unit, weights=deviation)
    together = float(sums @ sums) * count / (count - 1)
    if not together > 0 or not alone > 0:
        return count / rows
    return min(1.0, max(alone / together, 1 / rows))
