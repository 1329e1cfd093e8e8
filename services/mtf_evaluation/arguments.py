"""Arguments of the built-in metrics. They are checked where gates are read, in processes that load no numerical library."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class NoArgs(BaseModel):
    """A metric without arguments: its name is its whole definition."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuantileArgs(NoArgs):
    """Which quantile the predictions are of."""

    quantile: float = Field(default=0.5, gt=0, lt=1, description="The quantile that is predicted, between 0 and 1; 0.9 means that 90 of 100 lie below.")


class ErrorQuantileArgs(NoArgs):
    """Which quantile of the errors."""

    quantile: float = Field(default=0.9, gt=0, lt=1, description="The share of the rows whose error is at most the value, between 0 and 1.")


class TweedieArgs(NoArgs):
    """Which member of the Tweedie family."""

    power: float = Field(
        default=1.5,
        ge=-100,
        le=100,
        description="Power of the mean that the variance grows with: 0 normal, 1 Poisson, 1 to 2 sums with zeros, 2 gamma, 3 inverse Gaussian.",
    )

    @field_validator("power")
    @classmethod
    def _exists(cls, power: float) -> float:
        if 0 < power < 1:
            raise ValueError("the Tweedie family has no power between 0 and 1")
        return power


class NominalArgs(NoArgs):
    """What the prediction intervals promise."""

    nominal: float = Field(default=0.9, gt=0, lt=1, description="The share of rows that the intervals promise to hold, between 0 and 1.")
