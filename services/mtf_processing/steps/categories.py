"""Steps that turn categories into numbers."""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from mtf.contracts.base import UserSpec
from mtf.contracts.stages import Roles
from mtf.errors import SpecError
from mtf_processing.steps.base import ColumnStep

if TYPE_CHECKING:
    import pyarrow as pa


class OneHotArgs(UserSpec):
    """A column of 0 and 1 for each category."""

    columns: list[str] | None = Field(default=None, description="Columns to encode; every text feature by default.")
    handle_unknown: Literal["ignore", "error"] = Field(
        default="ignore", description="What becomes of a category that the training rows do not have: zeros in every column, or an error."
    )
    drop: Literal["first"] | None = Field(default=None, description="`first` leaves the first category's column out.")
    max_categories: int | None = Field(
        default=None, ge=1, description="At most this many columns; the rarest categories share one, named as scikit-learn names it."
    )


class OneHot(ColumnStep):
    """A column of 0 and 1 for each category of the training rows, named and ordered as scikit-learn's OneHotEncoder does.

    Missing values are a category `nan` where the training rows have some.
    """

    name: ClassVar[str] = "one_hot"
    reshapes: ClassVar[bool] = True
    Args: ClassVar[type[UserSpec]] = OneHotArgs

    def suits(self, type_: pa.DataType, args: OneHotArgs) -> bool:
        """Text."""
        from mtf_processing.kernels.columns import kind_of

        return kind_of(type_) == "text"

    def column_state(self, column: pa.Array, name: str, args: OneHotArgs) -> Any:
        """How often each category occurs."""
        from mtf_processing.kernels.counts import count

        return count(column, name)

    def column_merge(self, a: Any, b: Any, name: str) -> Any:
        """Both together."""
        from mtf_processing.kernels.counts import merge

        return merge(a, b, name)

    def column_finish(self, state: Any, name: str, args: OneHotArgs) -> dict[str, Any]:
        """`{"categories": [...], "codes": [column of each category], "names": [column names]}`."""
        from mtf_processing.kernels.encoding import plan

        return plan(state, name, drop=args.drop, most=args.max_categories)

    def sources(self, params: dict[str, Any], names: Iterable[str]) -> set[str]:
        """The encoded column behind each name."""
        origin = {new: old for old, learned in params["columns"].items() for new in learned["names"]}
        return {origin.get(name, name) for name in names}

    def apply(self, batch: pa.RecordBatch, args: OneHotArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """The encoded columns in the place of their source."""
        import pyarrow as pa

        from mtf_processing.kernels.encoding import expand

        names: list[str] = []
        arrays: list[pa.Array] = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            learned = params["columns"].get(name)
            if learned is None:
                names.append(name)
                arrays.append(column)
            else:
                names += learned["names"]
                arrays += expand(column, name, learned, strict=args.handle_unknown == "error")
        return pa.RecordBatch.from_arrays(arrays, names=names)


class OrdinalArgs(UserSpec):
    """Categories as whole numbers."""

    columns: list[str] | None = Field(
        default=None, description="Columns to encode; those of `order` by default, and without one every text feature."
    )
    order: dict[str, list[str | bool | int | float]] = Field(
        default_factory=dict,
        description="Column to its categories from the lowest to the highest; of other columns they are learned and sorted.",
    )
    unknown_value: float = Field(default=-1.0, description="The number of a category that is not known.", allow_inf_nan=False)

    @field_validator("order")
    @classmethod
    def _distinct(cls, value: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for column, categories in value.items():
            if not categories or len({str(item) for item in categories}) < len(categories):
                raise ValueError(f"the order of `{column[:100]}` must name each category once")
        return value


class Ordinal(ColumnStep):
    """Categories as 0, 1, 2, ... in a declared or in the sorted order, as scikit-learn's OrdinalEncoder does. Missing stays missing."""

    name: ClassVar[str] = "ordinal"
    reshapes: ClassVar[bool] = True
    Args: ClassVar[type[UserSpec]] = OrdinalArgs

    def learns(self, args: OrdinalArgs) -> bool:
        """Only an order that is not declared."""
        if args.columns is not None:
            return any(column not in args.order for column in args.columns)
        return not args.order

    def named(self, args: OrdinalArgs) -> Sequence[tuple[str, str]]:
        """The columns of both arguments."""
        return [*(("columns", name) for name in args.columns or ()), *(("order", name) for name in args.order)]

    def columns(self, args: OrdinalArgs, schema: pa.Schema) -> list[str]:
        """The named ones, those with an order, or all text."""
        if args.columns is None and args.order:
            present = set(schema.names)
            return [name for name in args.order if name in present]
        return super().columns(args, schema)

    def suits(self, type_: pa.DataType, args: OrdinalArgs) -> bool:
        """Text."""
        from mtf_processing.kernels.columns import kind_of

        return kind_of(type_) == "text"

    def column_state(self, column: pa.Array, name: str, args: OrdinalArgs) -> Mapping[Any, int]:
        """How often each category occurs; nothing where the order is declared."""
        from mtf_processing.kernels.counts import count

        if name in args.order:
            self._check(column, name, args)
            return {}
        return count(column, name)

    def column_merge(self, a: Any, b: Any, name: str) -> Any:
        """Both together."""
        from mtf_processing.kernels.counts import merge

        return merge(a, b, name)

    def column_finish(self, state: Any, name: str, args: OrdinalArgs) -> dict[str, Any]:
        """`{"categories": [...]}` from 0 upwards."""
        from mtf_processing.kernels.counts import ordered

        return {"categories": list(args.order[name]) if name in args.order else ordered(state)}

    def column_apply(self, column: pa.Array, name: str, args: OrdinalArgs, params: dict[str, Any]) -> pa.Array:
        """The numbers of the categories."""
        from mtf_processing.kernels.encoding import rank

        return rank(column, params["categories"], args.unknown_value)

    def _check(self, column: pa.Array, name: str, args: OrdinalArgs) -> None:
        from mtf_processing.kernels.encoding import values_of

        if values_of(args.order[name], column.type) is None:
            raise SpecError(
                f"the order of `{name[:100]}` does not fit its column of type {column.type}",
                field="order",
                found=args.order[name],
                fix="write the categories as they stand in the data",
            )
