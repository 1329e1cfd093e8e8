"""A source's own arrays become canonical ones: nothing is rounded away but digits of a time below the microsecond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf_acquisition.canonical import BOOL, FLOAT, INT, TEXT, TIME, ContradictionError, is_text
from mtf_acquisition.text import parse


def convert(array: pa.Array, kind: pa.DataType, missing: Sequence[str]) -> pa.Array:
    """An array in a canonical type. NaN and the texts in `missing` become null. Raises ContradictionError."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if is_text(array.type):
        array = _without(array.cast(TEXT), missing)
    try:
        result = parse(array, kind) if pa.types.is_string(array.type) else _cast(array, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ContradictionError(str(error)) from None
    return tidy_floats(result) if kind == FLOAT else result


def float_buffer(array: pa.Array) -> NDArray[np.float64]:
    """The (n,) values of a float64 array without a copy; what stands where a value is missing means nothing."""
    data = array.buffers()[1]
    return np.frombuffer(data, "<f8", count=len(array), offset=8 * array.offset) if data is not None else np.zeros(len(array))


def tidy_floats(array: pa.Array) -> pa.Array:
    """NaN means missing in every source and becomes null; -0.0 equals 0.0 and becomes it, so that equal digests mean equal bits."""
    numbers = float_buffer(array)
    if np.isnan(numbers).any():
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, FLOAT), array)
    negative_zero = (numbers == 0) & np.signbit(numbers)
    if negative_zero.any():
        array = pc.add(array, 0.0)
    return array


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    if pa.types.is_floating(array.type) and kind == INT:
        array = tidy_floats(array.cast(FLOAT))  # a column that was declared so: NaN is missing there too
    if kind == BOOL and not pa.types.is_boolean(array.type):
        return _as_bool(array)
    if pa.types.is_integer(array.type) and pa.types.is_decimal(kind):
        return array.cast(pa.decimal128(20, 0)).cast(kind)
    loses_nothing_but_digits = kind == FLOAT or (kind == TIME and pa.types.is_timestamp(array.type))
    return array.cast(kind, safe=not loses_nothing_but_digits)


def _as_bool(array: pa.Array) -> pa.Array:
    """Zeros and ones as truth values."""
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return array.cast(BOOL)
    present = array.drop_null()
    if len(present) and not pc.all(pc.is_in(present, pa.array([0, 1], array.type))).as_py():
        raise pa.ArrowInvalid("a truth value is 0 or 1")
    return array.cast(BOOL)


def _without(array: pa.Array, missing: Sequence[str]) -> pa.Array:
    """Texts that mean missing as null."""
    if not missing:
        return array
    hit: Any = pc.is_in(array, pa.array(list(missing), TEXT))
    return pc.if_else(hit, pa.scalar(None, TEXT), array) if pc.any(hit).as_py() else array
