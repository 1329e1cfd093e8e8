"""Values in other types, and values in place of others, a whole column at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mtf.errors import DataError, SpecError
from mtf_processing.kernels.columns import TIMESTAMP, decoded, kind_of
from mtf_processing.names import name_of

_TYPES: Mapping[str, pa.DataType] = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "utf8": pa.string(),
    "bool": pa.bool_(),
    "timestamp": TIMESTAMP,
    "decimal": pa.decimal128(38, 9),
}

_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def cast(column: pa.Array, type_name: str, name: str, *, lenient: bool) -> pa.Array:
    """The column as `type_name`. Raises DataError with the first value that does not fit, or makes it null where `lenient`."""
    column, target = decoded(column), _TYPES[type_name]
    source = kind_of(column.type)
    if column.type == target:
        return column
    if source == "time" and type_name not in {"utf8", "int64"}:
        raise SpecError(
            f"column `{name}` holds times, which are no {type_name}", field="columns", found=type_name, fix="cast it to utf8 or int64"
        )
    convert = _converter(source, type_name, target)
    try:
        return convert(column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _one_by_one(column, convert, target, name, type_name, lenient=lenient)


def _converter(source: str, type_name: str, target: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    special: Mapping[tuple[str, str], Callable[[pa.Array], pa.Array]] = {
        ("text", "bool"): _text_to_bool,
        ("text", "timestamp"): _text_to_time,
        ("text", "int64"): _text_to_integer,
        ("text", "utf8"): lambda column: column,
        ("bool", "utf8"): lambda column: column.cast(target),
        # NaN is a missing value, and int64 has no other way to say so.
        ("float", "int64"): lambda column: pc.if_else(pc.is_nan(column), None, column).cast(target),
        ("time", "int64"): lambda column: column.cast(target),
    }
    found = special.get((source, type_name))
    if found is not None:
        return found
    if type_name == "bool":
        return _number_to_bool
    if type_name == "timestamp":
        return lambda column: column.cast(pa.int64()).cast(target)
    if source == "text":
        return lambda column: pc.utf8_trim_whitespace(column).cast(target)
    if source == "bool":
        return lambda column: column.cast(pa.int8()).cast(target)
    return lambda column: column.cast(target)


def _text_to_bool(column: pa.Array) -> pa.Array:
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    true, false = pc.is_in(folded, value_set=pa.array(_TRUE)), pc.is_in(folded, value_set=pa.array(_FALSE))
    known = pc.or_(pc.or_(true, false), pc.is_null(column))
    if not pc.all(known, min_count=0).as_py():
        raise pa.ArrowInvalid("not a truth value")
    return pc.if_else(pc.is_null(column), None, true)


def _text_to_integer(column: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(column)
    try:
        return trimmed.cast(pa.int64())
    except pa.ArrowInvalid:
        # "3.0" is the whole number 3; "3.5" still raises.
        return trimmed.cast(pa.float64()).cast(pa.int64())


def _text_to_time(column: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(column)
    try:
        return trimmed.cast(TIMESTAMP)
    except pa.ArrowInvalid:
        # ISO 8601 without a zone is read as UTC.
        return trimmed.cast(pa.timestamp("us")).cast(TIMESTAMP)


def _number_to_bool(column: pa.Array) -> pa.Array:
    values = column.cast(pa.float64())
    known = pc.or_(pc.or_(pc.equal(values, 0.0), pc.equal(values, 1.0)), pc.is_null(values, nan_is_null=True))
    if not pc.all(known, min_count=0).as_py():
        raise pa.ArrowInvalid("not a truth value")
    return pc.if_else(pc.is_null(values, nan_is_null=True), None, pc.equal(values, 1.0))


def _one_by_one(
    column: pa.Array, convert: Callable[[pa.Array], pa.Array], target: pa.DataType, name: str, type_name: str, *, lenient: bool
) -> pa.Array:
    """The slow way, by distinct values: name the first value that fails, or make those that fail null."""
    distinct = column.unique()
    converted: list[Any] = []
    for index in range(len(distinct)):
        one = distinct.slice(index, 1)
        try:
            converted.append(convert(one)[0])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            if not lenient:
                raise DataError(
                    f"column `{name}` holds a value that is no {type_name}: {name_of(one[0].as_py())[:100]}",
                    field="columns",
                    found=one[0].as_py(),
                    fix="correct the data, `replace` the value, or set `invalid: missing`",
                ) from None
            converted.append(pa.scalar(None, target))
    values = pa.array([item.as_py() for item in converted], target)
    return values.take(pc.index_in(column, value_set=distinct))


def exchange(column: pa.Array, values: Mapping[str, Any], name: str, *, strict: bool) -> pa.Array:
    """The column with old values (by name) exchanged. Raises SpecError for a new value of another type where `strict`; else leaves the column."""
    column = decoded(column)
    kind = kind_of(column.type)
    pairs = [(old, new) for text, new in values.items() if (old := _read(text, kind, column.type)) is not None]
    if not pairs:
        return column
    try:
        news = pa.array([_fit(new, kind) for _, new in pairs], column.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError):
        if not strict:
            return column
        wrong = next(new for _, new in pairs if not _fits(new, kind, column.type))
        raise SpecError(
            f"column `{name}` is {kind} and cannot hold the new value", field="values", found=wrong, fix=f"`cast` `{name}` first"
        ) from None
    olds = pa.array([old for old, _ in pairs], column.type)
    where = pc.index_in(column, value_set=olds, skip_nulls=True)
    return pc.if_else(pc.is_valid(where), news.take(where), column)


def _read(text: str, kind: str, type_: pa.DataType) -> Any:
    """The old value in the column's own type, or None when nothing of that type goes by this name."""
    if kind == "text":
        return text
    if kind == "bool":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.casefold())
    for spelling in (text, text.removesuffix(".0")):
        try:
            return pa.scalar(spelling).cast(type_).as_py()
        except pa.ArrowInvalid:
            continue
    return None


def _fit(new: Any, kind: str) -> Any:
    """A new value as the column's kind takes it; text columns take the name of anything."""
    if new is None:
        return None
    if kind == "text":
        return new if isinstance(new, str) else name_of(new)
    if kind in {"integer", "float", "decimal"}:
        if isinstance(new, bool) or (kind == "integer" and not float(new).is_integer()):
            raise ValueError(new)
        return int(new) if kind == "integer" else Decimal(str(new)) if kind == "decimal" else float(new)
    if kind == "bool" and not isinstance(new, bool):
        raise ValueError(new)
    return new


def _fits(new: Any, kind: str, type_: pa.DataType) -> bool:
    try:
        pa.array([_fit(new, kind)], type_)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError):
        return False
    return True
