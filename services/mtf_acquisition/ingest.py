"""From a source's batches to a stored version: one reading, and a second one when the source contradicts its own beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pyarrow as pa

from mtf.contracts.stages import ColumnProfile
from mtf.errors import DataError
from mtf_acquisition.digest import BLOCK_ROWS
from mtf_acquisition.plan import Plan, WidenError
from mtf_acquisition.write import VersionWriter, blocks

Open = Callable[[], Iterator[pa.RecordBatch]]
"""Starts the source from its beginning."""


@dataclass(frozen=True)
class Ingested:
    """A written version."""

    digest: str
    rows: int
    columns: list[ColumnProfile]
    restarted: bool = False
    notes: Sequence[str] = field(default=())


def ingest(
    start: Open, declared: Mapping[str, pa.DataType], missing: Sequence[str], path: Path, progress: Callable[[int], None]
) -> Ingested:
    """Read a source into `path`. Raises DataError for data that is impossible, empty, or not what was declared."""
    source = start()
    head = _head(source)
    plan = Plan.of(head, declared, missing)
    stream = _Counted(chain(head, source))
    done = _write(plan, stream, path, progress)
    if done is not None:
        return done
    plan = _scan(plan, stream, progress)
    again = _write(plan, _Counted(start()), path, progress)
    if again is None:
        raise DataError("the source changed while it was read", field="dataset.source", fix="run again when nobody writes to it")
    return Ingested(again.digest, again.rows, again.columns, restarted=True, notes=again.notes)


class _Counted:
    """Batches with the number of rows before each; the newest can be had again."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.before = 0
        self.newest: pa.RecordBatch | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            if self.newest is not None:
                self.before += self.newest.num_rows
            self.newest = batch
            yield batch


def _head(source: Iterator[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """The beginning of the source, from which the types are inferred."""
    head: list[pa.RecordBatch] = []
    rows = 0
    for batch in source:
        if not head and not batch.num_columns:
            raise DataError("the source has no columns", field="dataset.source", fix="give a table with at least one column")
        head.append(batch)
        rows += batch.num_rows
        if rows >= BLOCK_ROWS:
            break
    if not rows:
        raise DataError("the source has no rows", field="dataset.source", found="0 rows", fix="give a source with at least one row")
    return head


def _write(plan: Plan, stream: _Counted, path: Path, progress: Callable[[int], None]) -> Ingested | None:
    """Write everything, or return None at the first batch that does not fit the plan."""
    path.unlink(missing_ok=True)
    writer = VersionWriter(path, plan.schema)
    try:
        for block in blocks(plan.conform(batch, stream.before) for batch in stream if batch.num_rows):
            writer.add(block)
            progress(writer.rows)
        digest, columns = writer.finish()
    except WidenError:
        return None
    finally:
        writer.close()
    return Ingested(digest, writer.rows, columns, notes=plan.notes)


def _scan(plan: Plan, stream: _Counted, progress: Callable[[int], None]) -> Plan:
    """Widen the plan by the batch that did not fit and by all behind it, so that one more reading suffices."""
    if stream.newest is not None:
        plan = plan.widened(stream.newest, stream.before)
    for batch in stream:
        plan = plan.widened(batch, stream.before)
        progress(stream.before + batch.num_rows)
    return plan
