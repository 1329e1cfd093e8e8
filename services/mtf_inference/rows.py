"""Reads the features and the context of a row set side by side, in batches of equal rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mtf.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
BATCH_CELLS = 8_000_000
"""Features times rows of one batch: 64 MB of float64."""


class RowSet:
    """Two Parquet files, aligned row by row. Closes them when it is left."""

    def __init__(self, features: Path, context: Path) -> None:
        self._paths, self._stack = (features, context), ExitStack()

    def __enter__(self) -> Self:
        """Open both. Raises DataError when they do not belong together."""
        import pyarrow.parquet as pq

        self.features, self.context = (self._stack.enter_context(pq.ParquetFile(path, pre_buffer=False)) for path in self._paths)
        self.rows: int = self.features.metadata.num_rows
        if self.rows != self.context.metadata.num_rows:
            self.__exit__()
            raise DataError(f"{self.rows:,} rows of features and {self.context.metadata.num_rows:,} rows of context do not belong together")
        self.columns: list[str] = [name for name in self.features.schema_arrow.names if name != "row_id"]
        return self

    def __exit__(self, *_: object) -> None:
        """Close both."""
        self._stack.close()

    def batches(self, columns: list[str]) -> Iterator[tuple[pa.Table, pa.Table]]:
        """Pairs of `row_id` and `columns`, and the whole context, of equal rows. Raises DataError where the row ids differ."""
        size = max(1, min(BATCH_ROWS, BATCH_CELLS // max(1, len(columns))))
        left = _chunks(self.features, size, ["row_id", *(name for name in columns if name != "row_id")])
        right = _chunks(self.context, size, None)
        for features, context in zip(left, right, strict=True):
            if not features.column("row_id").equals(context.column("row_id")):
                raise DataError("features and context are not in the same order of rows", field="row_id")
            yield features, context


def _chunks(file: Any, size: int, columns: list[str] | None) -> Iterator[pa.Table]:
    """Tables of exactly `size` rows, the last one shorter, whatever the file's row groups are."""
    import pyarrow as pa

    pending = file.schema_arrow.empty_table().select(columns or file.schema_arrow.names)
    for batch in file.iter_batches(batch_size=size, columns=columns, use_threads=False):
        pending = pa.concat_tables([pending, pa.Table.from_batches([batch]).select(pending.column_names)])
        while pending.num_rows >= size:
            yield pending.slice(0, size)
            pending = pending.slice(size)
    if pending.num_rows:
        yield pending
