"""Reads what the inference stage wrote into the arrays that metrics see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtf.errors import DataError, PlatformError
from mtf.plugins import Sample

SLICE = "slice:"
"""Prefix of the columns that carry slice values."""


@dataclass(frozen=True)
class Scored:
    """One row set with its predictions. Arrays are aligned; n rows."""

    row_id: pa.Array
    """(n,) text or integers that name a row."""
    sample: Sample
    """The n rows; prediction codes are -1 (classification) or NaN (regression) where `kept` is false."""
    kept: NDArray[np.bool_]
    """(n,) true where the row has a target and a prediction, so that it can be measured."""
    slices: dict[str, pa.Array]
    """(n,) slice values by column, without the prefix."""
    no_target: int
    """Rows without a truth."""
    groups: pa.Array | None = None
    """(n,) values of the unit of dependence, which tell the same group in another part of the rows; the sample has codes of this part alone."""

    @property
    def rows(self) -> int:
        """Rows of the set, measured or not."""
        return len(self.kept)


def read(path: Path, *, task: str, labels: list[Any] | None, name: str = "scored") -> Scored:
    """Read a scored file (contract: `InferenceSpec`). Raises DataError for files without rows, PlatformError for one that breaks the contract."""
    return from_table(pq.read_table(path), task=task, labels=labels, name=name)


def from_table(table: pa.Table, *, task: str, labels: list[Any] | None, name: str = "scored") -> Scored:
    """The rows of a scored file, or of a part of it, as `read` gives them."""
    table = table.combine_chunks()
    missing = [column for column in ("row_id", "target", "prediction") if column not in table.column_names]
    if missing:
        raise PlatformError(f"the file of predictions `{name}` lacks the columns {', '.join(missing)}")
    if table.num_rows == 0:
        raise DataError(
            "there is no row to evaluate", field="dataset", found="0 rows", fix="check the processing steps: they dropped every row"
        )
    target, has_target = _outcome(table["target"], task)
    prediction, has_prediction = _outcome(table["prediction"], task)
    scores = _scores(table, len(labels or ()))
    if scores is not None:
        has_prediction = has_prediction & ~np.isnan(scores).any(axis=1)
    sample = Sample(
        task=task,
        target=target,
        prediction=prediction,
        scores=scores,
        labels=tuple(labels or ()),
        weight=_floats(table["weight"]) if "weight" in table.column_names else None,
        group=_codes(table["group"]) if "group" in table.column_names else None,
        interval=_interval(table),
    )
    slices = {column.removeprefix(SLICE): _flat(table[column]) for column in table.column_names if column.startswith(SLICE)}
    groups = _flat(table["group"]) if "group" in table.column_names else None
    return Scored(_flat(table["row_id"]), sample, has_target & has_prediction, slices, int((~has_target).sum()), groups)


def _outcome(column: pa.ChunkedArray, task: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """A target or prediction as an array, and where it is present."""
    if task == "regression":
        values = _floats(column)
        return values, ~np.isnan(values)
    codes = pc.fill_null(column.cast(pa.int32()), -1).to_numpy().astype(np.int32, copy=False)
    return codes, codes >= 0


def _scores(table: pa.Table, k: int) -> NDArray[np.float64] | None:
    names = [f"score_{index}" for index in range(k)]
    if not names or any(name not in table.column_names for name in names):
        return None
    scores = np.empty((table.num_rows, k), dtype=np.float64)
    for index, name in enumerate(names):
        scores[:, index] = _floats(table[name])
    return scores


def _interval(table: pa.Table) -> NDArray[np.float64] | None:
    """(n, 2) limits of the model's prediction intervals, where it gave some."""
    if "lower" not in table.column_names or "upper" not in table.column_names:
        return None
    return np.stack([_floats(table["lower"]), _floats(table["upper"])], axis=1)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Float64 values with NaN for null."""
    values: NDArray[np.float64] = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy()
    return values


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Codes of the distinct values in order of appearance; rows without a value share one code, as they may depend on each other."""
    encoded = _flat(column).dictionary_encode(null_encoding="encode")
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _flat(column: pa.ChunkedArray) -> pa.Array:
    """One array instead of chunks, decoded."""
    flat = column.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        flat = pa.concat_arrays(flat.chunks) if flat.num_chunks else pa.array([], flat.type)
    return flat.dictionary_decode() if pa.types.is_dictionary(flat.type) else flat
