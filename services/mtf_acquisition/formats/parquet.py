"""Parquet, row group by row group."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from mtf_acquisition.columns import check_names
from mtf_acquisition.digest import BLOCK_ROWS
from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.options import TableArgs


def read_parquet(blob: Blob, args: TableArgs) -> Iterator[pa.RecordBatch]:
    """Yield batches with the file's own types. Raises DataError for a file that is broken or cut off."""
    try:
        with pq.ParquetFile(blob.path, memory_map=False, pre_buffer=False) as file:
            wanted = _columns(blob, args, file.schema_arrow)
            for batch in file.iter_batches(batch_size=BLOCK_ROWS, columns=wanted, use_threads=False):
                yield batch.replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise blob.wrong("this Parquet file is broken or cut off", found=str(error).split("\n")[0], fix="write or fetch it again") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise blob.wrong("this Parquet file is broken or cut off", found=str(error).split("\n")[0], fix="write or fetch it again") from None


def _columns(blob: Blob, args: TableArgs, schema: pa.Schema) -> list[str]:
    wanted = args.columns or schema.names
    absent = [name for name in wanted if name not in schema.names]
    if absent:
        raise blob.wrong(
            f"there is no column `{absent[0][:100]}`", found=", ".join(schema.names[:50]), fix="name columns of the file", option="columns"
        )
    problem = check_names(schema.names)
    if problem:
        raise blob.wrong(problem, found=", ".join(schema.names[:50]), fix="rename the columns where the file is made")
    for name in wanted:
        if pa.types.is_nested(schema.field(name).type):
            raise blob.wrong(
                f"column `{name[:100]}` is nested",
                found=str(schema.field(name).type),
                fix="write its parts as columns of their own, or leave it out with `columns: [...]`",
            )
    return list(wanted)
