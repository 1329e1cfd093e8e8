"""The split into training and test rows, decided by hashes so that it is the same everywhere and every time."""

# ruff: noqa: ARG002 - the Step protocol names every argument; a step uses those it needs

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from mtf.contracts.base import UserSpec
from mtf.contracts.stages import Roles
from mtf.plugins import StepKind
from mtf_processing.steps.base import POSITION, TEST, Step, positions

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class SplitArgs(UserSpec):
    """Mark rows as training or test rows."""

    test: float = Field(default=0.25, gt=0, lt=1, description="Share of the rows that become test rows.")
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1, description="Another seed gives another split; the run's seed by default.")
    stratify: bool | str = Field(
        default=False,
        description="true: every class of the target keeps its share, exactly; or the name of the column whose values keep theirs. "
        "Without it the share is approximate, and a row stays where it is when rows are added.",
    )
    by: str | None = Field(
        default=None,
        description="Rows that share a value of this column stay together (a patient, a customer); by default the id, else the row's content.",
    )

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if self.by is not None and self.stratify is not False:
            raise ValueError("give `by` or `stratify`, not both: ranks within a class would tear apart the rows that `by` keeps together")
        return self


class Split(Step):
    """Rows whose hash of (seed, id or content) is small become test rows; with `stratify` the smallest within each class."""

    name: ClassVar[str] = "split"
    kind: ClassVar[StepKind] = "split"
    Args: ClassVar[type[UserSpec]] = SplitArgs

    def whole(self, args: SplitArgs) -> bool:
        """Ranks within a class need the whole class."""
        return args.stratify is not False

    def named(self, args: SplitArgs) -> Sequence[tuple[str, str]]:
        """The columns of `by` and `stratify`."""
        found = [("by", args.by)] if args.by is not None else []
        return [*found, ("stratify", args.stratify)] if isinstance(args.stratify, str) else found

    def reads(self, args: SplitArgs, roles: Roles) -> Sequence[str] | None:
        """The hashed column and the classes; every column where the content is hashed."""
        key = args.by or roles.id
        if key is None:
            return None
        classes = self._classes(args, roles)
        return [key, *([classes] if classes else [])]

    def apply(self, batch: pa.RecordBatch, args: SplitArgs, params: dict[str, Any], roles: Roles) -> pa.RecordBatch:
        """The batch with the column of test marks."""
        import numpy as np
        import pyarrow as pa

        from mtf_processing.kernels.hashing import share

        if self.whole(args):
            test = np.isin(positions(batch), self.decide(self.fit_state(batch, args, roles), args)) if batch.num_rows else np.zeros(0, bool)
        else:
            test = share(self._hash(batch, args, roles)) < args.test
        return batch.append_column(TEST, pa.array(test))

    def fit_state(self, batch: pa.RecordBatch, args: SplitArgs, roles: Roles) -> list[tuple[NDArray[Any], ...]]:
        """Positions, hashes and classes (as hashes) of the batch's rows."""
        from mtf_processing.kernels.hashing import column_hash

        classes = self._classes(args, roles)
        return [(positions(batch), self._hash(batch, args, roles), column_hash(batch.column(classes)).astype("uint32"))]

    def merge(self, a: list[Any], b: list[Any]) -> list[Any]:
        """One list behind the other."""
        return [*a, *b]

    def decide(self, state: list[tuple[NDArray[Any], ...]], args: SplitArgs) -> NDArray[np.int64]:
        """Positions of the test rows: of each class the ones with the smallest hashes, and round(share x rows) of them in all.

        What rounding leaves over goes to the classes with the largest remainders, so that both shares are as exact as whole rows can be.
        """
        import numpy as np

        position, hashes, classes = (np.concatenate(parts) for parts in zip(*state, strict=True))
        order = np.lexsort((position, hashes, classes))
        _, starts, sizes = np.unique(classes[order], return_index=True, return_counts=True)
        wanted = sizes * args.test
        quota = np.floor(wanted + 1e-9).astype(np.int64)
        left = int(np.floor(len(position) * args.test + 0.5)) - int(quota.sum())
        if left > 0:
            quota[np.argsort(-(wanted - quota), kind="stable")[:left]] += 1
        rank = np.arange(len(position)) - np.repeat(starts, sizes)
        return np.sort(position[order][rank < np.repeat(quota, sizes)])

    def _classes(self, args: SplitArgs, roles: Roles) -> str | None:
        if isinstance(args.stratify, str):
            return args.stratify
        return roles.target if args.stratify else None

    def _hash(self, batch: pa.RecordBatch, args: SplitArgs, roles: Roles) -> NDArray[np.uint64]:
        from mtf_processing.kernels.hashing import row_hash

        key = args.by or roles.id
        names = [key] if key else [name for name in batch.schema.names if name not in {POSITION, TEST}]
        return row_hash([batch.column(name) for name in names], args.seed or 0)
