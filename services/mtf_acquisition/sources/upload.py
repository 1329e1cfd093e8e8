"""`upload`: a file that was sent to the gateway before, by digest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mtf.contracts.base import Sha256
from mtf.errors import DataError, SpecError
from mtf.plugins import SourceContext
from mtf_acquisition.formats.options import TableArgs

if TYPE_CHECKING:
    import pyarrow as pa


class UploadArgs(TableArgs):
    """An uploaded file and how to read it."""

    digest: Sha256 = Field(description="SHA-256 of the file, as the gateway answered when it was uploaded.")
    name: str | None = Field(
        default=None, max_length=4096, description="What the file was called; its ending helps where its content leaves the format open."
    )


class UploadSource:
    """A file that the gateway holds."""

    name: ClassVar[str] = "upload"
    version: ClassVar[int] = 1
    Args: ClassVar[type[UploadArgs]] = UploadArgs

    def freshness(self, args: UploadArgs, context: SourceContext) -> str | None:  # noqa: ARG002 - the protocol gives a context
        """The digest itself: uploads never change."""
        return args.digest

    def read(self, args: UploadArgs, context: SourceContext) -> Iterator[pa.RecordBatch]:
        """Yield batches. Raises DataError for a digest that was never uploaded."""
        from mtf_acquisition.formats.blob import Blob
        from mtf_acquisition.formats.table import read_table

        if context.uploads is None:
            raise SpecError("this service takes no uploads", field="dataset.source.type", found="upload", fix="give another source")
        path = context.uploads / args.digest
        if not path.is_file():
            raise DataError(
                "no such file was uploaded",
                field="dataset.source.digest",
                found=args.digest,
                fix="upload the file, then use the digest it gets",
            )
        yield from read_table(Blob(path, args.name or f"upload {args.digest[:12]}", "dataset.source.digest"), args)
