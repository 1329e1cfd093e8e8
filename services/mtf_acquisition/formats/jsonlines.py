"""JSON lines: one object per line. Keys may come and go; a key that a line lacks is missing there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.detect import compression_of
from mtf_acquisition.formats.options import TableArgs
from mtf_acquisition.formats.stream import text, undecodable, unpacked
from mtf_acquisition.values import NestedError, column_of

_ROWS = 8_192


def read_json_lines(blob: Blob, args: TableArgs) -> Iterator[pa.RecordBatch]:
    """Yield batches whose types are those of the JSON values. Raises DataError that names the line."""
    names: list[str] = list(args.columns or [])
    rows: list[dict[str, Any]] = []
    first = 1
    for number, line in enumerate(_lines(text(blob, args, unpacked(blob, compression_of(blob, args)))), 1):
        if number <= args.skip_rows or not line.strip():
            continue
        rows.append(_object(blob, args, number, line))
        if len(rows) >= _ROWS:
            yield _batch(blob, args, names, rows, first)
            rows, first = [], number + 1
    if rows:
        yield _batch(blob, args, names, rows, first)
    elif first == 1:
        raise blob.wrong("the file is empty", fix="give at least one line with an object")


def _object(blob: Blob, args: TableArgs, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = _DECODER.decode(line.decode())
        if b"\\u" in line:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is JSON, and no text
    except _TwiceError as error:
        raise blob.wrong(f"line {number:,} names the key `{error}` twice", found=line[:100], fix="keep one of them") from None
    except RecursionError:
        raise blob.wrong(f"line {number:,} is nested too deeply", found=line[:100], fix="write flat objects") from None
    except UnicodeDecodeError as error:
        raise undecodable(blob, args, number - 1, line, error) from None
    except UnicodeEncodeError as error:
        raise blob.wrong(
            f"line {number:,} holds half a character", found=ascii(error.object[error.start])[1:-1], fix="write whole characters"
        ) from None
    except ValueError as error:
        raise blob.wrong(
            f"line {number:,} is no JSON: {error}",
            found=line[:100].decode(errors="replace"),
            fix="write one whole JSON object in each line",
        ) from None
    if not isinstance(value, dict):
        raise blob.wrong(f"line {number:,} is no JSON object", found=line[:100].decode(errors="replace"), fix='write lines like {"a": 1}')
    return value


class _TwiceError(Exception):
    """A key stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _batch(blob: Blob, args: TableArgs, names: list[str], rows: list[dict[str, Any]], first: int) -> pa.RecordBatch:
    if not args.columns:
        known = set(names)
        for row in rows:
            if not row.keys() <= known:
                new = [key for key in row if key not in known]
                names.extend(new)
                known.update(new)
    arrays = []
    for name in names:
        try:
            arrays.append(column_of([row.get(name) for row in rows]))
        except NestedError as error:
            raise blob.wrong(
                f"`{name[:100]}` holds nested values near line {first + error.position:,}",
                found=error.found,
                fix="write its parts as keys of their own, or leave it out with `columns: [...]`",
            ) from None
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for block in blocks:
        *lines, held = (held + block).split(b"\n")
        yield from lines
    if held:
        yield held
