"""Steps that change values row by row: other types, other values."""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from mtf.contracts.base import UserSpec
from mtf.contracts.stages import Roles
from mtf.plugins import StepKind
from mtf_processing.names import name_of
from mtf_processing.steps.base import Step

if TYPE_CHECKING:
    import pyarrow as pa

TypeName = Literal["int64", "float64", "utf8", "bool", "timestamp", "decimal"]


def _present(names: Iterable[str], batch: pa.RecordBatch) -> list[str]:
    have = set(batch.schema.names)
    return [name for name in names if name in have]


class CastArgs(UserSpec):
    """Change the type of columns."""

    columns: dict[str, TypeName] = Field(min_length=1, description="Column to type.")
    invalid: Literal["error", "missing"] = Field(
        default="error", description="What becomes of a value that has no meaning in the new type: an error, or a missing value."
    )


class Cast(Step):
    """Change the type of columns."""

    name: ClassVar[str] = "cast"
    kind: ClassVar[StepKind] = "values"
    Args: ClassVar[type[UserSpec]] = CastArgs

    def apply(self, batch: pa.RecordBatch, args: CastArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """The batch with the columns in their new types. Raises DataError with the first value that does not fit."""
        from mtf_processing.kernels.casts import cast
        from mtf_processing.kernels.columns import replaced

        present = _present(args.columns, batch)
        return replaced(
            batch, {name: cast(batch.column(name), args.columns[name], name, lenient=args.invalid == "missing") for name in present}
        )


class ReplaceArgs(UserSpec):
    """Exchange values."""

    values: dict[str, str | bool | int | float | None] = Field(
        min_length=1, description="Old value to new value; null makes it missing. Old values go by name: `1` finds 1, 1.0 and the text 1."
    )
    columns: list[str] | None = Field(default=None, description="Columns to look in; every feature by default.")

    @field_validator("values", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """Keys of YAML may be numbers and bools; JSON knows text only."""
        return {name_of(key): item for key, item in value.items()} if isinstance(value, dict) else value


class Replace(Step):
    """Exchange values. The column keeps its type."""

    name: ClassVar[str] = "replace"
    kind: ClassVar[StepKind] = "values"
    Args: ClassVar[type[UserSpec]] = ReplaceArgs

    def apply(self, batch: pa.RecordBatch, args: ReplaceArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """The batch with the values exchanged. Raises SpecError for a new value that a named column cannot hold."""
        from mtf_processing.kernels.casts import exchange
        from mtf_processing.kernels.columns import replaced

        wanted = args.columns if args.columns is not None else roles.features or []
        present = _present(wanted, batch)
        strict = args.columns is not None
        return replaced(batch, {name: exchange(batch.column(name), args.values, name, strict=strict) for name in present})
