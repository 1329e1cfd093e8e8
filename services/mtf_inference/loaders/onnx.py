"""ONNX models on onnxruntime's CPU provider: a graph of known operators, no code."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mtf.errors import DataError, ModelError, SpecError
from mtf.plugins import Prediction
from mtf_inference.loaders import onnx_file
from mtf_inference.loaders.arguments import NoArgs
from mtf_inference.loaders.tensors import understood

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MATRIX = 2
"""Rank of a tensor of rows and columns."""
DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}


class OnnxLoader:
    """Opens `.onnx` files."""

    name: ClassVar[str] = "onnx"
    version: ClassVar[int] = 1
    Args: ClassVar[type[NoArgs]] = NoArgs
    suffixes: ClassVar[tuple[str, ...]] = (".onnx",)
    remote: ClassVar[bool] = False
    unsafe: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ("numpy", "onnxruntime")

    def sniff(self, head: bytes) -> bool:
        """The first fields of a ModelProto."""
        return onnx_file.looks_like_onnx(head)

    def load(self, path: Path | None, args: NoArgs) -> OnnxModel:  # noqa: ARG002 - the protocol's shape
        """Check the file, then hand it to the runtime. Raises ModelError."""
        import os

        import onnxruntime

        if path is None:
            raise SpecError("an ONNX model is a file", field="model.source.path")
        facts = onnx_file.read(path)
        foreign = sorted(facts.domains - onnx_file.DOMAINS)
        if foreign:
            raise ModelError(
                f"the ONNX model needs custom operators of {', '.join(foreign)}", field="model", fix="export it with standard operators"
            )
        if facts.external:
            raise ModelError(
                "the ONNX model keeps its weights in another file", field="model", fix="save it with the weights inside (one file)"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except (MemoryError, PermissionError):
            raise
        except Exception as error:
            # The runtime's exceptions share no public base class but Exception.
            raise ModelError(
                f"onnxruntime could not open the model ({str(error)[:500]})",
                field="model",
                fix=f"the file: IR {facts.ir_version}, opsets {facts.opsets}, by {facts.producer}; here is onnxruntime {version('onnxruntime')}",
            ) from error
        return OnnxModel(session, facts)


class OnnxModel:
    """One tensor of all features, or one input a column. Outputs are told apart by type and shape."""

    def __init__(self, session: Any, facts: onnx_file.OnnxFacts) -> None:
        self._session, self._facts = session, facts
        self._inputs = session.get_inputs()
        unknown = [item for item in self._inputs if item.type not in DTYPES]
        if unknown or not self._inputs:
            what = ", ".join(f"{item.name}: {item.type}" for item in unknown) or "no input"
            raise ModelError(f"the ONNX model has inputs that no column can fill ({what})", field="model")
        first = self._inputs[0]
        self._matrix = len(self._inputs) == 1 and len(first.shape) == MATRIX
        if not self._matrix and not all(_one_column(item.shape) for item in self._inputs):
            shapes = ", ".join(f"{item.name}: {item.shape}" for item in self._inputs[:5])
            raise ModelError(
                f"the ONNX model wants tensors of several columns side by side ({shapes})",
                field="model",
                fix="export it with one input of shape [N, features], or one input of shape [N, 1] for each feature",
            )
        self.features: Sequence[str] | None = None if self._matrix else [item.name for item in self._inputs]
        width = first.shape[1] if self._matrix else len(self._inputs)
        self.width: int | None = width if isinstance(width, int) else None
        self.labels: Sequence[Any] | None = self._labels()

    def predict(self, table: pa.Table) -> Prediction:
        """Run the session once over the whole batch."""
        import numpy as np

        columns = [_column(table, index, self._dtype(index)) for index in range(table.num_columns)]
        if self._matrix:
            feed = {self._inputs[0].name: np.column_stack(columns) if columns else np.empty((table.num_rows, 0), np.float32)}
        else:
            feed = {
                item.name: column.reshape(-1, 1) if len(item.shape) == MATRIX else column
                for item, column in zip(self._inputs, columns, strict=True)
            }
        outputs = [self._unzipped(output) if isinstance(output, list) else np.asarray(output) for output in self._session.run(None, feed)]
        return understood(outputs, table.num_rows)

    def describe(self) -> dict[str, Any]:
        """Producer, opsets and what goes in and out."""
        return {
            "format": "onnx",
            "ir_version": self._facts.ir_version,
            "opsets": self._facts.opsets,
            "producer": self._facts.producer,
            "inputs": {item.name: f"{item.type} {item.shape}" for item in self._inputs[:50]},
            "outputs": {item.name: f"{item.type} {item.shape}" for item in self._session.get_outputs()},
        }

    def _labels(self) -> list[Any] | None:
        """The file's class labels, unless they are of another type than the labels it gives (those of an inner classifier)."""
        labels = self._facts.labels
        given = {item.type for item in self._session.get_outputs()}
        if labels and isinstance(labels[0], int) and "tensor(string)" in given:
            return None
        return labels

    def _dtype(self, index: int) -> str:
        return DTYPES[self._inputs[0 if self._matrix else index].type]

    def _unzipped(self, maps: list[dict[Any, float]]) -> NDArray[Any]:
        """Scores from ZipMap's dictionaries; their keys are the labels, in order."""
        import numpy as np

        keys = list(self.labels or ())
        if not maps or not isinstance(maps[0], dict) or set(maps[0]) != set(keys):
            raise ModelError("the ONNX model gives a sequence that is no map from its labels to scores", field="model")
        return np.array([[row[key] for key in keys] for row in maps], dtype=np.float64).reshape(len(maps), len(keys))


def _one_column(shape: list[Any]) -> bool:
    """Whether an input takes one feature: rows alone, or rows and one column."""
    return len(shape) == 1 or (len(shape) == MATRIX and shape[1] == 1)


def _column(table: pa.Table, index: int, dtype: str) -> NDArray[Any]:
    """One column in the type that the model wants. Raises DataError for what it cannot hold."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    name, column = table.column_names[index], table.column(index)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    textual = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if dtype == "object":
        if column.null_count:
            raise _null(name, "text")
        return np.asarray(column.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)
    if textual:
        raise DataError(f"the model wants numbers, and the feature `{name}` is text", field=name, fix="encode it (one_hot, ordinal)")
    if dtype.startswith("float"):
        return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(), dtype=dtype)
    if column.null_count:
        raise _null(name, dtype)
    array = np.asarray(column.cast(pa.float64()).to_numpy() if pa.types.is_decimal(column.type) else column.to_numpy())
    converted = array.astype(dtype)
    if array.dtype.kind == "f" and not np.array_equal(converted, array):
        raise DataError(f"the model wants {dtype}, and the feature `{name}` has fractions", field=name)
    return converted


def _null(name: str, kind: str) -> DataError:
    return DataError(
        f"the feature `{name}` has missing values, and the model's input is {kind}, which knows none", field=name, fix="impute it"
    )
