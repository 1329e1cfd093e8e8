"""From columns to codes: by values, bins, quantiles or a condition. One pass over a column each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.contracts.slices import SlicePart
from mtf.errors import SpecError
from mtf.plugins import unknown
from mtf_evaluation.declared import grammar
from mtf_evaluation.declared.conditions import moment
from mtf_evaluation.declared.labels import MISSING, means, of_bins, of_quantiles, text
from mtf_evaluation.slices.columns import kind_of, numbers, refuse
from mtf_evaluation.slices.evaluate import holds
from mtf_evaluation.slices.part import Crowded, Encoded

Columns = Mapping[str, pa.Array]


def encode(columns: Columns, part: str | SlicePart, *, most: int) -> Encoded:
    """The codes of one way to part the rows.

    Raises:
        Crowded: A column of more than `most` distinct values.
        SpecError: A column that the rows lack, or that cannot be parted so.
    """
    if isinstance(part, str):
        return by_value(part, column(columns, part), most=most)
    if part.kind == "condition":
        return _by_condition(columns, part)
    values = column(columns, part.name)
    if part.kind == "values":
        return _selected(by_value(part.name, values), part.values)
    if part.kind == "bins":
        return _by_bins(part, values)
    return _by_quantiles(part, values)


def column(columns: Columns, name: str) -> pa.Array:
    """A slice column, or SpecError with the nearest known one."""
    if name not in columns:
        raise unknown("slice column", name, sorted(columns), where="evaluation.slices")
    return columns[name]


def by_value(name: str, values: pa.Array, *, most: int | None = None) -> Encoded:
    """Codes into the sorted distinct values; missing ones come last. Raises Crowded for more than `most`."""
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    encoded = values.dictionary_encode()
    if most is not None and len(encoded.dictionary) > most:
        raise Crowded(len(encoded.dictionary))
    distinct = [_plain(value) for value in encoded.dictionary.to_pylist()]
    order = sorted(range(len(distinct)), key=lambda index: distinct[index])
    rank = np.empty(len(distinct) + 1, dtype=np.int64)
    rank[order] = np.arange(len(distinct))
    rank[-1] = len(distinct)
    codes = rank[pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)]
    ordered = [distinct[index] for index in order]
    found = [*ordered, None] if encoded.null_count else ordered
    return Encoded(name, codes, found, [f"{name}={text(value)}" for value in found], [None] * len(found))


def _plain(value: Any) -> Any:
    """A value that JSON can carry. Times become their ISO text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _selected(found: Encoded, wanted: Sequence[str]) -> Encoded:
    """The values that were asked for, in that order; one that no row has is listed too."""
    values, rank = [], np.full(len(found.values) + 1, -1, dtype=np.int64)
    for place, written in enumerate(wanted):
        at = next((index for index, value in enumerate(found.values) if means(written, value)), None)
        values.append(written if at is None else found.values[at])
        if at is not None:
            rank[at] = place
    titles = [f"{found.name}={text(value)}" for value in values]
    return Encoded(found.name, rank[found.codes], values, titles, [None] * len(values), frozenset(range(len(values))))


def _by_bins(part: SlicePart, values: pa.Array) -> Encoded:
    """Bins [low, high), rows below the first and above the last edge, and rows without a value."""
    timed = isinstance(part.edges[0], str)
    if (kind_of(values.type) == "time") != timed:
        raise refuse(part.name, values.type, f"its bins have {'times' if timed else 'numbers'} for edges", "evaluation.slices")
    found, absent = numbers(values, part.name, "bins")
    edges = [_micros(edge) if timed else edge for edge in part.edges]
    codes = np.searchsorted(np.asarray(edges, dtype=found.dtype if timed else np.float64), found, side="right").astype(np.int64)
    shown = [None, *part.edges, None]
    between = list(pairwise(shown))
    return _ranges(part.name, codes, of_bins(part.edges), between, absent, declared=range(1, len(part.edges)))


def _by_quantiles(part: SlicePart, values: pa.Array) -> Encoded:
    """Parts between numpy's quantiles of the rows that have a value. Equal values stay together, so that there may be fewer."""
    found, absent = numbers(values, part.name, "quantiles")
    known = found[~absent] if absent.any() else found
    if not known.size:
        return _ranges(part.name, np.zeros(found.size, dtype=np.int64), [], [], absent, declared=())
    if not np.isfinite(known).all():
        raise SpecError(f"`{part.name}` has infinite values, which have no quantiles", field="evaluation.slices", fix="use bins instead")
    # Edges that are given were taken from more rows than these.
    edges = np.unique(np.asarray(part.edges) if part.edges else np.quantile(known, np.linspace(0, 1, part.quantiles + 1)))
    codes = np.clip(np.searchsorted(edges, found, side="right") - 1, 0, max(edges.size - 2, 0))
    shown = [_time(edge) for edge in edges] if kind_of(values.type) == "time" else [_number(edge) for edge in edges.tolist()]
    if len(shown) == 1:
        shown *= 2
    between: list[tuple[Any, Any]] = list(pairwise(shown))
    return _ranges(part.name, codes, of_quantiles(shown), between, absent, declared=range(len(between)))


def _ranges(
    name: str, codes: NDArray[np.int64], labels: list[str], between: list[tuple[Any, Any]], absent: NDArray[np.bool_], *, declared: Any
) -> Encoded:
    """Codes of intervals, with a code behind them for missing values."""
    titles, values, edges = [f"{name} {label}" for label in labels], list[Any](labels), list[tuple[Any, Any] | None](between)
    if absent.any():
        codes = np.where(absent, len(labels), codes)
        titles, values, edges = [*titles, f"{name}={MISSING}"], [*values, None], [*edges, None]
    return Encoded(name, codes, values, titles, edges, frozenset(declared))


def _by_condition(columns: Columns, part: SlicePart) -> Encoded:
    if part.name in columns and part.name not in part.columns:
        fix = "give the condition another name"
        raise SpecError(f"`{part.name}` is a column already", field="evaluation.slices", found=part.name, fix=fix)
    condition = grammar.read(part.condition, field="evaluation.slices")
    found = holds(condition, {name: column(columns, name) for name in part.columns})
    return Encoded(part.name, found.astype(np.int64) - 1, [True], [part.name], [None], frozenset({0}), part.condition)


def _number(edge: float) -> float | int:
    return int(edge) if edge.is_integer() and abs(edge) < 1e15 else edge  # noqa: PLR2004 - beyond it floats skip integers


def _micros(edge: str) -> int:
    found = moment(edge)
    return 0 if found is None else round((found - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def _time(micros: float) -> str:
    return datetime.fromtimestamp(float(micros) / 1e6, tz=UTC).isoformat()
