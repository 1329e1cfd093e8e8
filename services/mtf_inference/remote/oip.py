"""Open Inference Protocol v2 over REST: https://github.com/kserve/open-inference-protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mtf.errors import DataError, EndpointError, ModelError
from mtf.plugins import Prediction
from mtf_inference.loaders.tensors import understood
from mtf_inference.remote.call import Caller
from mtf_inference.remote.forms import FIELD, cells, floats, listed, wrong

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

INTEGERS = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
FLOATS = frozenset({"FP16", "FP32", "FP64", "BF16"})


class OipForm:
    """One tensor of all features, or one input a column, as the model's metadata says; without metadata, by the columns' types."""

    def __init__(self, caller: Caller, url: str) -> None:
        self._caller = caller
        self._base = url.rstrip("/").removesuffix("/infer")
        found = caller.get(self._base)
        metadata: dict[str, Any] = found if isinstance(found, dict) else {}
        self._inputs = [item for item in metadata.get("inputs") or [] if isinstance(item, dict) and isinstance(item.get("name"), str)]
        self._matrix = len(self._inputs) == 1 and len(self._inputs[0].get("shape") or []) == 2  # noqa: PLR2004 - rows and columns
        self.features: Sequence[str] | None = None if self._matrix or not self._inputs else [item["name"] for item in self._inputs]
        self.width: int | None = _width(self._inputs[0]) if self._matrix else None
        self.labels: Sequence[Any] | None = None
        self.about: dict[str, Any] = {key: str(metadata[key])[:200] for key in ("name", "platform", "versions") if metadata.get(key)}

    def ask(self, table: pa.Table, *, regression: bool) -> Prediction:
        """Infer one batch. Raises ModelError for an answer of another shape."""
        answer = self._caller.post(f"{self._base}/infer", {"inputs": self._request(table)})
        outputs = answer.get("outputs") if isinstance(answer, dict) else None
        if not isinstance(outputs, list) or not outputs or not all(isinstance(item, dict) for item in outputs):
            raise ModelError("the endpoint's answer has no `outputs`", field=FIELD, found=str(answer)[:100])
        return understood([_array(item, table.num_rows) for item in outputs], table.num_rows, regression=regression)

    def _request(self, table: pa.Table) -> list[dict[str, Any]]:
        if self._matrix or (not self._inputs and all(_type(column) != "BYTES" for column in table.columns)):
            head = self._inputs[0] if self._matrix else {"name": "input-0", "datatype": "FP64"}
            columns = [_numbers(column, name) for name, column in zip(table.column_names, table.columns, strict=True)]
            data = [value for row in zip(*columns, strict=True) for value in row]
            kind = head.get("datatype", "FP64")
            if kind in INTEGERS:
                data = [int(value) for value in data]
            return [{"name": head["name"], "shape": [table.num_rows, table.num_columns], "datatype": kind, "data": data}]
        declared = {item["name"]: item for item in self._inputs}
        return [self._column(name, column, declared.get(name, {})) for name, column in zip(table.column_names, table.columns, strict=True)]

    def _column(self, name: str, column: pa.ChunkedArray, declared: dict[str, Any]) -> dict[str, Any]:
        kind = declared.get("datatype") or _type(column)
        shape = [len(column), 1] if len(declared.get("shape") or [0, 0]) == 2 else [len(column)]  # noqa: PLR2004 - rows and one column
        values: list[Any] = _numbers(column, name) if kind in FLOATS else cells(column)
        if any(value is None for value in values):
            raise DataError(f"the feature `{name}` has missing values, which {kind} cannot carry", field=name, fix="impute it")
        if kind in INTEGERS:
            values = [int(value) for value in values]
        elif kind == "BYTES":
            values = [str(value) for value in values]
        return {"name": name, "shape": shape, "datatype": kind, "data": values}


def _type(column: pa.ChunkedArray) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        return "BOOL"
    if pa.types.is_integer(column.type):
        return "INT64"
    return "FP64" if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type) else "BYTES"


def _width(item: dict[str, Any]) -> int | None:
    shape = item["shape"]
    return shape[1] if isinstance(shape[1], int) and shape[1] > 0 else None


def _numbers(column: pa.ChunkedArray, name: str) -> list[float]:
    """Numbers for a tensor of floats. JSON has no NaN, so that missing values are an error here."""
    import pyarrow as pa

    try:
        values = column.cast(pa.float64()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"the endpoint wants numbers, and the feature `{name}` is text", field=name, fix="encode it (one_hot, ordinal)"
        ) from None
    if any(value is None or not math.isfinite(value) for value in values):
        raise DataError(f"the feature `{name}` has missing values, which a JSON tensor cannot carry", field=name, fix="impute it")
    return [float(value) for value in values]


def _array(item: dict[str, Any], rows: int) -> NDArray[Any]:
    """One output, checked against its own shape."""
    import numpy as np

    name, shape, data = str(item.get("name"))[:100], item.get("shape"), item.get("data")
    if not isinstance(shape, list) or not shape or not all(isinstance(size, int) and size >= 0 for size in shape) or shape[0] != rows:
        raise ModelError(f"the output `{name}` has the shape {shape} for {rows:,} rows", field=FIELD, found=str(shape))
    if not isinstance(data, list):
        raise EndpointError(f"the output `{name}` has no `data`", field=FIELD, fix="answer in JSON, not with the binary extension")
    total = math.prod(shape)
    flat = data if not any(isinstance(value, list) for value in data) else _flattened(data, total)
    if len(flat) != total:
        raise wrong(name, flat, total)
    if item.get("datatype") in FLOATS:
        return np.asarray(floats(flat, total, name).reshape(shape))
    return np.asarray(listed(flat, total, name).reshape(shape))


def _flattened(data: list[Any], most: int) -> list[Any]:
    """Nested row-major lists as one; stops when there is more than there should be."""
    flat: list[Any] = []
    for value in data:
        flat += _flattened(value, most) if isinstance(value, list) else [value]
        if len(flat) > most:
            break
    return flat
