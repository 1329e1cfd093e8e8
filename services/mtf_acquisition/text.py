"""Reading text as numbers, truth values and times, and finding the type that a column of text has.

A column's type is the first of int64, float64, bool and timestamp that every value fits, else utf8. The rules look at values alone,
never at their neighbours, so the type does not depend on where in a file a value stands. Truth values are `true` and `false` in any case
(0 and 1 are integers); times are ISO 8601, in UTC where they name no zone.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtf_acquisition.canonical import BOOL, FLOAT, INT, TEXT, TIME

_PROBE = 64
_ZONED = r"\d(Z|[+-]\d\d(:?\d\d)?)$"
_NANOSECONDS = r"(\.\d{6})\d+"
_HOURS = r"[T ]\d\d:?\d\d"


def infer(array: pa.Array) -> pa.DataType | None:
    """The canonical type of text values; None where every one is missing."""
    if array.null_count == len(array):
        return None
    probe = array.slice(0, 4 * _PROBE).drop_null().slice(0, _PROBE)
    for kind in (INT, FLOAT, BOOL, TIME):
        try:
            parse(probe, kind)  # Arrow looks at every value even when the first is wrong already, and a wrong one costs most
            parse(array, kind)
        except pa.ArrowInvalid:
            continue
        return kind
    return TEXT


def parse(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Text as `kind`. Raises pyarrow.ArrowInvalid for a value that does not fit."""
    if kind == TEXT:
        return array
    if kind == BOOL:
        return _truth(array)
    if kind == TIME:
        return _times(array)
    try:
        return _number(array, kind)
    except pa.ArrowInvalid:
        trimmed = pc.utf8_trim_whitespace(array)
        if trimmed.equals(array):
            raise
        return _number(trimmed, kind)


def _number(array: pa.Array, kind: pa.DataType) -> pa.Array:
    result = array.cast(kind)
    if kind == INT and _has_x(array):
        raise pa.ArrowInvalid("hexadecimal digits are text: they name things more often than they count them")
    return result


def _has_x(array: pa.Array) -> bool:
    """Whether a byte of the texts is an x, as in 0x1f. Looking at the bytes is far cheaper than matching each text."""
    data = array.buffers()[2]
    if data is None or not len(array):
        return False
    offsets = np.frombuffer(array.buffers()[1], "<i4", count=len(array) + 1, offset=4 * array.offset)
    raw = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    return bool((raw | 0x20 == ord("x")).any())


def _truth(array: pa.Array) -> pa.Array:
    # Patterns, not comparisons: pyarrow imports pandas to make the scalar of a comparison, which costs a small job most of its time.
    if not pc.all(pc.match_substring_regex(array, r"^\s*(true|false)\s*$", ignore_case=True)).as_py():
        raise pa.ArrowInvalid("a truth value is `true` or `false`")
    return pc.match_substring(array, "t", ignore_case=True)


def _times(array: pa.Array) -> pa.Array:
    """ISO 8601 texts; those with a zone and those without one may be mixed, and are told apart value by value; microseconds are kept."""
    try:
        return _iso_times(pc.utf8_trim_whitespace(array))
    except pa.ArrowInvalid:
        shorter = pc.replace_substring_regex(array, _NANOSECONDS, r"\1")
        if shorter.equals(array):
            raise
        return _iso_times(pc.utf8_trim_whitespace(shorter))


def _iso_times(array: pa.Array) -> pa.Array:
    zoned = pc.and_(pc.match_substring_regex(array, _ZONED), pc.match_substring_regex(array, _HOURS))
    if not pc.any(zoned).as_py():
        return array.cast(pa.timestamp("us")).cast(TIME)
    nothing = pa.scalar(None, TEXT)
    with_zone = pc.if_else(zoned, array, nothing).cast(TIME)
    without = pc.if_else(zoned, nothing, array).cast(pa.timestamp("us")).cast(TIME)
    return pc.coalesce(with_zone, without)
