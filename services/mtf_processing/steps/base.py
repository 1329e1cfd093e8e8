"""What the built-in steps have in common, and what a step may tell the engine beyond `mtf.plugins.Step`.

Everything here is optional for a stranger's step: without it the engine reads every column, fits the step in a pass of its own, and learns
from training rows whatever the arguments are.
"""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mtf.contracts.stages import Roles
from mtf.plugins import StepKind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

POSITION = "mtf:row"
"""Column of row positions (int64) that steps of the kinds `rows` and `split` see; it must survive them."""
TEST = "mtf:test"
"""Bool column that a step of the kind `split` adds: True marks a test row."""


class Step:
    """Defaults for steps that neither learn, drop, rename nor read anything in particular."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    kind: ClassVar[StepKind]

    def learns(self, args: Any) -> bool:
        """Whether these arguments need training rows. A fitted step whose arguments say everything needs none."""
        return self.kind == "fitted"

    def whole(self, args: Any) -> bool:
        """Whether a step of kind `rows` or `split` must see every row before it can decide on one."""
        return False

    def named(self, args: Any) -> Sequence[tuple[str, str]]:
        """(argument, column) for each column that the arguments name."""
        columns = getattr(args, "columns", None) or ()
        return [("columns", column) for column in columns]

    def reads(self, args: Any, roles: Roles) -> Sequence[str] | None:
        """Columns that decide which rows stay or where they go; None for all of them."""
        return None

    def renames(self, args: Any) -> Mapping[str, str]:
        """Old name to new name."""
        return {}

    def removes(self, args: Any) -> Sequence[str]:
        """Columns that are gone afterwards."""
        return ()

    def fit_state(self, batch: pa.RecordBatch, args: Any, roles: Roles) -> Any:
        """Nothing is learned."""
        return None

    def merge(self, a: Any, b: Any) -> Any:
        """Nothing is learned."""
        return None

    def finish(self, state: Any, args: Any) -> dict[str, Any]:
        """Nothing is learned."""
        return {}

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Transform one batch."""
        raise NotImplementedError  # every step says what it does

    def decide(self, state: Any, args: Any) -> NDArray[np.int64]:
        """For `whole` steps: positions of the rows that are dropped (kind `rows`) or that are test rows (kind `split`)."""
        raise NotImplementedError  # only steps that return True from `whole` are asked


class ColumnStep(Step):
    """A fitted step that treats each of its columns on its own, so that columns can be fitted in turn and memory stays bounded."""

    kind: ClassVar[StepKind] = "fitted"
    reshapes: ClassVar[bool] = False
    """True when columns change their kind or their number, so that a later choice by kind depends on this step."""

    def columns(self, args: Any, schema: pa.Schema) -> list[str]:
        """The columns of `schema` that the step changes: the named ones that are there, else those of the right kind."""
        if args.columns is not None:
            present = set(schema.names)
            return [name for name in args.columns if name in present]
        return [field.name for field in schema if self.suits(field.type, args)]

    def suits(self, type_: pa.DataType, args: Any) -> bool:
        """Whether a column of this type is taken when no columns are named."""
        raise NotImplementedError  # every step says what it suits

    def cost(self, args: Any) -> int:
        """Bytes that the state of one column holds for each training row."""
        return 0

    def sources(self, params: dict[str, Any], names: Iterable[str]) -> set[str]:
        """The input columns that these output columns come from."""
        return set(names)

    def fit_state(self, batch: pa.RecordBatch, args: Any, roles: Roles) -> dict[str, Any]:
        """A state for each column."""
        return {name: self.column_state(batch.column(name), name, args) for name in self.columns(args, batch.schema)}

    def merge(self, a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
        """Merge column by column."""
        return {name: self.column_merge(a[name], b[name], name) for name in a}

    def finish(self, state: dict[str, Any], args: Any) -> dict[str, Any]:
        """`{"columns": {name: parameters}}`."""
        return {"columns": {name: self.column_finish(part, name, args) for name, part in state.items()}}

    def apply(self, batch: pa.RecordBatch, args: Any, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """Exchange each fitted column that the batch has, in place."""
        from mtf_processing.kernels.columns import replaced

        learned = params["columns"]
        return replaced(
            batch,
            {name: self.column_apply(batch.column(name), name, args, learned[name]) for name in batch.schema.names if name in learned},
        )

    def column_state(self, column: pa.Array, name: str, args: Any) -> Any:
        """Summarise a column of one batch."""
        raise NotImplementedError  # every step says what it learns

    def column_merge(self, a: Any, b: Any, name: str) -> Any:
        """Both summaries together."""
        raise NotImplementedError  # every step says what it learns

    def column_finish(self, state: Any, name: str, args: Any) -> dict[str, Any]:
        """The column's parameters as plain JSON."""
        raise NotImplementedError  # every step says what it learns

    def column_apply(self, column: pa.Array, name: str, args: Any, params: dict[str, Any]) -> pa.Array:
        """The column transformed."""
        raise NotImplementedError  # every step says what it does


def positions(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """(n,) the positions of a batch's rows in their version; counted from 0 where the batch does not carry them."""
    import numpy as np

    if POSITION in batch.schema.names:
        return np.asarray(batch.column(POSITION).to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.arange(batch.num_rows, dtype=np.int64)
