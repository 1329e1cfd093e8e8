"""How often each category occurs, as a state that merges."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mtf.errors import DataError
from mtf_processing.kernels.columns import decoded, kind_of, missing, plain

MOST = 1_000_000
"""More distinct values than this are no categories."""

Counts = dict[Any, int]
"""Category to rows; the key None stands for missing values."""


def count(column: pa.Array, name: str) -> Counts:
    """Count the values of a column. Times count by their ISO text."""
    column = decoded(column)
    kind_of(column.type)
    absent = int(missing(column).sum())
    found: Counts = {None: absent} if absent else {}
    for value, rows in zip(*_value_counts(column), strict=True):
        found[value] = found.get(value, 0) + rows
    return _checked(found, name)


def merge(a: Counts, b: Counts, name: str) -> Counts:
    """Both together."""
    small, large = sorted((a, b), key=len)
    total = dict(large)
    for value, rows in small.items():
        total[value] = total.get(value, 0) + rows
    return _checked(total, name)


def ordered(counts: Counts) -> list[Any]:
    """The categories in ascending order without missing; text by code points, as scikit-learn sorts them."""
    return sorted(value for value in counts if value is not None)


def _value_counts(column: pa.Array) -> tuple[list[Any], list[int]]:
    present = column.filter(pc.invert(pc.is_null(column, nan_is_null=True))) if _has_missing(column) else column
    found = present.value_counts()
    return [plain(value) for value in found.field("values").to_pylist()], found.field("counts").to_pylist()


def _has_missing(column: pa.Array) -> bool:
    return bool(column.null_count) or pa.types.is_floating(column.type)


def _checked(counts: Counts, name: str) -> Counts:
    if len(counts) > MOST:
        raise DataError(
            f"column `{name}` has more than {MOST:,} distinct values, so it holds no categories",
            field=name,
            fix="drop the column, or name the columns of the step",
        )
    return counts
