"""The six canonical types, how every Arrow type becomes one of them, and what two contradicting ones widen to."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from mtf.errors import DataError

INT = pa.int64()
FLOAT = pa.float64()
TEXT = pa.string()
BOOL = pa.bool_()
TIME = pa.timestamp("us", "UTC")
DECIMAL_SCALE = 18
"""Digits behind the point of a column declared `decimal` without a scale."""

_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


class ContradictionError(Exception):
    """A column holds a value that its type cannot."""


def declared_type(text: str) -> pa.DataType:
    """The Arrow type behind a declared type name, which the stage validated: `decimal(p,s)` is stored with 38 digits and scale s."""
    found = _DECIMAL.fullmatch(text)
    if found:
        return pa.decimal128(38, int(found[2]))
    return {"int64": INT, "float64": FLOAT, "utf8": TEXT, "bool": BOOL, "timestamp": TIME, "decimal": pa.decimal128(38, DECIMAL_SCALE)}[
        text
    ]


def name_of(kind: pa.DataType) -> str:
    """A canonical type as people write it."""
    if pa.types.is_decimal(kind):
        return f"decimal(38,{kind.scale})"
    return {INT: "int64", FLOAT: "float64", TEXT: "utf8", BOOL: "bool", TIME: "timestamp"}[kind]


def natural_type(name: str, array: pa.Array) -> pa.DataType | None:
    """The canonical type that holds a typed array without loss; None when it is all missing and of no type. Raises DataError."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if pa.types.is_null(kind):
        return None
    if pa.types.is_uint64(kind):
        top = pc.max(array).as_py()
        return INT if top is None or top < 2**63 else pa.decimal128(38, 0)
    for known, canonical in (
        (pa.types.is_integer, INT),
        (pa.types.is_floating, FLOAT),
        (pa.types.is_boolean, BOOL),
        (pa.types.is_temporal, TIME),
        (is_text, TEXT),
    ):
        if known(kind) and not pa.types.is_duration(kind) and not pa.types.is_interval(kind):
            return TEXT if pa.types.is_time(kind) else canonical
    if pa.types.is_decimal(kind) and 0 <= kind.scale <= 38:  # noqa: PLR2004 - digits of a 128-bit decimal
        return pa.decimal128(38, kind.scale)
    raise unsupported(name, kind)


def unsupported(name: str, kind: pa.DataType) -> DataError:
    """The error for a column whose values are no single number, text, truth value or time."""
    nested = pa.types.is_nested(kind)
    return DataError(
        f"column `{name[:100]}` holds {'nested values' if nested else 'values of a type that has no canonical form'}",
        field="dataset.source",
        found=str(kind),
        fix="write its parts as columns of their own, or leave it out with `columns: [...]`"
        if nested
        else "cast it to numbers, text or timestamps where it is made, or leave it out with `columns: [...]`",
    )


def join(a: pa.DataType | None, b: pa.DataType | None) -> pa.DataType | None:
    """The least canonical type that holds both. It is commutative and associative, so that the order of the rows does not matter."""
    if a is None or b is None or a == b:
        return b if a is None else a
    pair = {a, b}
    if all(pa.types.is_decimal(kind) for kind in pair):
        return pa.decimal128(38, max(a.scale, b.scale))
    if all(kind in (INT, FLOAT) or pa.types.is_decimal(kind) for kind in pair):
        return FLOAT if FLOAT in pair else next(kind for kind in pair if pa.types.is_decimal(kind))
    return TEXT


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's encodings of text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
