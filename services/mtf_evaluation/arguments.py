"""Arguments of the built-in metrics. They are checked where gates are read, in processes that load no numerical library."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class NoArgs(BaseModel):
    """A metric without arguments: its name is its whole definition."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuantileArgs(NoArgs):
    """Which quantile the predictions are of."""

    quantile: float = Field(
        default=0.5, gt=0, lt=1, description="The quantile that is predicted, between 0 and 1; 0.9 means that 90 of 100 lie below."
    )


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


class BetaArgs(NoArgs):
    """How much recall counts against precision."""

    beta: float = Field(
        default=1.0, gt=0, le=1000, description="Recall counts beta times as much as precision; 2 favours recall, 0.5 precision."
    )


class ShareArgs(NoArgs):
    """How far down the order of the scores one goes."""

    share: float = Field(default=0.1, gt=0, lt=1, description="The share of the rows, those with the highest scores; 0.1 is the top tenth.")
    k: int | None = Field(
        default=None,
        ge=1,
        description="The number of rows instead, those with the highest scores, in a slice those of the slice; not with weights.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.k is not None and "share" in self.model_fields_set:
            raise ValueError("`share` and `k` say the same thing twice; give one of them")
        return self


class SpecificityArgs(NoArgs):
    """Where on the ROC curve, by the negatives."""

    specificity: float = Field(default=0.9, gt=0, lt=1, description="The share of the negatives that the threshold must leave negative.")


class SensitivityArgs(NoArgs):
    """Where on the ROC curve, by the positives."""

    sensitivity: float = Field(default=0.9, gt=0, lt=1, description="The share of the positives that the threshold must find.")


class MaxFprArgs(NoArgs):
    """How far the ROC curve counts."""

    max_fpr: float = Field(default=0.1, gt=0, le=1, description="The false positive rate up to which the area counts; 1 is the whole area.")


class TopKArgs(NoArgs):
    """How many answers a row may give."""

    k: int = Field(default=2, ge=1, description="How many classes with the highest scores count as the answer.")


class CostArgs(NoArgs):
    """What each outcome costs, in any unit; a gain is a negative cost."""

    false_positive: float = Field(default=1.0, allow_inf_nan=False, description="Cost of a negative row predicted positive.")
    false_negative: float = Field(default=1.0, allow_inf_nan=False, description="Cost of a positive row predicted negative.")
    true_positive: float = Field(default=0.0, allow_inf_nan=False, description="Cost of a positive row predicted positive.")
    true_negative: float = Field(default=0.0, allow_inf_nan=False, description="Cost of a negative row predicted negative.")
