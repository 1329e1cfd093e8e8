"""Per-column profiles as mergeable states: `observe(column) -> state`, `merge(a, b)`, `finish(state)`, in one pass.

Counts are exact while a column has at most 10,000 distinct values; beyond that `distinct` is null and `top` is empty, because half a
count would be a wrong count. Mean and squared deviations merge as Chan, Golub and LeVeque (1983) give them, in the order of the blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mtf.contracts.stages import ColumnProfile
from mtf_acquisition.convert import float_buffer

MAX_DISTINCT = 10_000
TOP = 20
MAX_TEXT = 200
"""Characters of a text that a profile repeats."""


@dataclass(frozen=True)
class ColumnState:
    """What is known of a column's rows so far. `values` and `counts` are None once there were too many distinct values."""

    rows: int
    missing: int
    values: pa.Array | None
    counts: pa.Array | None
    minimum: Any = None
    maximum: Any = None
    mean: float = 0.0
    deviations: float = 0.0
    """The sum of squared deviations from the mean."""


def observe(column: pa.Array, *, count: bool = True) -> ColumnState:
    """Summarise one column of one block. `count=False` skips the distinct values, for a column that has too many already."""
    present = column.drop_null() if column.null_count else column
    values, counts = _counted(present) if count else (None, None)
    low_high = pc.min_max(present if values is None else values)
    mean, deviations = _moments(present)
    return ColumnState(
        rows=len(column),
        missing=len(column) - len(present),
        values=values,
        counts=counts,
        minimum=low_high["min"].as_py(),
        maximum=low_high["max"].as_py(),
        mean=mean,
        deviations=deviations,
    )


def merge(a: ColumnState, b: ColumnState) -> ColumnState:
    """The state of a's rows followed by b's."""
    values, counts = _merge_counts(a, b)
    n_a, n_b = a.rows - a.missing, b.rows - b.missing
    n, step = n_a + n_b, b.mean - a.mean
    share = n_b / n if n else 0.0
    return ColumnState(
        rows=a.rows + b.rows,
        missing=a.missing + b.missing,
        values=values,
        counts=counts,
        minimum=_pick(min, a.minimum, b.minimum),
        maximum=_pick(max, a.maximum, b.maximum),
        mean=a.mean + step * share if n_a else b.mean,
        deviations=a.deviations + b.deviations + (step * step * n_a * share if n_a else 0.0),
    )


def finish(name: str, kind: pa.DataType, state: ColumnState) -> ColumnProfile:
    """The profile that people and later stages read. `std` divides by n - 1."""
    n = state.rows - state.missing
    numeric = _numeric(kind) and n > 0
    return ColumnProfile(
        name=name,
        type="decimal" if pa.types.is_decimal128(kind) else _NAMES[kind],
        missing=state.missing,
        distinct=None if state.values is None else len(state.values),
        minimum=_plain(state.minimum),
        maximum=_plain(state.maximum),
        mean=_finite(state.mean) if numeric else None,
        std=_finite(math.sqrt(state.deviations / (n - 1))) if numeric and n > 1 else None,
        top=_top(state),
    )


_NAMES = {pa.int64(): "int64", pa.float64(): "float64", pa.string(): "utf8", pa.bool_(): "bool", pa.timestamp("us", "UTC"): "timestamp"}


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _counted(present: pa.Array) -> tuple[pa.Array | None, pa.Array | None]:
    """Distinct values and how often each occurs, or Nones where there are too many."""
    table = present.value_counts()
    if len(table) > MAX_DISTINCT:
        return None, None
    return table.field(0), table.field(1)


def _merge_counts(a: ColumnState, b: ColumnState) -> tuple[pa.Array | None, pa.Array | None]:
    if a.values is None or b.values is None:
        return None, None
    if not len(b.values) or not len(a.values):
        full = a if len(a.values) else b
        return full.values, full.counts
    table = pa.table({"value": pa.chunked_array([a.values, b.values]), "count": pa.chunked_array([a.counts, b.counts])})
    grouped = table.group_by("value", use_threads=False).aggregate([("count", "sum")])
    if grouped.num_rows > MAX_DISTINCT:
        return None, None
    return grouped["value"].combine_chunks(), grouped["count_sum"].combine_chunks()


def _moments(present: pa.Array) -> tuple[float, float]:
    """Mean and sum of squared deviations; zeros for what is not a number."""
    if not len(present) or not _numeric(present.type):
        return 0.0, 0.0
    if not pa.types.is_floating(present.type):
        present = present.cast(pa.float64(), safe=False)
    numbers = float_buffer(present)
    with np.errstate(all="ignore"):  # infinities and overflow end as null in `finish`
        mean = float(numbers.mean())
        away = numbers - mean
        np.multiply(away, away, out=away)  # not a dot product: BLAS would wake threads that cost more than they give
        return mean, float(away.sum())


def _pick(choose: Any, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return choose(a, b)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _plain(value: Any) -> Any:
    """A value as JSON can carry it: times in RFC 3339, decimals and infinities as text, long text cut."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[:MAX_TEXT] + "…"
    return value


def _top(state: ColumnState) -> list[tuple[Any, int]]:
    """The most frequent values; equally frequent ones in their own order, so that the list does not depend on the order of the rows."""
    if state.values is None or state.counts is None or not len(state.values):
        return []
    table = pa.table({"value": state.values, "count": state.counts})
    order = pc.sort_indices(table, sort_keys=[("count", "descending"), ("value", "ascending")])[:TOP]
    best = table.take(order)
    return [(_plain(value), count) for value, count in zip(best["value"].to_pylist(), best["count"].to_pylist(), strict=True)]
