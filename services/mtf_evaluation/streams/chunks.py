"""Partitions of rows, read when they are needed: from a Parquet file in runs of row groups, or from arrays in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from mtf_evaluation.scored import Scored, from_table
from mtf_evaluation.streams.parts import taken

EXACT_ROWS = 10_000_000
"""Up to here every row is held in memory and every metric is exact; beyond, rows are measured in parts."""
CHUNK = 1 << 20
"""Rows of a partition: enough that counting costs more than the counters, few enough that two threads stay far under a gigabyte."""


def rows_of(path: Path) -> int:
    """Rows of a Parquet file, from its footer."""
    return int(pq.read_metadata(path).num_rows)


class Chunks(Protocol):
    """Rows in partitions whose borders never depend on the machine."""

    rows: int

    def __len__(self) -> int:
        """Partitions."""
        ...

    def read(self, index: int) -> Scored:
        """The rows of one partition."""
        ...

    def borders(self, index: int) -> tuple[int, int]:
        """The first row of a partition, and the row behind its last."""
        ...

    def window(self, start: int, stop: int) -> Scored:
        """Some rows, wherever partitions end."""
        ...


class ParquetChunks:
    """A scored file.

    Args:
        path: The file, as `scored.read` takes it.
        task: Of the run.
        labels: Of the run; None for regression.
        chunk: Rows of a partition at least; row groups stay whole.
    """

    def __init__(self, path: Path, *, task: str, labels: list[Any] | None, chunk: int = CHUNK) -> None:
        self._path, self._task, self._labels = path, task, labels
        metadata = pq.read_metadata(path)
        self.rows: int = metadata.num_rows
        sizes = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
        self._starts = [0, *accumulate(sizes)]
        self._groups = _runs(sizes, chunk)

    def __len__(self) -> int:
        """Partitions."""
        return len(self._groups)

    def read(self, index: int) -> Scored:
        """The rows of a run of row groups. Each call opens the file, so that threads do not share a reader."""
        return from_table(self._read(self._groups[index]), task=self._task, labels=self._labels)

    def borders(self, index: int) -> tuple[int, int]:
        """The first row of a partition, and the row behind its last."""
        groups = self._groups[index]
        return self._starts[groups.start], self._starts[groups.stop]

    def window(self, start: int, stop: int) -> Scored:
        """Some rows, from the row groups that hold them."""
        groups = range(bisect_right(self._starts, start) - 1, bisect_left(self._starts, min(stop, self.rows)))
        rows = self._read(groups).slice(start - self._starts[groups.start], stop - start)
        return from_table(rows, task=self._task, labels=self._labels)

    def _read(self, groups: range) -> pa.Table:
        with pq.ParquetFile(self._path) as file:
            return file.read_row_groups(list(groups), use_threads=False)


class ArrayChunks:
    """Rows in memory, each with a target."""

    def __init__(self, scored: Scored, chunk: int = CHUNK) -> None:
        self._scored, self._chunk = scored, chunk
        self.rows = scored.rows

    def __len__(self) -> int:
        """Partitions."""
        return max(1, -(-self.rows // self._chunk))

    def read(self, index: int) -> Scored:
        """The rows of one partition."""
        return self.window(*self.borders(index))

    def borders(self, index: int) -> tuple[int, int]:
        """The first row of a partition, and the row behind its last."""
        return index * self._chunk, min((index + 1) * self._chunk, self.rows)

    def window(self, start: int, stop: int) -> Scored:
        """Some rows; nothing is copied."""
        whole, window = self._scored, slice(start, stop)
        return replace(
            whole,
            row_id=whole.row_id[start:stop],
            sample=taken(whole.sample, window),
            kept=whole.kept[window],
            slices={name: values[start:stop] for name, values in whole.slices.items()},
            groups=None if whole.groups is None else whole.groups[start:stop],
        )


def _runs(sizes: Sequence[int], chunk: int) -> list[range]:
    """Consecutive row groups of at least `chunk` rows together."""
    runs, start, rows = [], 0, 0
    for index, size in enumerate(sizes):
        rows += size
        if rows >= chunk:
            runs.append(range(start, index + 1))
            start, rows = index + 1, 0
    if start < len(sizes):
        runs.append(range(start, len(sizes)))
    return runs
