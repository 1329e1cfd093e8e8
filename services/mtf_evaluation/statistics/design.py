"""How the rows were sampled: equal or weighted, independent or in groups. Every standard error is asked for here."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mtf_evaluation.statistics.sums import dot, means

Floats = NDArray[np.float64]


class Design:
    """Sampling weights and groups of n rows.

    Weights say how many rows of the population a row stands for; only their ratios enter a standard error. Rows of one group
    (a patient, a customer) depend on each other; groups are independent.
    """

    def __init__(self, n: int, weight: Floats | None = None, group: NDArray[Any] | None = None) -> None:
        self.n = n
        self.weight = weight
        self._group = group

    @property
    def simple(self) -> bool:
        """Whether the rows are independent and count the same."""
        return self.weight is None and self._group is None

    @cached_property
    def group(self) -> NDArray[np.intp] | None:
        """(n,) codes 0..G-1 without gaps."""
        if self._group is None:
            return None
        return np.unique(self._group, return_inverse=True)[1].astype(np.intp, copy=False)

    @cached_property
    def groups(self) -> int:
        """How many independent units there are: groups, or rows without groups."""
        return self.n if self.group is None else (int(self.group.max()) + 1 if self.n else 0)

    @cached_property
    def total(self) -> float:
        """The sum of the weights; n without weights."""
        return float(self.n) if self.weight is None else float(self.weight.sum())

    @cached_property
    def kish(self) -> float:
        """(sum w)^2 / sum w^2: how many equally weighted rows carry as much information."""
        return self.kish_of(None)

    def kish_of(self, mask: NDArray[np.bool_] | None) -> float:
        """Kish's effective number of the rows in `mask` (all without one), before groups."""
        if self.weight is None:
            return float(self.n if mask is None else np.count_nonzero(mask))
        weight = self.weight if mask is None else self.weight[mask]
        squares = dot(weight, weight)
        return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0

    def groups_of(self, mask: NDArray[np.bool_]) -> int:
        """How many independent units have a row in `mask`."""
        if self.group is None:
            return int(np.count_nonzero(mask))
        return int(np.count_nonzero(np.bincount(self.group[mask], minlength=self.groups)))

    def mean(self, values: Floats) -> float:
        """Weighted mean of (n,) values."""
        return float(values.mean()) if self.weight is None else dot(self.weight, values) / self.total

    def means(self, terms: Floats) -> Floats:
        """Weighted means of the columns of (n, t) terms, as (t,)."""
        if self.weight is None:
            return means(terms)
        return np.asarray(np.einsum("i,ij->j", self.weight, terms) / self.total, dtype=np.float64)

    def standard_error(self, influence: Floats) -> float:
        """Standard error of an estimate with these (n,) influence values, whose weighted mean is 0.

        Independent rows: sqrt(n / (n - 1) sum (w psi)^2) / sum w. Groups: the sums of w psi within the groups take the rows' place
        (Liang and Zeger 1986). NaN where there are fewer than two independent units.
        """
        units = self.groups
        if units < 2:  # noqa: PLR2004 - a variance needs two
            return float("nan")
        parts = influence if self.weight is None else self.weight * influence
        if self.group is not None:
            parts = np.bincount(self.group, weights=parts, minlength=units).astype(np.float64, copy=False)
        return float(np.sqrt(units / (units - 1) * dot(parts, parts))) / self.total

    def effective(self, influence: Floats) -> float:
        """Rows after weights and groups: Kish's number divided by the design effect of the groups, between 1 and n."""
        if self.group is None:
            return self.kish
        clustered = self.standard_error(influence)
        alone = Design(self.n, self.weight).standard_error(influence)
        if not 0 < clustered < np.inf or not alone < np.inf:
            return float(min(self.groups, self.kish))
        return float(min(max(self.kish * (alone / clustered) ** 2, 1.0), self.n))

    def quantile(self, level: float) -> float:
        """The two-sided quantile for an interval of `level`: normal, or Student's t with G - 1 for G groups."""
        p = 0.5 + level / 2
        if self.group is not None and self.groups >= 2:  # noqa: PLR2004 - one group has no t
            return float(special.stdtrit(self.groups - 1, p))
        return float(special.ndtri(p))

    def degrees(self) -> float:
        """Degrees of freedom of a mean's t interval: G - 1 with groups, Kish's number - 1 without."""
        return float(self.groups - 1) if self.group is not None else max(self.kish - 1, 1.0)
