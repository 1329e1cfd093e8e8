"""CSV and TSV. Arrow parses the body as text; the header, and what is wrong with a file, are told here."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
import pyarrow.csv as arrow_csv

from mtf_acquisition.formats import diagnose
from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.detect import compression_of
from mtf_acquisition.formats.header import Header, read_header
from mtf_acquisition.formats.options import TableArgs
from mtf_acquisition.formats.stream import BLOCK, ChunkReader, text, undecodable, unpacked, without_initial_space

_ENDLESS = 64 << 20
"""Characters of a field behind which nobody looks for its end."""
TEXT_COLUMNS = {b"mtf:text": b"1"}
"""Schema metadata of batches whose columns are texts of which acquisition finds the types."""


@dataclass(frozen=True)
class Dialect:
    """The characters that shape a delimited file."""

    delimiter: str
    quote: str | None
    guessed: bool
    """Whether the delimiter is our default and not the user's word."""

    @classmethod
    def of(cls, args: TableArgs, form: str) -> Dialect:
        """The dialect that the arguments ask for."""
        return cls(args.delimiter or ("\t" if form == "tsv" else ","), args.quote, args.delimiter is None)

    def rows(self, lines: Iterator[str], delimiter: str | None = None) -> Iterator[list[str]]:
        """Rows as Python's own parser sees them, for headers and for finding what is wrong; far too slow for a table."""
        csv.field_size_limit(_ENDLESS)
        mark = delimiter or self.delimiter
        if self.quote:
            return csv.reader(lines, delimiter=mark, quotechar=self.quote)
        return csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE)


def read_delimited(blob: Blob, args: TableArgs, form: str) -> Iterator[pa.RecordBatch]:
    """Yield batches of text columns. Raises DataError that names the line."""
    dialect = Dialect.of(args, form)
    blocks = table_text(blob, args, dialect)
    header = read_header(blob, args, dialect, blocks)
    reader = ChunkReader(chain(iter([header.rest]), blocks), dialect.quote.encode() if dialect.quote else None)
    yield from _batches(blob, args, dialect, header, reader)
    if reader.quotes % 2:
        diagnose.check_quotes(blob, dialect, lambda: table_text(blob, args, dialect))


def table_text(blob: Blob, args: TableArgs, dialect: Dialect) -> Iterator[bytes]:
    """The unpacked, decoded text of a file, from its first line on."""
    blocks = text(blob, args, unpacked(blob, compression_of(blob, args)))
    if args.skip_initial_space:
        quote = dialect.quote.encode() if dialect.quote else None
        blocks = without_initial_space(blocks, dialect.delimiter.encode(), quote)
    return blocks


def _batches(blob: Blob, args: TableArgs, dialect: Dialect, header: Header, reader: ChunkReader) -> Iterator[pa.RecordBatch]:
    names = header.names
    try:
        stream = arrow_csv.open_csv(
            pa.PythonFile(reader, mode="r"),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=BLOCK),
            parse_options=arrow_csv.ParseOptions(
                delimiter=dialect.delimiter, quote_char=dialect.quote or False, newlines_in_values=bool(dialect.quote)
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=args.na_values,
                strings_can_be_null=True,
                include_columns=args.columns or None,
            ),
        )
        schema = stream.schema.with_metadata(TEXT_COLUMNS)
        for batch in stream:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
    except pa.ArrowInvalid as error:
        raise _explain(blob, args, dialect, header, error) from None


def _explain(blob: Blob, args: TableArgs, dialect: Dialect, header: Header, error: pa.ArrowInvalid) -> Exception:
    """What a person can do about a parser's complaint, found by reading again more slowly."""

    def again() -> Iterator[bytes]:
        return table_text(blob, args, dialect)

    if "UTF8" in str(error):
        diagnose.check_encoding(again(), lambda lines, block, wrong: undecodable(blob, args, lines, block, wrong))
    diagnose.check_quotes(blob, dialect, again)
    diagnose.check_rows(blob, dialect, len(header.names), args.skip_rows, again)
    return blob.wrong("cannot be parsed", found=str(error).split("\n")[0], fix="check `delimiter` and `quote`")
