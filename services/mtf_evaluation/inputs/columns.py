"""One column of the user's data as one typed Arrow or numpy array, or an error that names the argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.errors import DataError

SHOWN = 5
"""Rows that an error lists."""


def column(values: Any, name: str) -> pa.Array:
    """(n,) values of one type; missing values (None, NaN) are null. Raises DataError that names the argument."""
    if isinstance(values, pa.ChunkedArray | pa.Array):
        found = values
    elif hasattr(values, "to_arrow"):
        found = values.to_arrow()
    else:
        found = _from_python(values, name)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], found.type)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    if pa.types.is_floating(found.type):
        found = pc.if_else(pc.is_nan(found), pa.scalar(None, found.type), found)
    return found


def _from_python(values: Any, name: str) -> pa.Array:
    if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__len__"):
        raise DataError(
            f"`{name}` must be one value per row", field=name, found=type(values).__name__, fix="give a list, an array or a column"
        )
    if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1:  # noqa: PLR2004 - a column given as a table
        values = np.asarray(values)[:, 0]
    if getattr(values, "ndim", 1) != 1:
        raise DataError(f"`{name}` must have one dimension", field=name, found=f"shape {tuple(values.shape)}", fix="give one value per row")
    try:
        if isinstance(values, np.ndarray) and values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
            values = values.astype(np.float64)
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        kinds = sorted({type(value).__name__ for value in list(values)[:10_000]})
        what = f"values of mixed types ({', '.join(kinds)})" if len(kinds) > 1 else f"values of the type {kinds[0] if kinds else 'unknown'}"
        raise DataError(
            f"`{name}` has {what}", field=name, found=", ".join(kinds), fix="use numbers, texts or booleans, one kind alone"
        ) from None


def no_missing(values: pa.Array, name: str) -> pa.Array:
    """The values, or DataError with the number of missing ones and the first rows."""
    if values.null_count:
        rows = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))
        raise missing(name, rows, len(values))
    return values


def missing(name: str, rows: NDArray[np.intp], n: int) -> DataError:
    """The error for rows without a usable value."""
    first = ", ".join(str(row) for row in rows[:SHOWN])
    return DataError(
        f"`{name}` is missing or infinite in {rows.size:,} of {n:,} rows (first: {first})",
        field=name,
        found=f"{rows.size} rows",
        fix="repair or leave out these rows in every argument; nothing is dropped silently",
    )


def numbers(values: Any, name: str) -> NDArray[np.float64]:
    """(n,) finite float64 values of the user's column. Raises DataError for text, missing and infinite values."""
    found = no_missing(column(values, name), name)
    if not (
        pa.types.is_floating(found.type)
        or pa.types.is_integer(found.type)
        or pa.types.is_boolean(found.type)
        or pa.types.is_decimal(found.type)
    ):
        raise DataError(f"`{name}` must be numbers", field=name, found=str(found.type), fix="convert it to numbers first")
    array: NDArray[np.float64] = found.cast(pa.float64()).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(~np.isfinite(array))
    if wrong.size:
        raise missing(name, wrong, array.size)
    return array


def limits(values: Any, name: str) -> NDArray[np.float64]:
    """(n, 2) finite lower and upper limits from an (n, 2) array or a frame or mapping with two columns, lower first.

    Raises DataError for another shape and for a lower limit above its upper one.
    """
    if isinstance(values, Mapping) or hasattr(values, "columns") or hasattr(values, "column_names"):
        parts = list(table(values, name).values())
    else:
        array = np.asarray(values)
        parts = list(array.T) if array.ndim == 2 else []  # noqa: PLR2004 - a table
    if len(parts) != 2:  # noqa: PLR2004 - lower and upper
        raise DataError(
            f"`{name}` must have two columns, the lower and the upper limit", field=name, found=f"{len(parts)} columns", fix="give (n, 2)"
        )
    found = np.stack([numbers(part, name) for part in parts], axis=1)
    crossed = np.flatnonzero(found[:, 0] > found[:, 1])
    if crossed.size:
        raise DataError(
            f"`{name}` has a lower limit above the upper one in {crossed.size:,} of {len(found):,} rows (first: {crossed[0]})",
            field=name,
            found=f"{crossed.size} rows",
            fix="give the lower limit first",
        )
    return found


def codes(values: Any, name: str) -> NDArray[np.int64]:
    """(n,) codes of the distinct values in order of appearance; rows without a value share one code."""
    encoded = column(values, name).dictionary_encode(null_encoding="encode")
    array: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return array


def table(frame: Any, name: str) -> dict[str, pa.Array]:
    """The columns of a frame, a table, a named column or a mapping, by name."""
    if isinstance(frame, Mapping):
        return {str(key): column(values, f"{name}[{key!r}]") for key, values in frame.items()}
    names = getattr(frame, "column_names", None) or getattr(frame, "columns", None)
    if names is not None:
        return {str(key): column(frame[key], f"{name}[{key!r}]") for key in names}
    own = getattr(frame, "name", None)
    if own is not None:
        return {str(own): column(frame, name)}
    raise DataError(f"`{name}` must have named columns", field=name, found=type(frame).__name__, fix="give a data frame or {name: values}")


def same_length(lengths: Mapping[str, int]) -> None:
    """Raise DataError that names the first argument whose length is not that of `y_true`."""
    n = lengths["y_true"]
    for name, length in lengths.items():
        if length != n:
            raise DataError(
                f"`{name}` has {length:,} rows and `y_true` has {n:,}", field=name, found=f"{length} rows", fix="give one per row"
            )
