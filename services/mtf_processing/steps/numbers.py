"""Steps over numbers: limits and scales."""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mtf.contracts.base import UserSpec
from mtf.errors import DataError, SpecError
from mtf_processing.steps.base import ColumnStep

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class NumberStep(ColumnStep):
    """A fitted step over columns of numbers. They leave it as float64; missing values stay missing."""

    def suits(self, type_: pa.DataType, args: Any) -> bool:
        """Columns of numbers."""
        from mtf_processing.kernels.columns import NUMERIC, kind_of

        return kind_of(type_) in NUMERIC

    def numbers(self, column: pa.Array, name: str) -> NDArray[np.float64]:
        """The column as float64. Raises SpecError for a column of anything but numbers or bools."""
        from mtf_processing.kernels.columns import floats, kind_of

        kind = kind_of(column.type)
        if kind in {"text", "time"}:
            fix = "name columns of numbers, or encode it first" if kind == "text" else "leave it out"
            raise SpecError(f"column `{name}` is {kind}, and `{self.name}` needs numbers", field="columns", found=name, fix=fix)
        return floats(column)


class ClipArgs(UserSpec):
    """Limit values."""

    columns: list[str] | None = Field(default=None, description="Columns to limit; every numeric feature by default.")
    lower: float | None = Field(default=None, description="Smaller values become this one.", allow_inf_nan=False)
    upper: float | None = Field(default=None, description="Larger values become this one.", allow_inf_nan=False)
    lower_quantile: float | None = Field(default=None, ge=0, le=1, description="The lower limit as a quantile of the training rows.")
    upper_quantile: float | None = Field(default=None, ge=0, le=1, description="The upper limit as a quantile of the training rows.")

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.lower is not None and self.lower_quantile is not None:
            raise ValueError("give `lower` or `lower_quantile`, not both")
        if self.upper is not None and self.upper_quantile is not None:
            raise ValueError("give `upper` or `upper_quantile`, not both")
        if all(bound is None for bound in (self.lower, self.upper, self.lower_quantile, self.upper_quantile)):
            raise ValueError("give a limit: `lower`, `upper`, `lower_quantile` or `upper_quantile`")
        for low, high in ((self.lower, self.upper), (self.lower_quantile, self.upper_quantile)):
            if low is not None and high is not None and low > high:
                raise ValueError("the lower limit is above the upper one")
        return self


class Clip(NumberStep):
    """Limit values to bounds, or to quantiles of the training rows."""

    name: ClassVar[str] = "clip"
    Args: ClassVar[type[UserSpec]] = ClipArgs

    def learns(self, args: ClipArgs) -> bool:
        """Only quantiles need training rows."""
        return args.lower_quantile is not None or args.upper_quantile is not None

    def cost(self, args: ClipArgs) -> int:
        """A quantile holds its column."""
        return 8 if self.learns(args) else 0

    def column_state(self, column: pa.Array, name: str, args: ClipArgs) -> Any:
        """The values, where a quantile is asked for."""
        from mtf_processing.kernels.quantiles import Quantiles

        values = self.numbers(column, name)
        return Quantiles.of(values) if self.learns(args) else None

    def column_merge(self, a: Any, b: Any, name: str) -> Any:
        """Both together."""
        return None if a is None else a.merge(b)

    def column_finish(self, state: Any, name: str, args: ClipArgs) -> dict[str, Any]:
        """`{"lower": number or null, "upper": number or null}`."""
        if state is not None and state.n == 0:
            raise empty(name, "quantile")
        lower = args.lower if args.lower_quantile is None else state.at([args.lower_quantile])[0]
        upper = args.upper if args.upper_quantile is None else state.at([args.upper_quantile])[0]
        if lower is not None and upper is not None and lower > upper:
            raise SpecError(
                f"the lower limit of `{name}` is above the upper one",
                field="columns",
                found=f"{lower:g} > {upper:g}",
                fix="change one of them",
            )
        return {"lower": lower, "upper": upper}

    def column_apply(self, column: pa.Array, name: str, args: ClipArgs, params: dict[str, Any]) -> pa.Array:
        """The column within its limits."""
        import numpy as np

        from mtf_processing.kernels.columns import from_floats

        return from_floats(np.clip(self.numbers(column, name), params["lower"], params["upper"]))


class ScaleArgs(UserSpec):
    """Bring numbers to a common scale."""

    method: Literal["standard", "minmax", "robust"] = Field(
        default="standard",
        description="standard: mean 0 and standard deviation 1; minmax: the training rows' range becomes 0 to 1; "
        "robust: median 0 and distance of the quartiles 1.",
    )
    columns: list[str] | None = Field(default=None, description="Columns to scale; every numeric feature by default.")


class Scale(NumberStep):
    """Subtract a centre and divide by a spread, as scikit-learn's StandardScaler, MinMaxScaler and RobustScaler do."""

    name: ClassVar[str] = "scale"
    Args: ClassVar[type[UserSpec]] = ScaleArgs

    def cost(self, args: ScaleArgs) -> int:
        """Median and quartiles hold their column."""
        return 8 if args.method == "robust" else 0

    def column_state(self, column: pa.Array, name: str, args: ScaleArgs) -> Any:
        """Moments, or the values."""
        from mtf_processing.kernels.moments import Moments
        from mtf_processing.kernels.quantiles import Quantiles

        values = self.numbers(column, name)
        return Quantiles.of(values) if args.method == "robust" else Moments.of(values)

    def column_merge(self, a: Any, b: Any, name: str) -> Any:
        """Both together."""
        return a.merge(b)

    def column_finish(self, state: Any, name: str, args: ScaleArgs) -> dict[str, Any]:
        """`{"center": number, "scale": number}`; the scale of a constant column is 1."""
        import numpy as np

        if state.n == 0:
            raise empty(name, "scale")
        if args.method == "robust":
            center, low, high = state.at([0.5, 0.25, 0.75])
            scale, constant = high - low, high - low < 10 * float(np.finfo(np.float64).eps)
        elif args.method == "minmax":
            center, scale = state.low, state.high - state.low
            constant = scale < 10 * float(np.finfo(np.float64).eps)
        else:
            center, scale, constant = state.mean, float(np.sqrt(state.variance)), state.constant
        return {"center": center, "scale": 1.0 if constant else scale}

    def column_apply(self, column: pa.Array, name: str, args: ScaleArgs, params: dict[str, Any]) -> pa.Array:
        """(value - center) / scale."""
        from mtf_processing.kernels.columns import from_floats

        values = self.numbers(column, name) - params["center"]
        values /= params["scale"]
        return from_floats(values, complete=column.null_count == 0)


def empty(name: str, what: str) -> DataError:
    """The error for a column that has nothing to learn from."""
    return DataError(
        f"column `{name}` has no value in the training rows, so it has no {what}",
        field="columns",
        found=name,
        fix="drop the column with `drop_columns`, or fill it with `impute` first",
    )
