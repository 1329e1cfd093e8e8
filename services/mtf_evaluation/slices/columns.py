"""Slice columns as numbers, and the errors for those that are none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.errors import SpecError

_TIME = pa.timestamp("us", tz="UTC")


def kind_of(type_: pa.DataType) -> str:
    """`bool`, `integer`, `float`, `decimal`, `time` or `text`, in the words of the processing stage."""
    tests = {
        "bool": pa.types.is_boolean,
        "integer": pa.types.is_integer,
        "float": pa.types.is_floating,
        "decimal": pa.types.is_decimal,
        "time": lambda one: pa.types.is_timestamp(one) or pa.types.is_date(one),
    }
    return next((kind for kind, test in tests.items() if test(type_)), "text")


def numbers(values: pa.Array, name: str, what: str) -> tuple[NDArray[np.float64] | NDArray[np.int64], NDArray[np.bool_]]:
    """(n,) numbers, or microseconds since 1970 of times, and (n,) where the value is missing; there the number means nothing.

    Raises SpecError for a column of text or of true and false.
    """
    absent: NDArray[np.bool_] = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type)).to_numpy(zero_copy_only=False)
    kind = kind_of(values.type)
    if kind == "time":
        zoned = values.cast(pa.timestamp("us", tz=getattr(values.type, "tz", None))).cast(pa.int64())
        return pc.fill_null(zoned, 0).to_numpy(zero_copy_only=False), absent
    if kind in ("text", "bool"):
        raise refuse(name, values.type, f"`{what}` need numbers or times", "evaluation.slices")
    found: NDArray[np.float64] = pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    return found, absent


def refuse(name: str, type_: pa.DataType, why: str, field: str) -> SpecError:
    """The error for a column that cannot be parted as asked."""
    return SpecError(f"`{name}` is {kind_of(type_)}, and {why}", field=field, found=name, fix="slice by its values, or name another column")
