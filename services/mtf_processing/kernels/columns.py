"""What a column is and how it becomes numbers: the few rules about types that every step shares.

A value is missing when it is null or NaN. Numbers leave every fitted step as float64, as they do in scikit-learn.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.errors import DataError

Kind = Literal["bool", "integer", "float", "decimal", "text", "time"]

TIMESTAMP = pa.timestamp("us", tz="UTC")

NUMERIC: tuple[Kind, ...] = ("integer", "float", "decimal")
"""Kinds that arithmetic makes sense for; a bool is a category."""


def kind_of(type_: pa.DataType) -> Kind:
    """The kind of a canonical type. Raises DataError for a type that no step understands."""
    if pa.types.is_boolean(type_):
        return "bool"
    if pa.types.is_integer(type_):
        return "integer"
    if pa.types.is_floating(type_):
        return "float"
    if pa.types.is_decimal(type_):
        return "decimal"
    if pa.types.is_string(type_) or pa.types.is_dictionary(type_):
        return "text"
    if pa.types.is_timestamp(type_):
        return "time"
    raise DataError(f"columns of type {type_} cannot be processed", found=str(type_), fix="drop the column or declare another type")


def canonical(type_: pa.DataType) -> pa.DataType:
    """The type a stored column is read as: int64, float64, utf8, bool, UTC microseconds or its own decimal."""
    if pa.types.is_dictionary(type_):
        return canonical(type_.value_type)
    if pa.types.is_uint64(type_) or pa.types.is_floating(type_) or pa.types.is_null(type_):
        return pa.float64()
    if pa.types.is_integer(type_):
        return pa.int64()
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return TIMESTAMP
    return type_


def missing(column: pa.Array) -> NDArray[np.bool_]:
    """(n,) True where the value is null or NaN."""
    if column.null_count == 0 and not pa.types.is_floating(column.type):
        return np.zeros(len(column), dtype=bool)
    return np.asarray(pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False))


def floats(column: pa.Array) -> NDArray[np.float64]:
    """(n,) float64 values of a number or bool column, NaN where missing. Without nulls a float64 column is not copied: do not write into it."""
    if not pa.types.is_float64(column.type):
        column = column.cast(pa.float64()) if not pa.types.is_boolean(column.type) else column.cast(pa.int8()).cast(pa.float64())
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def from_floats(values: NDArray[np.float64], *, complete: bool = False) -> pa.Array:
    """An Arrow column of (n,) values; NaN becomes null unless `complete` promises that there is none."""
    return pa.array(values, from_pandas=not complete)


def decoded(column: pa.Array) -> pa.Array:
    """A dictionary column as plain values; any other as it is."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def replaced(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """The batch with some columns exchanged in place."""
    names = batch.schema.names
    arrays = [columns.get(name, batch.column(index)) for index, name in enumerate(names)]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def plain(value: Any) -> Any:
    """An Arrow or numpy value as plain JSON: times become ISO text, decimals and numpy numbers Python's own."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return float(value)
