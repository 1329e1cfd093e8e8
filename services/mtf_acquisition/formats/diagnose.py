"""What is wrong with a file, and in which line: a second, slower reading that only a broken file ever gets."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator

from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.header import Rows
from mtf_acquisition.formats.stream import BLOCK

Again = Callable[[], Iterator[bytes]]
"""Starts the text of the file from its beginning."""

_END = "\x1emtf-end\x1e"
"""A line that no file has; it comes back whole unless a quote is still open."""


class _EndlessError(Exception):
    """A field goes on and on."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def check_rows(blob: Blob, dialect: Rows, columns: int, skip_rows: int, again: Again) -> None:
    """Raise DataError for the first row with another number of fields than the header. Returns when there is none."""
    for line, fields in records(dialect, again()):
        if line > skip_rows and fields and len(fields) != columns:
            comment = " (a comment? then say `skip_rows`)" if line <= skip_rows + 1 else ""
            raise blob.wrong(
                f"line {line:,} has {_count(len(fields))}, and the table has {_count(columns, 'column')}",
                found=dialect.delimiter.join(fields),
                fix=f"correct the line{comment}; quote text that holds the delimiter",
            )
        if sum(map(len, fields)) > BLOCK:
            raise blob.wrong(f"line {line:,} is longer than {BLOCK >> 20} MiB", fix="leave the long values out; Parquet may hold them")


def check_quotes(blob: Blob, dialect: Rows, again: Again) -> None:
    """Raise DataError where a quote is never closed: everything behind it would silently be one value."""
    start, last = 0, None
    try:
        for line, fields in records(dialect, again(), _END):
            start, last = line, fields
    except _EndlessError as error:
        start, last = error.line, [""]
    if last is not None and last != [_END]:
        raise blob.wrong(
            f"the quote that opens in line {start:,} is never closed",
            found=dialect.delimiter.join(last)[:100],
            fix='close it, or say `quote: ""` if quotes mean nothing in this file',
            option="quote",
        )


def check_encoding(blocks: Iterator[bytes], error: Callable[[int, bytes, UnicodeError], Exception]) -> None:
    """Raise for the first bytes that are not UTF-8."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 0
    block = b""
    try:
        for block in blocks:
            decoder.decode(block)
            lines += block.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeError as wrong:
        raise error(lines, block, wrong) from None


def records(dialect: Rows, blocks: Iterator[bytes], *extra: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line in which each begins, counted from 1."""
    begun = 0

    def feed() -> Iterator[str]:
        nonlocal begun
        for line in _lines(blocks):
            begun += 1
            yield line
        yield from extra

    next_line = 1
    try:
        for fields in dialect.rows(feed()):
            yield next_line, fields
            next_line = begun + 1
    except csv.Error:  # a field that is longer than any row may be
        raise _EndlessError(next_line) from None


def _lines(blocks: Iterator[bytes]) -> Iterator[str]:
    held = b""
    for block in blocks:
        lines = (held + block).splitlines(keepends=True)
        held = lines.pop() if lines else b""
        for line in lines:
            yield line.decode(errors="replace")
    if held:
        yield held.decode(errors="replace") + "\n"


def _count(number: int, unit: str = "field") -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
