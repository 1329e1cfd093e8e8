"""Bytes on their way from a file to a parser: unpacked, decoded to UTF-8, checked, and never more than a few blocks at once."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.detect import compression_of
from mtf_acquisition.formats.options import Compression, TableArgs

BLOCK = 2 << 20
"""Bytes of one read; also the longest row."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def unpacked(blob: Blob, compression: Compression) -> Iterator[bytes]:
    """The content in blocks. Raises DataError for a packed file that is broken or ends too early."""
    try:
        with _open(blob, compression) as file:
            while block := file.read(BLOCK):
                yield block
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, pa.ArrowInvalid) as error:
        raise _broken(blob, compression, error) from None
    except OSError as error:
        if compression == "none" or error.errno is not None:
            raise
        raise _broken(blob, compression, error) from None


def _open(blob: Blob, compression: Compression) -> BinaryIO | Any:
    if compression == "gzip":
        return gzip.open(blob.path)
    if compression == "bz2":
        return bz2.open(blob.path)
    if compression == "xz":
        return lzma.open(blob.path)
    if compression == "zstd":
        return pa.CompressedInputStream(pa.OSFile(str(blob.path)), "zstd")
    return blob.path.open("rb", buffering=0)


def _broken(blob: Blob, compression: Compression, error: Exception) -> Exception:
    return blob.wrong(
        f"the {compression} data is broken or ends too early",
        found=str(error),
        fix="the file was probably cut off: fetch or write it again",
    )


def text(blob: Blob, args: TableArgs, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The content as UTF-8 without a byte order mark. Raises DataError for bytes that the encoding does not know and for NUL."""
    lines, offset, first = 0, 0, True
    decoder = None if args.encoding == "utf-8" else codecs.getincrementaldecoder(args.encoding)()
    for block in blocks:
        clean = block
        if first:
            clean, first = _without_mark(blob, args, block), False
        if decoder is not None:
            try:
                clean = decoder.decode(clean).encode()
            except UnicodeError as error:
                raise undecodable(blob, args, lines, block, error) from None
        if b"\0" in clean:
            at = clean.index(b"\0")
            line = (lines if decoder else _lines_before(blob, args, offset)) + clean[:at].count(b"\n") + 1
            raise blob.wrong(
                f"line {line:,} holds a NUL byte, so this is no text", found=_around(clean), fix="give a text file, or the right `encoding`"
            )
        if decoder is not None:
            lines += clean.count(b"\n")
        offset += len(block)
        yield clean
    if decoder is not None:
        try:
            tail = decoder.decode(b"", final=True)
        except UnicodeError as error:
            raise undecodable(blob, args, lines, b"", error) from None
        if tail:
            yield tail.encode()


def _lines_before(blob: Blob, args: TableArgs, offset: int) -> int:
    """Line breaks before a position: a second reading, because counting them on the way would cost every good file."""
    lines = 0
    for block in unpacked(blob, compression_of(blob, args)):
        lines += block[:offset].count(b"\n")
        offset -= len(block)
        if offset <= 0:
            break
    return lines


def undecodable(blob: Blob, args: TableArgs, lines: int, block: bytes, error: UnicodeError) -> Exception:
    """The error for bytes that are not of the encoding; `lines` is the number of line breaks before `block`."""
    start = error.start if isinstance(error, UnicodeDecodeError) else 0
    found = error.object[start : start + 8] if isinstance(error, UnicodeDecodeError) else block[:8]
    line = lines + block[:start].count(b"\n") + 1
    return blob.wrong(
        f"line {line:,} is not {args.encoding}" if block else f"the last character is not {args.encoding}",
        found=bytes(found),
        fix="give its `encoding`, for example latin-1 or cp1252",
        option="encoding",
    )


def _without_mark(blob: Blob, args: TableArgs, block: bytes) -> bytes:
    for mark, encoding in _BOMS:
        if block.startswith(mark):
            if args.encoding == encoding == "utf-8":
                return block[len(mark) :]
            if encoding == "utf-16" and not args.encoding.startswith("utf-16"):
                raise blob.wrong("this is UTF-16 text", found=block[:4], fix="say `encoding: utf-16`", option="encoding")
    return block


def _around(block: bytes) -> bytes:
    at = block.index(b"\0")
    return block[max(0, at - 8) : at + 8]


def without_initial_space(blocks: Iterator[bytes], delimiter: bytes, quote: bytes | None) -> Iterator[bytes]:
    """Drop blanks behind delimiters and at the beginning of lines, except inside quotes."""
    marks = (delimiter, b"\n", b"\r")
    held, inside, start = b"", False, True
    for block in blocks:
        work = held + block
        if start:
            work, start = work.lstrip(b" "), False
        keep = len(work.rstrip(b" "))
        cut = max(keep - 1, 0)
        work, held = work[:cut], work[cut:]
        clean, inside = _despace(work, marks, quote, inside)
        yield clean
    clean, _ = _despace(held, marks, quote, inside)
    yield clean


def _despace(work: bytes, marks: Sequence[bytes], quote: bytes | None, inside: bool) -> tuple[bytes, bool]:
    if quote is None or (quote not in work and not inside):
        return _unspaced(work, marks), inside
    parts = work.split(quote)
    for index in range(int(inside), len(parts), 2):
        parts[index] = _unspaced(parts[index], marks)
    return quote.join(parts), inside ^ (len(parts) % 2 == 0)


def _unspaced(part: bytes, marks: Sequence[bytes]) -> bytes:
    """One blank behind a mark is the common case, and a plain replacement does it ten times faster than a pattern."""
    for mark in marks:
        part = part.replace(mark + b" ", mark)
        if mark + b" " in part:
            part = re.sub(re.escape(mark) + rb" +", mark.replace(b"\\", rb"\\"), part)
    return part


class ChunkReader:
    """A file object over blocks, for Arrow. Counts quotes, because a table whose quotes do not pair has swallowed lines."""

    def __init__(self, blocks: Iterator[bytes], quote: bytes | None, prefix: bytes = b"") -> None:
        self._blocks, self._quote, self._buffer = blocks, quote, prefix
        self.closed, self.quotes = False, prefix.count(quote) if quote else 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer only at the end of a block, none at the end."""
        while not self._buffer:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._buffer = block
            if self._quote:
                self.quotes += block.count(self._quote)
        out, self._buffer = self._buffer[:size], self._buffer[size:]
        return out

    def close(self) -> None:
        """Nothing to close: the blocks own the file."""
        self.closed = True

    def readable(self) -> bool:
        """Arrow asks."""
        return True

    def seekable(self) -> bool:
        """Arrow asks."""
        return False

    def writable(self) -> bool:
        """Arrow asks."""
        return False
