"""Writing a row set: a features file and a context file, row by row in step."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtf_processing.frame import Frame
from mtf_processing.kernels.columns import decoded, floats, from_floats

ROW_GROUP = 131_072
"""Rows of a row group: later stages read one at a time."""
_SAMPLE, _FEW = 8_192, 256


class TableWriter:
    """A Parquet file in row groups of fixed size, so that its bytes depend on its rows and not on how they arrived."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._held: list[pa.RecordBatch] = []
        self._count = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows. The first batch fixes the schema."""
        self.rows += batch.num_rows
        while self._count + batch.num_rows >= ROW_GROUP:
            cut = ROW_GROUP - self._count
            self._held.append(batch.slice(0, cut))
            self._flush()
            batch = batch.slice(cut)
        if batch.num_rows or not self._held:
            self._held.append(batch)
            self._count += batch.num_rows

    def close(self) -> None:
        """Write what is left and the footer."""
        if self._count or self._writer is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that will not be finished; the disk that is full now is no second error."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()

    def _flush(self) -> None:
        if not self._held:
            return
        table = pa.Table.from_batches(self._held).combine_chunks()
        if self._writer is None:
            self._writer = _open(self.path, table)
        self._writer.write_table(table, row_group_size=ROW_GROUP)
        self._held, self._count = [], 0


def _open(path: Path, table: pa.Table) -> pq.ParquetWriter:
    """A writer whose encodings suit the first row group: the next stage reads it once, so speed counts before size."""
    few = [name for name in table.schema.names if _few(table.column(name))]
    streams = [field.name for field in table.schema if pa.types.is_float64(field.type) and field.name not in few]
    return pq.ParquetWriter(path, table.schema, compression="lz4", use_dictionary=few, use_byte_stream_split=streams)


def _few(column: pa.ChunkedArray) -> bool:
    """Whether a dictionary pays: few distinct values among the first rows."""
    return len(column.slice(0, _SAMPLE).unique()) <= _FEW


class RowSet:
    """`<name>.features.parquet` and `<name>.context.parquet`."""

    def __init__(self, folder: Path, name: str, features: Sequence[str], slices: Sequence[str], labels: Sequence[Any] | None) -> None:
        self.name = name
        self.files = {f"{name}.features": f"{name}.features.parquet", f"{name}.context": f"{name}.context.parquet"}
        self._features, self._context = (TableWriter(folder / file) for file in self.files.values())
        self._names, self._slices, self._labels = list(features), list(slices), labels
        self.classes: dict[Any, int] = {}

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._features.rows

    def write(self, frame: Frame, mask: NDArray[np.bool_] | None = None) -> None:
        """Append the rows of a frame, or those that `mask` marks."""
        chosen = frame if mask is None or mask.all() else frame.take(mask)
        row_id = decoded(chosen.held["id"]) if "id" in chosen.held else pa.array(chosen.position)
        columns = [decoded(chosen.visible.column(name)) for name in self._names]
        self._features.write(pa.RecordBatch.from_arrays([row_id, *columns], names=["row_id", *self._names]))
        self._context.write(self._context_of(chosen, row_id))

    def _context_of(self, frame: Frame, row_id: pa.Array) -> pa.RecordBatch:
        columns: dict[str, pa.Array] = {"row_id": row_id}
        if "target" in frame.held:
            columns["target"] = self._target(frame.held["target"])
        if "weight" in frame.held:
            columns["weight"] = from_floats(floats(frame.held["weight"]), complete=True)
        for role in ("group", "time"):
            if role in frame.held:
                columns[role] = decoded(frame.held[role])
        for name in self._slices:
            if f"slice:{name}" in frame.held:
                columns[f"slice:{name}"] = decoded(frame.held[f"slice:{name}"])
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def _target(self, column: pa.Array) -> pa.Array:
        """Labels in the type of the label list; numbers of a regression as float64."""
        if self._labels is None:
            return column if pa.types.is_string(column.type) else from_floats(floats(column))
        found = decoded(column)
        if isinstance(self._labels[0], int) and not isinstance(self._labels[0], bool):
            found = from_floats(floats(found)).cast(pa.int64())
        for item in found.value_counts():
            label = item["values"].as_py()
            self.classes[label] = self.classes.get(label, 0) + item["counts"].as_py()
        return found

    def __enter__(self) -> Self:
        """Nothing is opened before the first row."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Finish the files, unless something went wrong."""
        for file in (self._features, self._context):
            if kind is None:
                file.close()
            else:
                file.abandon()
