"""Python values, as JSON and database drivers give them, as one Arrow column of a canonical type."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from mtf_acquisition.canonical import FLOAT, INT, TEXT, TIME

_MAX_DIGITS = 38
_KINDS: dict[type, str] = {
    bool: "bool",
    int: "number",
    float: "number",
    Decimal: "decimal",
    str: "text",
    uuid.UUID: "text",
    dt.time: "text",
    dt.datetime: "time",
    dt.date: "time",
}


class NestedError(Exception):
    """A value is a list, an object or bytes."""

    def __init__(self, position: int, found: object) -> None:
        super().__init__(position)
        self.position, self.found = position, found


def column_of(values: Sequence[Any]) -> pa.Array:
    """One column of the least type that holds every value; values of several kinds become text. Raises NestedError."""
    kinds = {_KINDS.get(kind, "other") for kind in set(map(type, values)) - {type(None)}}
    if "other" in kinds:
        position = next(index for index, value in enumerate(values) if value is not None and type(value) not in _KINDS)
        raise NestedError(position, values[position])
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {"bool"}:
        return pa.array(values, pa.bool_())
    if kinds == {"number"}:
        return _numbers(values)
    if kinds == {"time"}:
        return pa.array([None if value is None else _utc(value) for value in values], TIME)
    if kinds in ({"decimal"}, {"decimal", "number"}):
        return _numbers(values) if any(type(value) is float for value in values) else _decimals(values)
    return pa.array([None if value is None else as_text(value) for value in values], TEXT)


def as_text(value: Any) -> str:
    """A value as text, spelt as Arrow spells it, so that it does not matter which values stood beside it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(pa.scalar(value, FLOAT).cast(TEXT))
    if isinstance(value, dt.date):
        return str(pa.scalar(_utc(value), TIME).cast(TEXT))
    return str(value)


def _numbers(values: Sequence[Any]) -> pa.Array:
    if not any(type(value) is float for value in values):
        try:
            return pa.array(values, INT)
        except (OverflowError, pa.ArrowInvalid):
            pass
    return pa.array([None if value is None else float(value) for value in values], FLOAT)


def _decimals(values: Sequence[Any]) -> pa.Array:
    """Exact where 38 digits hold every value, else float64."""
    numbers = [None if value is None else Decimal(value) for value in values]
    numbers = [None if number is None or number.is_nan() else number for number in numbers]
    scale = max((-int(number.as_tuple().exponent) for number in numbers if number is not None and number.is_finite()), default=0)
    try:
        return pa.array(numbers, pa.decimal128(_MAX_DIGITS, min(max(scale, 0), _MAX_DIGITS)))
    except (pa.ArrowInvalid, ValueError):
        return pa.array([None if number is None else float(number) for number in numbers], FLOAT)


def _utc(value: dt.date) -> dt.datetime:
    """A moment in UTC; a time without a zone, and a date's midnight, are taken to be in UTC."""
    moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
