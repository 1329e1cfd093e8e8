"""Which columns a table has and which canonical type each: found at the beginning of the source, widened when it contradicts itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from mtf.errors import DataError
from mtf.plugins import unknown
from mtf_acquisition.canonical import FLOAT, TEXT, ContradictionError, join, name_of, natural_type
from mtf_acquisition.columns import check_names
from mtf_acquisition.convert import convert
from mtf_acquisition.text import infer

TEXT_MARK = b"mtf:text"
"""Key of the schema metadata that says: these columns are texts of which the types are to be found."""

_LONG_INTEGER = r"^[+-]?\d{16,}$"


class WidenError(Exception):
    """A batch does not fit the plan, and a wider plan would hold it."""


@dataclass(frozen=True)
class Plan:
    """The columns of the version in order. A type is None while every value was missing."""

    types: Mapping[str, pa.DataType | None]
    declared: Mapping[str, pa.DataType]
    missing: Sequence[str]
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, head: Sequence[pa.RecordBatch], declared: Mapping[str, pa.DataType], missing: Sequence[str]) -> Plan:
        """The plan that the first batches suggest. Raises DataError for impossible names and SpecError for a declared column that is absent."""
        plan = cls({}, declared, missing)
        for batch in head:
            plan = plan.widened(batch, 0, quiet=True)
        for name in declared:
            if name not in plan.types:
                raise unknown("column", name, list(plan.types), where=f"dataset.types.{name[:100]}")
        return plan

    @property
    def schema(self) -> pa.Schema:
        """The schema of the version; a column without any value is text."""
        return pa.schema([pa.field(name, TEXT if kind is None else kind) for name, kind in self.types.items()])

    def conform(self, batch: pa.RecordBatch, rows_before: int) -> pa.RecordBatch:
        """The batch in the plan's types. Raises WidenError, and DataError where a declared type is contradicted."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        is_text = TEXT_MARK in (batch.schema.metadata or {})
        if columns.keys() - self.types.keys():
            raise WidenError
        arrays = []
        for name, kind in self.types.items():
            column = columns.get(name)
            if column is None or column.null_count == len(column):
                arrays.append(pa.nulls(len(batch), TEXT if kind is None else kind))
                continue
            try:
                self._check_kind(name, column, kind, is_text=is_text)
                arrays.append(convert(column, TEXT if kind is None else kind, () if is_text else self.missing))
            except ContradictionError:
                if name in self.declared:
                    raise self._misfit(name, column, rows_before) from None
                raise WidenError from None
            if kind is None and arrays[-1].null_count < len(column):
                raise WidenError
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _check_kind(self, name: str, column: pa.Array, kind: pa.DataType | None, *, is_text: bool) -> None:
        """A typed column must be of the plan's type, not merely hold values that fit it: 2.0 is no integer, in whatever row it stands."""
        if not is_text and name not in self.declared and kind is not None and join(kind, self._natural(name, column)) != kind:
            raise ContradictionError

    def _natural(self, name: str, column: pa.Array) -> pa.DataType | None:
        """The type of a typed column; None where every value is missing."""
        kind = natural_type(name, column)
        present = convert(column, TEXT, self.missing) if kind == TEXT else column
        return None if present.null_count == len(column) else kind

    def widened(self, batch: pa.RecordBatch, rows_before: int, *, quiet: bool = False) -> Plan:
        """The plan that holds this batch too."""
        is_text = TEXT_MARK in (batch.schema.metadata or {})
        problem = check_names(batch.schema.names)
        if problem:
            raise DataError(problem, field="dataset.source", found=", ".join(batch.schema.names), fix="correct the names at the source")
        types, notes = dict(self.types), list(self.notes)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            before = types.get(name)
            after = self.declared.get(name) or self._type_with(name, column, before, is_text=is_text)
            types[name] = after
            if after == FLOAT != before and is_text and pc.any(pc.match_substring_regex(column, _LONG_INTEGER)).as_py():
                notes.append(f"column `{name}` holds integers beyond 64 bits, read as float64; declare `utf8` if they name things")
            if not quiet and after != before:
                notes.append(self._told(name, column, before, after, rows_before, is_text=is_text))
        return replace(self, types=types, notes=tuple(notes))

    def _type_with(self, name: str, column: pa.Array, before: pa.DataType | None, *, is_text: bool) -> pa.DataType | None:
        if not is_text:
            return join(before, self._natural(name, column))
        return before if before is not None and _fits(column, before, self.missing) else join(before, infer(column))

    def _told(
        self, name: str, column: pa.Array, before: pa.DataType | None, after: pa.DataType | None, rows_before: int, *, is_text: bool
    ) -> str:
        """One sentence about a widened column, with the value that did it."""
        if name not in self.types:
            return f"column `{name}` first appears in row {rows_before + 1:,}; earlier rows are missing there"
        if before is None or after is None:
            return f"column `{name}` has its first value behind the beginning of the source; its type is {name_of(after or TEXT)}"
        if not is_text:
            kind = name_of(natural_type(name, column) or TEXT)
            return f"column `{name}` is {name_of(before)} until {kind} appears in row {rows_before + 1:,} or soon after, so it is {name_of(after)}"
        index, value = first_misfit(column, before, self.missing)
        return (
            f"column `{name}` looked like {name_of(before)} until row {rows_before + index + 1:,} holds {value!r:.60}, so it is "
            f"{name_of(after)}; if that means missing, add it to `na_values`"
        )

    def _misfit(self, name: str, column: pa.Array, rows_before: int) -> DataError:
        index, value = first_misfit(column, self.declared[name], self.missing)
        return DataError(
            f"row {rows_before + index + 1:,} of column `{name[:100]}` is not {name_of(self.declared[name])}, as `types` declares",
            field=f"dataset.types.{name[:100]}",
            found=value,
            fix="declare `utf8` or leave the type out; if the value means missing, add it to `na_values`",
        )


def _fits(column: pa.Array, kind: pa.DataType, missing: Sequence[str]) -> bool:
    if column.null_count == len(column):
        return True
    try:
        convert(column, kind, missing)
    except ContradictionError:
        return False
    return True


def first_misfit(column: pa.Array, kind: pa.DataType, missing: Sequence[str]) -> tuple[int, object]:
    """Position and value of the first value that is not of `kind`, found by halving."""
    start, length = 0, len(column)
    while length > 1:
        half = length // 2
        if _fits(column.slice(start, half), kind, missing):
            start, length = start + half, length - half
        else:
            length = half
    return start, column[start].as_py()
