"""Finding the rows of every declared slice, and of those that only gates name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mtf.contracts.slices import SlicePart
from mtf.contracts.stages import Term
from mtf.errors import DataError, SpecError
from mtf_evaluation.declared.labels import means, text
from mtf_evaluation.slices.encode import by_value, column, encode
from mtf_evaluation.slices.part import Crowded, Encoded, Slice

MOST = 1000
"""Slices that one cross may make. More are noise, a report nobody reads, and usually an identifier taken for a category."""
Part = str | SlicePart


def find(columns: Mapping[str, pa.Array], crosses: Sequence[Sequence[Part]], gates: Iterable[Term] = ()) -> list[Slice]:
    """Every slice in the order of the run file; then slices that only gates name.

    A cross has a slice for every combination that a row shows, sorted; single bins, quantiles, selected values and conditions are
    listed also where no row is in them.

    Args:
        columns: (n,) slice values by column, of the rows that were scored.
        crosses: Ways to part the rows, as `declared.forms.crosses` writes them; a text is a column by its values.
        gates: Parsed gates.

    Raises:
        DataError: A cross of more than `MOST` slices.
        SpecError: A column that the rows lack, or that cannot be parted as asked.
    """
    known = _Known(columns)
    found: dict[tuple[tuple[str, str], ...], Slice] = {}
    for cross in crosses:
        for part in _cross([known.of(one, cross) for one in cross]):
            found.setdefault(key(part.where), part)
    for term in gates:
        if term.where and match(term.where, found.values()) is None:
            part = _only(known, term.where)
            found[key(part.where)] = part
    return list(found.values())


def match(where: Mapping[str, str], slices: Iterable[Slice]) -> Slice | None:
    """The slice that a gate means, whatever the order of its columns; None where there is none."""
    for part in slices:
        if part.where.keys() == where.keys() and all(means(written, part.where[column]) for column, written in where.items()):
            return part
    return None


def key(where: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What tells slices apart: columns and values in any order, with their type."""
    return tuple(sorted((column, repr(value)) for column, value in where.items()))


def name_of(where: Mapping[str, Any]) -> str:
    """`sex=Female, island=Biscoe`."""
    return ", ".join(f"{column}={text(value)}" for column, value in where.items())


class _Known:
    """Each way to part the rows, encoded once."""

    def __init__(self, columns: Mapping[str, pa.Array]) -> None:
        self._columns, self._found = columns, dict[str, Encoded]()

    def of(self, part: Part, cross: Sequence[Part]) -> Encoded:
        """The codes of a way. Raises DataError where it alone has too many values for a cross."""
        own = part if isinstance(part, str) else part.model_dump_json()
        if own not in self._found:
            try:
                self._found[own] = encode(self._columns, part, most=MOST)
            except Crowded as error:
                raise _too_many([_name(one) for one in cross], error.values) from None
        return self._found[own]

    def meant(self, name: str, written: str) -> tuple[Encoded, int | None]:
        """The way and the code that a gate names by a value: a declared one that has it, else the values of the column."""
        for one in self._found.values():
            if one.name == name:
                code = next((code for code, value in enumerate(one.values) if means(written, value)), None)
                if code is not None:
                    return one, code
        found = by_value(name, column(self._columns, name))
        return found, next((code for code, value in enumerate(found.values) if means(written, value)), None)


def _name(part: Part) -> str:
    return part if isinstance(part, str) else part.name


def _cross(parts: Sequence[Encoded]) -> list[Slice]:
    """One slice for each combination of codes that a row has, in sorted order, and for declared codes that none has."""
    if len(parts) == 1:
        first, codes = parts[0], parts[0].codes
        counts = _count(codes, len(first.values))
        shown = sorted(first.always | set(np.flatnonzero(counts).tolist()))
        rows = _split(codes, counts)
        return [_slice([first], [code], rows[code]) for code in shown]
    code = parts[0].codes.copy()
    seen = np.arange(len(parts[0].values))[:, None]
    for part in parts[1:]:
        size = max(1, len(part.values))
        code = np.where((code < 0) | (part.codes < 0), -1, code * size + part.codes)
        occupied = np.flatnonzero(_count(code, len(seen) * size))
        if len(occupied) > MOST:
            raise _too_many([one.name for one in parts], len(occupied))
        narrow = np.full(len(seen) * size + 1, -1, dtype=np.int64)
        narrow[occupied] = np.arange(len(occupied))
        code, seen = narrow[code], np.column_stack([seen[occupied // size], occupied % size])
    counts = _count(code, len(seen))
    rows = _split(code, counts)
    return [_slice(parts, codes, rows[place]) for place, codes in enumerate(seen.tolist()) if counts[place]]


def _count(codes: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """(size,) rows of each code; rows of code -1 are of none."""
    return np.asarray(np.bincount(codes + 1, minlength=size + 1)[1:])


def _split(codes: NDArray[np.int64], counts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Positions of the rows of each code, rising. Few codes are sorted as small integers, by counting."""
    small = codes.astype(np.int16) if counts.size < np.iinfo(np.int16).max else codes
    order = np.argsort(small, kind="stable")
    outside = codes.size - int(counts.sum())
    return np.split(order, np.cumsum([outside, *counts.tolist()]))[1:-1]


def _slice(parts: Sequence[Encoded], codes: Sequence[int], rows: NDArray[np.int64]) -> Slice:
    pairs = list(zip(parts, codes, strict=True))
    edges = {part.name: edge for part, code in pairs if (edge := part.edges[code]) is not None}
    condition = " and ".join(f"({part.condition})" if len(parts) > 1 else part.condition for part in parts if part.condition is not None)
    where = {part.name: part.values[code] for part, code in pairs}
    return Slice(", ".join(part.titles[code] for part, code in pairs), where, rows, edges, condition or None)


def _too_many(cross: Sequence[str], slices: int) -> DataError:
    return DataError(
        f"slices by {' x '.join(cross)} would be {slices:,} or more; at most {MOST:,} are measured",
        field="evaluation.slices",
        found=list(cross),
        fix="slice by a column with few distinct values, or by bins or quantiles: `{column: age, quantiles: 4}`",
    )


def _only(known: _Known, where: Mapping[str, str]) -> Slice:
    """The slice that a gate names. It is empty when its values never meet, or stand in no row that was scored."""
    if not where:
        raise SpecError("a slice names at least one column", field="evaluation.slices")
    typed: dict[str, Any] = {}
    titles: list[str] = []
    masks: list[NDArray[np.bool_]] = []
    for name, written in where.items():
        part, code = known.meant(name, written)
        typed[name] = written if code is None else part.values[code]
        titles.append(f"{name}={written}" if code is None else part.titles[code])
        masks.append(np.zeros(len(part.codes), dtype=np.bool_) if code is None else np.asarray(part.codes == code))
    return Slice(", ".join(titles), typed, np.flatnonzero(np.logical_and.reduce(masks)))
