"""Which rows a condition holds for. Texts are looked at once for each distinct one; nothing of the condition is ever executed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.errors import SpecError
from mtf_evaluation.declared import conditions
from mtf_evaluation.declared.conditions import NUMBERS, Among, Compare, Condition, Every, Literal, Missing, Not, Some, moment
from mtf_evaluation.slices.columns import kind_of

Mask = NDArray[np.bool_]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def holds(condition: Condition, columns: Mapping[str, pa.Array]) -> Mask:
    """(n,) rows for which the condition is true; a comparison with a missing value is false, and so `!=` with it is true.

    Raises SpecError for a value that a column of its type cannot be compared with.
    """
    match condition:
        case Missing(column):
            return _absent(columns[column])
        case Compare(column, operator, value):
            return _compare(columns[column], operator, value, condition)
        case Among(column, values):
            return reduce(np.logical_or, [_compare(columns[column], "=", value, condition) for value in values])
        case Not(of):
            return ~holds(of, columns)
        case Every(of):
            return reduce(np.logical_and, [holds(one, columns) for one in of])
        case Some(of):
            return reduce(np.logical_or, [holds(one, columns) for one in of])


def _absent(values: pa.Array) -> Mask:
    found: Mask = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type)).to_numpy(zero_copy_only=False)
    return found


def _compare(values: pa.Array, operator: str, value: Literal, condition: Compare | Among) -> Mask:
    if operator == "!=":
        return ~_compare(values, "=", value, condition)
    kind = kind_of(values.type)
    if isinstance(value, bool):
        fits = kind == "bool"
    elif isinstance(value, str):
        fits = kind == "text" or (kind == "time" and moment(value) is not None)
    else:
        fits = kind in NUMBERS
    if not fits:
        raise SpecError(
            f"`{condition.column}` is {kind}, and `{conditions.write(condition)}` compares it with {value!r}",
            field="evaluation.slices",
            found=condition.column,
            fix="write numbers without and texts with quotation marks, and times as '2024-01-31'",
        )
    if kind in ("text", "bool"):
        found: Mask = pc.fill_null(pc.equal(values, pa.scalar(value, values.type)), fill_value=False).to_numpy(zero_copy_only=False)
        return found
    return _ordered(values, operator, value, kind) & ~_absent(values)


def _ordered(values: pa.Array, operator: str, value: Literal, kind: str) -> Mask:
    """Numbers and times; what stands in place of missing values is put right by the caller."""
    right: int | float
    if kind == "time":
        left = pc.fill_null(values.cast(pa.timestamp("us", tz=getattr(values.type, "tz", None))).cast(pa.int64()), 0)
        right = round(((moment(str(value)) or _EPOCH) - _EPOCH).total_seconds() * 1_000_000)
    else:
        left = pc.fill_null(values if kind == "integer" else values.cast(pa.float64()), 0)
        right = float(value) if kind != "integer" else value  # type: ignore[assignment]  # texts went another way
    numbers = left.to_numpy(zero_copy_only=False)
    # Python's own comparison of whole numbers with a fraction is exact, numpy's rounds beyond 2^53.
    if kind == "integer" and isinstance(right, int) and not -(2**63) <= right < 2**63:
        return np.full(len(values), operator in (("<", "<=") if right > 0 else (">", ">=")))
    compared = {"=": np.equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[operator]
    found: Mask = compared(numbers, right)
    return found
