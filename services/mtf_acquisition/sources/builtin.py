"""`builtin`: the small data sets that scikit-learn carries, for a first run without any file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mtf.plugins import SourceContext
from mtf_acquisition.formats.options import SourceArgs

if TYPE_CHECKING:
    import pyarrow as pa


class BuiltinArgs(SourceArgs):
    """Which set."""

    name: Literal["iris", "wine", "breast_cancer", "diabetes", "digits"] = Field(description="A data set of `sklearn.datasets`.")


class BuiltinSource:
    """One of scikit-learn's bundled sets: the features under their names with underscores, then `target` (class names, or a number)."""

    name: ClassVar[str] = "builtin"
    version: ClassVar[int] = 1
    Args: ClassVar[type[BuiltinArgs]] = BuiltinArgs

    def freshness(self, args: BuiltinArgs, context: SourceContext) -> str | None:  # noqa: ARG002 - the protocol gives both
        """The version of scikit-learn that carries the set."""
        return f"scikit-learn {version('scikit-learn')}"

    def read(self, args: BuiltinArgs, context: SourceContext) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - the protocol gives a context
        """Yield the set as one batch."""
        import numpy as np
        import pyarrow as pa
        from sklearn import datasets

        found = getattr(datasets, f"load_{args.name}")()
        names = [str(name).replace(" (cm)", "").replace(" ", "_").replace("/", "_per_") for name in found.feature_names]
        columns = {name: np.ascontiguousarray(found.data[:, index]) for index, name in enumerate(names)}
        if args.name == "digits":
            columns = {name: values.astype("int64") for name, values in columns.items()}
        target = found.target
        if "target_names" in found and args.name != "digits":
            target = np.asarray([str(name) for name in found.target_names], dtype=object)[target]
        yield pa.RecordBatch.from_pydict({**columns, "target": pa.array(target)})
