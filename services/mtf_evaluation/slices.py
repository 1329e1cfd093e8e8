"""Slices: which rows each declared slice, each cross and each gate means, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.contracts.stages import Term
from mtf.errors import DataError, SpecError
from mtf.plugins import unknown

MOST = 1000
"""Slices that one cross may make. More are noise, a report nobody reads, and usually an identifier taken for a category."""
MISSING = "(missing)"
"""How a slice of rows without a value is called."""


@dataclass(frozen=True)
class Slice:
    """A part of the rows."""

    name: str
    where: dict[str, Any]
    rows: NDArray[np.int64]
    """Positions of the slice's rows, rising."""


@dataclass(frozen=True)
class _Column:
    """One slice column as codes into its sorted distinct values; the value of missing rows comes last."""

    codes: NDArray[np.int64]
    values: list[Any]


def find(columns: Mapping[str, pa.Array], crosses: Sequence[Sequence[str]], gates: Iterable[Term] = ()) -> list[Slice]:
    """Every observed combination of each cross, in the order of the crosses and sorted values; then slices that only gates name.

    Raises DataError for a cross of more than `MOST` slices, SpecError for a column that the scored rows lack.
    """
    crossed = {column: tuple(cross) for cross in crosses for column in cross}
    encoded = {column: _encode(columns, column, crossed.get(column)) for column in _named(crosses, gates)}
    found: dict[tuple[tuple[str, str], ...], Slice] = {}
    for cross in crosses:
        for part in _cross(encoded, cross):
            found.setdefault(key(part.where), part)
    for term in gates:
        if term.where and match(term.where, found.values()) is None:
            part = _only(encoded, term.where)
            found[key(part.where)] = part
    return list(found.values())


def match(where: Mapping[str, str], slices: Iterable[Slice]) -> Slice | None:
    """The slice that a gate means, whatever the order of its columns; None where there is none."""
    for part in slices:
        if part.where.keys() == where.keys() and all(means(text, part.where[column]) for column, text in where.items()):
            return part
    return None


def key(where: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What tells slices apart: columns and values in any order, with their type."""
    return tuple(sorted((column, repr(value)) for column, value in where.items()))


def text(value: Any) -> str:
    """A slice value as people read and write it."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - beyond it floats skip integers
        return str(int(value))
    return str(value)


def means(written: str, value: Any) -> bool:
    """Whether a value as a gate writes it is this value: `1`, `1.0` and `true` are what they say."""
    if written == text(value):
        return True
    if isinstance(value, bool):
        return written.lower() == text(value)
    if isinstance(value, int | float):
        try:
            return float(written) == float(value)
        except ValueError:
            return False
    return False


def name_of(where: Mapping[str, Any]) -> str:
    """`sex=Female, island=Biscoe`."""
    return ", ".join(f"{column}={text(value)}" for column, value in where.items())


def _named(crosses: Sequence[Sequence[str]], gates: Iterable[Term]) -> list[str]:
    return list(dict.fromkeys([column for cross in crosses for column in cross] + [column for term in gates for column in term.where]))


def _encode(columns: Mapping[str, pa.Array], column: str, cross: Sequence[str] | None) -> _Column:
    if column not in columns:
        raise unknown("slice column", column, sorted(columns), where="evaluation.slices")
    values = columns[column]
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    encoded = values.dictionary_encode()
    if cross is not None and len(encoded.dictionary) > MOST:
        raise _too_many(cross, len(encoded.dictionary))
    distinct = [_plain(value) for value in encoded.dictionary.to_pylist()]
    order = sorted(range(len(distinct)), key=lambda index: distinct[index])
    rank = np.empty(len(distinct) + 1, dtype=np.int64)
    rank[order] = np.arange(len(distinct))
    rank[-1] = len(distinct)
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    ordered = [distinct[index] for index in order]
    return _Column(rank[codes], [*ordered, None] if encoded.null_count else ordered)


def _plain(value: Any) -> Any:
    """A value that JSON can carry. Times become their ISO text."""
    if isinstance(value, datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _cross(encoded: Mapping[str, _Column], cross: Sequence[str]) -> list[Slice]:
    code = np.zeros(len(encoded[cross[0]].codes), dtype=np.int64)
    for column in cross:
        code = code * max(1, len(encoded[column].values)) + encoded[column].codes
        distinct, code = np.unique(code, return_inverse=True)
        if len(distinct) > MOST:
            raise _too_many(cross, len(distinct))
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order])) + 1
    slices = []
    for rows in np.split(order, starts):
        where = {column: encoded[column].values[encoded[column].codes[rows[0]]] for column in cross}
        slices.append(Slice(name_of(where), where, rows))
    return slices


def _too_many(cross: Sequence[str], slices: int) -> DataError:
    return DataError(
        f"slices by {' x '.join(cross)} would be {slices:,} or more; at most {MOST:,} are measured",
        field="evaluation.slices",
        found=list(cross),
        fix="slice by a column with few distinct values, for example a binned one",
    )


def _only(encoded: Mapping[str, _Column], where: Mapping[str, str]) -> Slice:
    """The slice that a gate names. It is empty when its values never meet, or stand in no row that was scored."""
    mask = np.ones(len(next(iter(encoded.values())).codes), dtype=bool)
    typed: dict[str, Any] = {}
    for column, written in where.items():
        values = encoded[column].values
        index = next((index for index, value in enumerate(values) if means(written, value)), None)
        typed[column] = written if index is None else values[index]
        mask &= encoded[column].codes == (-1 if index is None else index)
    if not typed:
        raise SpecError("a slice names at least one column", field="evaluation.slices")
    return Slice(name_of(typed), typed, np.flatnonzero(mask))
