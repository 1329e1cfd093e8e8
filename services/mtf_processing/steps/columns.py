"""Steps that name columns anew or take them away."""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mtf.contracts.base import UserSpec
from mtf.contracts.stages import Roles
from mtf.errors import SpecError
from mtf.plugins import StepKind
from mtf_processing.steps.base import Step

if TYPE_CHECKING:
    import pyarrow as pa


class DropColumnsArgs(UserSpec):
    """Take columns away from the model; slices may still name them."""

    columns: list[str] = Field(min_length=1, description="Columns that are no features any more. Slices and gates may still name them.")


class DropColumns(Step):
    """Take columns away."""

    name: ClassVar[str] = "drop_columns"
    kind: ClassVar[StepKind] = "values"
    Args: ClassVar[type[UserSpec]] = DropColumnsArgs

    def removes(self, args: DropColumnsArgs) -> Sequence[str]:
        """The named columns."""
        return args.columns

    def apply(self, batch: pa.RecordBatch, args: DropColumnsArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """The batch without the columns; one that it does not have is no matter."""
        gone = set(args.columns)
        return batch.select([name for name in batch.schema.names if name not in gone])


class RenameArgs(UserSpec):
    """Give columns new names."""

    columns: dict[str, str] = Field(min_length=1, description="Old name to new name. Roles such as the target follow by themselves.")


class Rename(Step):
    """Give columns new names."""

    name: ClassVar[str] = "rename"
    kind: ClassVar[StepKind] = "values"
    Args: ClassVar[type[UserSpec]] = RenameArgs

    def renames(self, args: RenameArgs) -> Mapping[str, str]:
        """Old name to new name."""
        return args.columns

    def apply(self, batch: pa.RecordBatch, args: RenameArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """The same columns under new names. Raises SpecError when two columns would have one name."""
        names = [args.columns.get(name, name) for name in batch.schema.names]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise SpecError(
                f"two columns would be called `{twice[0][:100]}`",
                field="columns",
                found=twice[0],
                fix="choose another name, or drop the other column",
            )
        return batch.rename_columns(names)
