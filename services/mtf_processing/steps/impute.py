"""Fill missing values with what the training rows say."""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mtf.contracts.base import UserSpec
from mtf.errors import DataError, SpecError
from mtf_processing.steps.base import ColumnStep

if TYPE_CHECKING:
    import pyarrow as pa


class ImputeArgs(UserSpec):
    """Fill missing values."""

    numeric: Literal["mean", "median", "constant"] | None = Field(
        default="median", description="What fills a column of numbers; null leaves them as they are. The column becomes float64."
    )
    categorical: Literal["most_frequent", "constant"] | None = Field(
        default="most_frequent",
        description="What fills a column of text or bools; null leaves them as they are. Of equally frequent values the smallest.",
    )
    columns: list[str] | None = Field(default=None, description="Columns to fill; every numeric and categorical feature by default.")
    numeric_value: float = Field(default=0.0, description="The number for `numeric: constant`.", allow_inf_nan=False)
    categorical_value: str | bool = Field(default="missing", description="The value for `categorical: constant`.")


class Impute(ColumnStep):
    """Fill missing values by column: mean or median of numbers, the most frequent category, or a constant."""

    name: ClassVar[str] = "impute"
    Args: ClassVar[type[UserSpec]] = ImputeArgs

    def learns(self, args: ImputeArgs) -> bool:
        """Constants need no training rows."""
        return args.numeric in {"mean", "median"} or args.categorical == "most_frequent"

    def named(self, args: ImputeArgs) -> Sequence[tuple[str, str]]:
        """The named columns."""
        return [("columns", name) for name in args.columns or ()]

    def suits(self, type_: pa.DataType, args: ImputeArgs) -> bool:
        """Numbers and categories that have a strategy."""
        from mtf_processing.kernels.columns import kind_of

        return kind_of(type_) != "time" and self._strategy(type_, args) is not None

    def cost(self, args: ImputeArgs) -> int:
        """A median holds its column."""
        return 8 if args.numeric == "median" else 0

    def column_state(self, column: pa.Array, name: str, args: ImputeArgs) -> tuple[str, Any]:
        """The strategy and what it sums up."""
        from mtf_processing.kernels.columns import NUMERIC, floats, kind_of
        from mtf_processing.kernels.counts import count
        from mtf_processing.kernels.moments import Moments
        from mtf_processing.kernels.quantiles import Quantiles

        kind = kind_of(column.type)
        if kind == "time":
            raise SpecError(f"column `{name}` holds times, which `impute` does not fill", field="columns", found=name, fix="leave it out")
        strategy = self._strategy(column.type, args)
        if strategy == "mean":
            return strategy, Moments.of(floats(column))
        if strategy == "median":
            return strategy, Quantiles.of(floats(column))
        if strategy == "most_frequent":
            return strategy, count(column, name)
        if strategy == "constant":
            return ("number" if kind in NUMERIC else kind), None
        return "none", None

    def column_merge(self, a: tuple[str, Any], b: tuple[str, Any], name: str) -> tuple[str, Any]:
        """Both together."""
        from mtf_processing.kernels.counts import merge

        if a[0] == "most_frequent":
            return a[0], merge(a[1], b[1], name)
        return a[0], a[1].merge(b[1]) if a[1] is not None else None

    def column_finish(self, state: tuple[str, Any], name: str, args: ImputeArgs) -> dict[str, Any]:
        """`{"value": filling}`; empty for a column that is left as it is."""
        strategy, found = state
        if strategy == "none":
            return {}
        if strategy in {"number", "text", "bool"}:
            return {"value": _constant(strategy, name, args)}
        if strategy == "most_frequent":
            present = {value: rows for value, rows in found.items() if value is not None}
            if not present:
                raise _nothing(name, strategy)
            most = max(present.values())
            return {"value": min(value for value, rows in present.items() if rows == most)}
        if found.n == 0:
            raise _nothing(name, strategy)
        return {"value": found.mean if strategy == "mean" else found.at([0.5])[0]}

    def column_apply(self, column: pa.Array, name: str, args: ImputeArgs, params: dict[str, Any]) -> pa.Array:
        """The column without missing values."""
        import numpy as np
        import pyarrow.compute as pc

        from mtf_processing.kernels.columns import NUMERIC, decoded, floats, from_floats, kind_of

        if not params:
            return column
        if kind_of(column.type) in NUMERIC:
            values = floats(column)
            lacks = np.isnan(values)
            return from_floats(np.where(lacks, params["value"], values) if lacks.any() else values, complete=True)
        return pc.fill_null(decoded(column), params["value"]) if column.null_count else column

    def _strategy(self, type_: pa.DataType, args: ImputeArgs) -> str | None:
        from mtf_processing.kernels.columns import NUMERIC, kind_of

        return args.numeric if kind_of(type_) in NUMERIC else args.categorical


def _constant(kind: str, name: str, args: ImputeArgs) -> float | str | bool:
    if kind == "number":
        return args.numeric_value
    value = args.categorical_value
    if kind == "bool" and not isinstance(value, bool):
        raise SpecError(
            f"column `{name}` is bool and cannot be filled with a text",
            field="categorical_value",
            found=value,
            fix="name the text columns under `columns`, or `cast` the column to utf8 first",
        )
    return value if kind == "bool" or isinstance(value, str) else str(value).lower()


def _nothing(name: str, strategy: str) -> DataError:
    return DataError(
        f"column `{name}` has no value in the training rows, so there is no {strategy.replace('_', ' ')} to fill it with",
        field="columns",
        found=name,
        fix="drop the column with `drop_columns`, or fill it with a constant",
    )
