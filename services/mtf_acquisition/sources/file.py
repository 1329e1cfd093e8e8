"""`file`: a table in a file of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from mtf.errors import DataError, SpecError
from mtf.plugins import SourceContext
from mtf_acquisition.formats.options import TableArgs
from mtf_acquisition.memo import content_hash

if TYPE_CHECKING:
    import pyarrow as pa

_FIELD = "dataset.source.path"


class FileArgs(TableArgs):
    """A file and how to read it."""

    path: str = Field(min_length=1, max_length=4096, description="Relative to the run file; against a gateway, to its import folder.")

    @field_validator("path")
    @classmethod
    def _no_nul(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("a path cannot hold a NUL character")
        return value


class FileSource:
    """A CSV, TSV, JSON lines or Parquet file, packed or not."""

    name: ClassVar[str] = "file"
    version: ClassVar[int] = 1
    Args: ClassVar[type[FileArgs]] = FileArgs

    def freshness(self, args: FileArgs, context: SourceContext) -> str | None:
        """SHA-256 of the content, memoised on size, time of change and inode."""
        return content_hash(locate(args.path, context), context)

    def read(self, args: FileArgs, context: SourceContext) -> Iterator[pa.RecordBatch]:
        """Yield batches; a file that changes meanwhile is an error, because half of each would be stored."""
        from mtf_acquisition.formats.blob import Blob
        from mtf_acquisition.formats.table import read_table

        path = locate(args.path, context)
        before = path.stat()
        yield from read_table(Blob(path, args.path, _FIELD), args)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
            raise DataError(f"{args.path} changed while it was read", field=_FIELD, fix="run again when nobody writes to it")


def locate(text: str, context: SourceContext) -> Path:
    """The file that a spec names. Raises SpecError for a path that may not be read and DataError for one that cannot."""
    if context.base is None:
        raise SpecError(
            "this service reads no files by path",
            field=_FIELD,
            found=text,
            fix="upload the file (the command does it for you), or have the operator set MTF_IMPORT_DIR",
        )
    base = context.base.resolve()
    path = base / text
    try:
        if context.confined and not path.resolve().is_relative_to(base):
            raise SpecError("the path leaves the import folder", field=_FIELD, found=text, fix="name a file inside the import folder")
        if path.is_dir():
            raise DataError(f"{_tail(text)} is a folder", field=_FIELD, found=text, fix="name one file in it")
        if not path.exists():
            raise DataError(f"{_tail(text)} does not exist", field=_FIELD, found=text, fix=_hint(path, context))
        if not path.is_file():
            raise DataError(f"{_tail(text)} is no regular file", field=_FIELD, found=text, fix="name a regular file")
        with path.open("rb") as file:
            if not file.read(1):
                raise DataError(f"{_tail(text)} is empty", field=_FIELD, found="0 bytes", fix="give a file with at least one row")
    except OSError as error:
        raise DataError(
            f"{_tail(text)} cannot be read: {error.strerror}", field=_FIELD, found=text, fix="check the path and its permissions"
        ) from None
    return path


def _tail(text: str) -> str:
    return text if len(text) <= 120 else f"…{text[-120:]}"  # noqa: PLR2004 - a line of a terminal


def _hint(path: Path, context: SourceContext) -> str:
    """Where the path was looked for, and the nearest name there."""
    import difflib

    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, siblings, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return "paths are relative to the import folder" if context.confined else f"it was looked for in {path.parent}"
