"""Count, mean, spread and range of numbers as a state that merges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """Summary of the values that are not missing. `m2` is the sum of squared deviations from `mean`."""

    n: int
    mean: float
    m2: float
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """Summarise (n,) values; NaN does not count."""
        present = values[~np.isnan(values)]
        if present.size == 0:
            return cls(0, 0.0, 0.0, np.inf, -np.inf)
        with np.errstate(invalid="ignore", over="ignore"):  # infinite values give an infinite state, which the fit refuses by name
            mean = float(present.mean())
            deviations = present - mean
            # The correction term makes up for the rounding of the mean (Chan, Golub & LeVeque 1983).
            m2 = float(np.square(deviations).sum()) - float(deviations.sum()) ** 2 / present.size
        return cls(present.size, mean, max(m2, 0.0), float(present.min()), float(present.max()))

    def merge(self, other: Moments) -> Moments:
        """Both together (Chan, Golub & LeVeque 1979)."""
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        n = self.n + other.n
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.n / n)
        m2 = self.m2 + other.m2 + gap * gap * (self.n * (other.n / n))
        return Moments(n, mean, m2, min(self.low, other.low), max(self.high, other.high))

    @property
    def variance(self) -> float:
        """Population variance, divided by n, as scikit-learn's StandardScaler has it; 0 without values."""
        return self.m2 / self.n if self.n else 0.0

    @property
    def constant(self) -> bool:
        """Whether the spread cannot be told from rounding: the bound of scikit-learn's `_is_constant_feature`."""
        eps = float(np.finfo(np.float64).eps)
        return self.variance <= self.n * eps * self.variance + (self.n * self.mean * eps) ** 2
