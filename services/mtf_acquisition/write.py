"""One immutable Parquet file with its digest and profile, from a stream of canonical batches, in one pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mtf.contracts.stages import ColumnProfile
from mtf_acquisition import profile
from mtf_acquisition.digest import BLOCK_ROWS, ContentDigest

_AHEAD = 2
"""Blocks that may wait for the disk."""


class VersionWriter:
    """Writes blocks while it hashes and profiles them. The encoder runs in a thread of its own and releases the interpreter lock."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._digest = ContentDigest(schema)
        self._states: list[profile.ColumnState | None] = [None] * len(schema)
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parquet")
        self._waiting: deque[Future[None]] = deque()
        self.rows = 0

    def add(self, block: pa.RecordBatch) -> None:
        """Take the next block of exactly `BLOCK_ROWS` rows (the last may be shorter)."""
        self._waiting.append(self._thread.submit(self._writer.write_batch, block, BLOCK_ROWS))
        self._digest.add(block)
        for index, column in enumerate(block.columns):
            before = self._states[index]
            state = profile.observe(column, count=before is None or before.values is not None)
            self._states[index] = state if before is None else profile.merge(before, state)
        self.rows += block.num_rows
        while len(self._waiting) > _AHEAD:
            self._waiting.popleft().result()

    def finish(self) -> tuple[str, list[ColumnProfile]]:
        """Close the file; return the content digest and the profile of each column."""
        while self._waiting:
            self._waiting.popleft().result()
        self.close()
        profiles = [
            profile.finish(field.name, field.type, state or profile.observe(pa.nulls(0, field.type)))
            for field, state in zip(self._schema, self._states, strict=True)
        ]
        return self._digest.hexdigest(), profiles

    def close(self) -> None:
        """Stop the thread and close the file, in whatever state it is."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._writer.close()


def blocks(batches: Iterator[pa.RecordBatch], rows: int = BLOCK_ROWS) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of exactly `rows` rows, the last one shorter. Memory: one block and one batch."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(held)
            yield _joined(table.slice(0, rows))
            held = table.slice(rows).to_batches()
            count -= rows
    if count:
        yield _joined(pa.Table.from_batches(held))


def _joined(table: pa.Table) -> pa.RecordBatch:
    return table.combine_chunks().to_batches()[0]
