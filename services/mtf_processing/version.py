"""A stored version as a stream of canonical batches, a few columns at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mtf.errors import DataError
from mtf_processing.kernels.columns import NUMERIC, TIMESTAMP, canonical, kind_of, missing
from mtf_processing.names import absent
from mtf_processing.rules import RESERVED

BATCH = 65_536
"""Rows of a batch: a column of it fits the processor's cache."""


@dataclass(frozen=True)
class Version:
    """One Parquet file. `schema` says what its columns are read as."""

    path: Path
    name: str
    """`data` or `train`."""
    schema: pa.Schema
    rows: int

    @classmethod
    def open(cls, path: Path, name: str) -> Version:
        """Read the file's footer. Raises DataError for a file that is not Parquet, has no rows, or has names that cannot be told apart."""
        try:
            with pq.ParquetFile(path) as file:
                schema, rows = file.schema_arrow, file.metadata.num_rows
        except pa.ArrowInvalid:
            raise DataError(f"the {name} version is not a Parquet file", fix="acquire the data again") from None
        if rows == 0:
            raise DataError(f"the {name} version has no rows", field="dataset", fix="check the source")
        twice = [column for column, count in Counter(schema.names).items() if count > 1]
        if twice:
            raise DataError(
                f"two columns are called `{twice[0][:100]}`",
                field="dataset.source",
                found=twice[0],
                fix="give each column a name of its own",
            )
        taken = next((column for column in schema.names if column.startswith(RESERVED)), None)
        if taken is not None:
            raise DataError(f"column names must not begin with `{RESERVED}`", field="dataset.source", found=taken, fix="rename the column")
        fields = [pa.field(field.name, canonical(field.type)) for field in schema]
        return cls(path, name, pa.schema(fields), rows)

    def read_as(self, types: Mapping[str, pa.DataType]) -> Version:
        """The same file with some columns read as other types."""
        return replace(self, schema=pa.schema([pa.field(field.name, types.get(field.name, field.type)) for field in self.schema]))

    def batches(self, columns: Sequence[str], rows: int = BATCH) -> Iterator[tuple[int, int, pa.RecordBatch]]:
        """(first position, rows, batch) in order; the batch has `columns` in their order and no rows when there are none of them."""
        start = 0
        # With `pre_buffer`, which is pyarrow's default, the bytes of every row group stay in memory until the file is closed.
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=rows, columns=list(columns), use_threads=pa.cpu_count() > 1):
                arrays = [self._column(batch.column(name), name) for name in columns]
                yield start, batch.num_rows, pa.RecordBatch.from_arrays(arrays, names=list(columns))
                start += batch.num_rows

    def lacks(self, name: str) -> bool:
        """Whether a column has no value at all, so that its type says nothing."""
        return all(missing(batch.column(0)).all() for _, _, batch in self.batches([name]))

    def _column(self, column: pa.Array, name: str) -> pa.Array:
        target = self.schema.field(name).type
        if column.type == target:
            return column
        try:
            return column.cast(target, safe=not pa.types.is_floating(target))
        except pa.ArrowInvalid:
            raise DataError(
                f"column `{name}` holds values that are no {target}",
                field="dataset.types",
                found=str(column.type),
                fix="declare its type under `types`",
            ) from None


def unify(data: Version, train: Version) -> tuple[Version, Version]:
    """Both versions with the types that suit both. Raises DataError for a column that is text in one and a number in the other."""
    types: dict[str, pa.DataType] = {}
    for field in data.schema:
        if field.name not in train.schema.names:
            continue
        other = train.schema.field(field.name).type
        if field.type == other:
            continue
        types[field.name] = _common(field.name, (data, train))
    return data.read_as(types), train.read_as(types)


def _common(name: str, versions: tuple[Version, Version]) -> pa.DataType:
    a, b = (version.schema.field(name).type for version in versions)
    if {kind_of(a), kind_of(b)} <= set(NUMERIC):
        return pa.float64()
    for version, other in zip(versions, (b, a), strict=True):
        if version.lacks(name):
            return other
    raise DataError(
        f"column `{name[:100]}` is {kind_of(a)} in the data and {kind_of(b)} in the training data",
        field="dataset.types",
        found=name,
        fix="declare its type under `dataset.types`, so that both are read alike",
    )


_KINDS = {"bool": pa.bool_(), "integer": pa.int64(), "float": pa.float64(), "decimal": pa.float64(), "text": pa.string(), "time": TIMESTAMP}


def fit_types(version: Version, types: Mapping[str, str], optional: Sequence[str]) -> Version:
    """The version read with the types that a recipe was fitted on (column to kind). Raises DataError for a column that is not there or does not fit."""
    found: dict[str, pa.DataType] = {}
    for name, kind in types.items():
        if name not in version.schema.names:
            if name in optional:
                continue
            raise absent("the recipe's column", name, version.schema.names, where="processing.recipe", data=True)
        have = version.schema.field(name).type
        if kind_of(have) == kind or {kind_of(have), kind} <= {"integer", "float", "decimal"}:
            if kind == "float" or (kind == "integer" and kind_of(have) != "integer"):
                found[name] = pa.float64()
            continue
        if version.lacks(name):
            found[name] = _KINDS[kind]
            continue
        raise DataError(
            f"column `{name[:100]}` is {kind_of(have)} here and was {kind} when the recipe was fitted",
            field="dataset.types",
            found=name,
            fix="declare its type under `dataset.types`",
        )
    return version.read_as(found)
