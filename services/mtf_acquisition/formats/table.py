"""From a file of whatever format and packing to record batches."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.detect import compression_of, format_of
from mtf_acquisition.formats.options import TableArgs
from mtf_acquisition.formats.stream import unpacked


def read_table(blob: Blob, args: TableArgs) -> Iterator[pa.RecordBatch]:
    """Yield the table's batches. Raises DataError for what is no table."""
    packing = compression_of(blob, args)
    head = next(unpacked(blob, packing), b"")
    if not head:
        raise blob.wrong("the file is empty", found="0 bytes", fix="give a file with at least one row")
    form = format_of(blob, args, head[:512])
    if form == "parquet":
        if packing != "none":
            raise blob.wrong(f"a Parquet file inside {packing}", found=packing, fix="unpack it: Parquet compresses its columns itself")
        from mtf_acquisition.formats.parquet import read_parquet

        return read_parquet(blob, args)
    if form == "jsonl":
        from mtf_acquisition.formats.jsonlines import read_json_lines

        return read_json_lines(blob, args)
    from mtf_acquisition.formats.delimited import read_delimited

    return read_delimited(blob, args, form)
