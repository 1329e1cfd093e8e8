"""Whether more than two models can be told apart at all, before any two of them are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf_evaluation.statistics.design import Design

Floats = NDArray[np.float64]
RANK = 1e-10
"""An eigenvalue below this share of the largest is rounding: models that are copies of each other give no dimension."""


@dataclass(frozen=True)
class Omnibus:
    """A test of equality of k models. `reason` says why there is none."""

    method: str
    statistic: float | None = None
    df: float | None = None
    df_error: float | None = None
    p_value: float | None = None
    reason: str | None = None


def cochran_q(hits: NDArray[np.bool_]) -> Omnibus:
    """Cochran's Q (Biometrika 1950) of (n, k) hits of k models on the same n independent rows: chi squared with k - 1 degrees.

    For two models it is McNemar's test. Without a row on which the models differ p is 1.
    """
    k = hits.shape[1]
    by_model = hits.sum(axis=0, dtype=np.float64)
    by_row = hits.sum(axis=1, dtype=np.float64)
    total = float(by_row.sum())
    below = k * total - float(by_row @ by_row)
    if below == 0:
        return Omnibus("cochran-q", 0.0, float(k - 1), None, 1.0)
    q = (k - 1) * (k * float(by_model @ by_model) - total * total) / below
    return Omnibus("cochran-q", q, float(k - 1), None, float(special.chdtrc(k - 1, q)))


def covariance(influences: Floats, design: Design) -> Floats:
    """(k, k) joint covariance of k estimates from their (n, k) influence values on the same rows, by weights and groups.

    NaN where there are fewer than two independent units.
    """
    units = design.groups
    if units < 2:  # noqa: PLR2004 - a variance needs two
        return np.full((influences.shape[1],) * 2, np.nan)
    parts = influences if design.weight is None else design.weight[:, None] * influences
    if design.group is not None:
        parts = np.stack([np.bincount(design.group, weights=column, minlength=units) for column in parts.T], axis=1)
    return np.asarray(units / (units - 1) * (parts.T @ parts) / design.total**2, dtype=np.float64)


def wald(values: Floats, joint: Floats, units: float) -> Omnibus:
    """Hotelling's form of the Wald test that k estimates with a joint covariance are equal.

    T^2 = d' S^-1 d over the differences d from the first, F = T^2 (units - r) / (r (units - 1)) with r and units - r degrees, where r is
    the rank of S: k - 1 unless models are copies of each other. For two estimates it is the square of the paired t-test.

    Args:
        values: (k,) estimates.
        joint: (k, k) covariance.
        units: Independent rows or groups; infinite for a covariance that is known, which gives chi squared with r degrees.
    """
    contrast = np.concatenate([-np.ones((values.size - 1, 1)), np.eye(values.size - 1)], axis=1)
    d, s = contrast @ values, contrast @ joint @ contrast.T
    if not (np.isfinite(d).all() and np.isfinite(s).all()):
        return Omnibus("none", reason="a value or its variance is undefined")
    if units < values.size:
        return Omnibus("none", reason=f"{units:.3g} independent rows or groups are too few for {values.size} models")
    scale = float(np.trace(joint))
    roots, axes = np.linalg.eigh(s)
    kept = roots > RANK * max(scale, 0.0)
    rank, along = int(kept.sum()), axes.T @ d
    if np.abs(along[~kept]).max(initial=0.0) > math.sqrt(RANK * max(scale, 0.0)) + 1e-12 * float(np.abs(values).max()):
        return Omnibus("none", reason="two models differ by the same on every row, so nothing tells how much that would vary")
    if rank == 0:
        return Omnibus("wald", 0.0, float(values.size - 1), None, 1.0)
    statistic = float((along[kept] ** 2 / roots[kept]).sum())
    if math.isinf(units):
        return Omnibus("wald", statistic, float(rank), None, float(special.chdtrc(rank, statistic)))
    error = units - rank
    f = statistic * error / (rank * (units - 1))
    return Omnibus("wald", f, float(rank), float(error), float(special.fdtrc(rank, error, f)))
