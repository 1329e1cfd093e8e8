"""The names of a delimited file's columns, and everything that can be wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mtf_acquisition.columns import check_names
from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.options import TableArgs

_SAMPLE = 20
_HEAD = 1 << 16


class Rows(Protocol):
    """What of a dialect is needed here."""

    @property
    def delimiter(self) -> str:
        """The character between fields."""
        ...

    @property
    def guessed(self) -> bool:
        """Whether the delimiter is our default and not the user's word."""
        ...

    def rows(self, lines: Iterator[str], delimiter: str | None = None) -> Iterator[list[str]]:
        """Parse lines."""
        ...


@dataclass(frozen=True)
class Header:
    """The columns, and the bytes behind the header that were read already."""

    names: list[str]
    rest: bytes


def read_header(blob: Blob, args: TableArgs, dialect: Rows, blocks: Iterator[bytes]) -> Header:
    """Take the header from the beginning of `blocks`. Raises DataError for a table without names, rows or sense."""
    lines = _beginning(blocks).splitlines(keepends=True)
    lines = lines[_skipped(lines, args.skip_rows) :]
    if not lines:
        raise blob.wrong("the file is empty", fix="give a file with at least one row")
    first, used = _first_record(dialect, lines)
    _check_delimiter(blob, dialect, lines, len(first))
    rest = b"".join(lines[used:] if args.has_header else lines)
    while not rest.strip() and (more := next(blocks, b"")):
        rest += more
    if not rest.strip():
        raise blob.wrong(
            "there is a header and no row", found=", ".join(first[:10]), fix="give at least one row; `header: false` if this is one"
        )
    names = _names(blob, args, first)
    if args.columns and (absent := [name for name in args.columns if name not in names]):
        raise blob.wrong(
            f"there is no column `{absent[0][:100]}`", found=", ".join(names[:50]), fix="name columns of the file", option="columns"
        )
    return Header(names, rest)


def _beginning(blocks: Iterator[bytes]) -> bytes:
    """At least the first lines, where there are any."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= _HEAD:
            break
    return head


def _skipped(lines: list[bytes], skip_rows: int) -> int:
    """How many lines stand before the first record: those to skip, and empty ones."""
    start = skip_rows
    while start < len(lines) and not lines[start].strip():
        start += 1
    return start


def _first_record(dialect: Rows, lines: list[bytes]) -> tuple[list[str], int]:
    """The first record and the number of lines it takes (a quoted name may span several)."""
    used = 0

    def feed() -> Iterator[str]:
        nonlocal used
        for line in lines:
            used += 1
            yield line.decode(errors="replace")

    return next(dialect.rows(feed())), used


def _check_delimiter(blob: Blob, dialect: Rows, lines: list[bytes], fields: int) -> None:
    """One column, where another delimiter would split every line alike, is a wrong delimiter and not a table of one column."""
    if fields > 1 or not dialect.guessed:
        return
    sample = [line.decode(errors="replace") for line in lines[:_SAMPLE] if line.strip()]
    for other in [mark for mark in ";\t|," if mark != dialect.delimiter]:
        widths = {len(row) for row in dialect.rows(iter(sample), other)}
        if len(widths) == 1 and widths != {1}:
            raise blob.wrong(
                f"with the delimiter {dialect.delimiter!r} there is one column; {other!r} would give {widths.pop()}",
                found=sample[0].strip(),
                fix=f'say `delimiter: "{_spelt(other)}"`; or `delimiter: "{_spelt(dialect.delimiter)}"` if it is one column',
                option="delimiter",
            )


def _spelt(mark: str) -> str:
    return "\\t" if mark == "\t" else mark


def _names(blob: Blob, args: TableArgs, first: list[str]) -> list[str]:
    if args.names is not None:
        if len(args.names) != len(first):
            raise blob.wrong(
                f"`names` has {len(args.names)} names, and the first line has {len(first)} fields",
                found=", ".join(first),
                fix="give a name for each column; `skip_rows: 1` if the first line is a comment",
                option="names",
            )
        found = list(args.names)
    else:
        found = list(first) if args.has_header else [f"column_{index}" for index in range(1, len(first) + 1)]
    problem = check_names(found)
    if problem:
        raise blob.wrong(problem, found=", ".join(found), fix=_fix(args, problem))
    return found


def _fix(args: TableArgs, problem: str) -> str:
    if args.names is not None:
        return "correct `names`"
    if problem.startswith("column 1 ") and "no name" in problem:
        return "name it; if pandas wrote its index, write with `index=False`; if the first line is data, say `header: false`"
    return "correct the header, or give `names`; if the first line is data, say `header: false` too"
