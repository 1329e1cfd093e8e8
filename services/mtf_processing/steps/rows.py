"""Steps that drop rows: in every split, and before anything is learned from them."""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mtf.contracts.base import UserSpec
from mtf.contracts.stages import Roles
from mtf.plugins import StepKind
from mtf_processing.steps.base import Step, positions

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def _features_and_target(columns: list[str] | None, roles: Roles) -> list[str]:
    if columns is not None:
        return columns
    return [*(roles.features or []), *([roles.target] if roles.target else [])]


class DropMissingArgs(UserSpec):
    """Drop rows that lack a value."""

    columns: list[str] | None = Field(default=None, description="Columns that must have a value; every feature and the target by default.")


class DropMissing(Step):
    """Drop rows with a null or NaN in one of the columns."""

    name: ClassVar[str] = "drop_missing"
    kind: ClassVar[StepKind] = "rows"
    Args: ClassVar[type[UserSpec]] = DropMissingArgs

    def reads(self, args: DropMissingArgs, roles: Roles) -> Sequence[str]:
        """The columns that must have a value."""
        return _features_and_target(args.columns, roles)

    def apply(self, batch: pa.RecordBatch, args: DropMissingArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """The rows that lack nothing."""
        import numpy as np
        import pyarrow as pa

        from mtf_processing.kernels.columns import missing

        lacks = np.zeros(batch.num_rows, dtype=bool)
        have = set(batch.schema.names)
        for name in _features_and_target(args.columns, roles):
            if name in have:
                lacks |= missing(batch.column(name))
        return batch.filter(pa.array(~lacks)) if lacks.any() else batch


class DropDuplicatesArgs(UserSpec):
    """Drop rows that repeat an earlier one."""

    columns: list[str] | None = Field(
        default=None, description="Columns that make two rows equal; every feature and the target by default. Missing equals missing."
    )
    keep: Literal["first", "last"] = Field(default="first", description="Which of equal rows stays.")


class DropDuplicates(Step):
    """Keep one of equal rows. Rows are compared by a 128-bit hash: 16 bytes a row, and a wrong match in 10^7 rows has odds of 10^-25."""

    name: ClassVar[str] = "drop_duplicates"
    kind: ClassVar[StepKind] = "rows"
    Args: ClassVar[type[UserSpec]] = DropDuplicatesArgs

    def whole(self, args: DropDuplicatesArgs) -> bool:
        """A row's twin may stand anywhere."""
        return True

    def reads(self, args: DropDuplicatesArgs, roles: Roles) -> Sequence[str]:
        """The columns that make two rows equal."""
        return _features_and_target(args.columns, roles)

    def fit_state(self, batch: pa.RecordBatch, args: DropDuplicatesArgs, roles: Roles) -> list[tuple[NDArray[Any], ...]]:
        """Positions and hashes of the batch's rows."""
        import numpy as np

        from mtf_processing.kernels.hashing import row_hash

        have = set(batch.schema.names)
        columns = [batch.column(name) for name in _features_and_target(args.columns, roles) if name in have]
        position = positions(batch)
        if not columns:
            return [(position, np.arange(len(position), dtype=np.uint64), np.zeros(len(position), dtype=np.uint64))]
        return [(position, row_hash(columns, 0, 0), row_hash(columns, 0, 1))]

    def merge(self, a: list[Any], b: list[Any]) -> list[Any]:
        """One list behind the other."""
        return [*a, *b]

    def decide(self, state: list[tuple[NDArray[Any], ...]], args: DropDuplicatesArgs) -> NDArray[np.int64]:
        """Positions of the rows that go."""
        import numpy as np

        position, low, high = (np.concatenate(parts) for parts in zip(*state, strict=True))
        order = np.argsort(low, kind="stable")
        same = low[order][1:] == low[order][:-1]
        # Rows whose first hash is their own have no twin; only the others are sorted by both hashes.
        order = order[np.concatenate([[False], same]) | np.concatenate([same, [False]])]
        order = order[np.lexsort((position[order], high[order], low[order]))]
        same = (low[order][1:] == low[order][:-1]) & (high[order][1:] == high[order][:-1])
        again = np.concatenate([[False], same]) if args.keep == "first" else np.concatenate([same, [False]])
        return np.sort(position[order][again[: len(order)]])

    def apply(self, batch: pa.RecordBatch, args: DropDuplicatesArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """One batch without the rows that repeat another one of the same batch."""
        import numpy as np
        import pyarrow as pa

        if batch.num_rows == 0:
            return batch
        gone = self.decide(self.fit_state(batch, args, roles), args)
        return batch.filter(pa.array(~np.isin(positions(batch), gone)))
