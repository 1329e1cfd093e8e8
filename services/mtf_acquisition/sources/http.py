"""`http`: a table behind an address. It is downloaded whole before it is read, so that a second reading sees the same bytes."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from mtf.plugins import SourceContext
from mtf_acquisition.credentials import secret
from mtf_acquisition.formats.options import Format, TableArgs

if TYPE_CHECKING:
    import pyarrow as pa

    from mtf_acquisition.net.download import Call, Fetched

_KINDS: dict[str, Format] = {
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "text/csv": "csv",
}


class HttpArgs(TableArgs):
    """An address and how to read what it gives."""

    url: str = Field(max_length=8192, description="An http or https address. A secret goes into `credential`, not into the address.")
    connect_timeout: float = Field(default=10.0, gt=0, le=600, description="Seconds until a connection must stand.")
    read_timeout: float = Field(default=30.0, gt=0, le=3600, description="Longest silence of the server, in seconds.")
    max_bytes: int = Field(default=10 * 1024**3, gt=0, le=1024**4, description="Largest download.")

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            raise ValueError("this is no address") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("give an address that begins with http:// or https://")
        if "@" in parts.netloc:
            raise ValueError("an address must not hold a password; give `credential: NAME` instead")
        return value


class HttpSource:
    """A file behind an http(s) address."""

    name: ClassVar[str] = "http"
    version: ClassVar[int] = 1
    Args: ClassVar[type[HttpArgs]] = HttpArgs

    def freshness(self, args: HttpArgs, context: SourceContext) -> str | None:
        """The strong ETag; None where the server gives none."""
        from mtf.outbound import GuardedTransport
        from mtf_acquisition.net.download import FIELD, etag

        return etag(_call(args, context), lambda: GuardedTransport(context.http_allow, field=FIELD))

    def read(self, args: HttpArgs, context: SourceContext) -> Iterator[pa.RecordBatch]:
        """Yield batches of the downloaded table; a second reading in one job reads the same download."""
        import pyarrow as pa

        from mtf_acquisition.formats.blob import Blob
        from mtf_acquisition.formats.table import read_table
        from mtf_acquisition.net.download import FIELD
        from mtf_acquisition.provenance import told

        call = _call(args, context)
        with tempfile.TemporaryDirectory() if context.scratch is None else nullcontext(context.scratch) as folder:
            path, found = _downloaded(call, context, Path(folder))
            if args.format is None and found.kind in _KINDS and not Path(urlsplit(args.url).path).suffix:
                args = args.model_copy(update={"format": _KINDS[found.kind]})
            name = Path(urlsplit(args.url).path).name or call.shown
            for batch in read_table(Blob(path, name, FIELD), args):
                schema = told(batch.schema, bytes=found.size, etag=found.etag, last_modified=found.modified, content_type=found.kind)
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _downloaded(call: Call, context: SourceContext, folder: Path) -> tuple[Path, Fetched]:
    """The download in `folder`, fetched unless it lies there already from the job's first reading."""
    from mtf.outbound import GuardedTransport
    from mtf_acquisition.net.download import FIELD, Fetched, fetch

    path = folder / f"download-{hashlib.sha256(call.url.encode()).hexdigest()[:16]}"
    notes = path.with_suffix(".json")
    if notes.exists():
        return path, Fetched(**json.loads(notes.read_bytes()))
    found = fetch(call, lambda: GuardedTransport(context.http_allow, field=FIELD), path)
    notes.write_text(json.dumps(asdict(found)))
    return path, found


def _call(args: HttpArgs, context: SourceContext) -> Call:
    from mtf_acquisition.net.addresses import public_address
    from mtf_acquisition.net.download import Call

    return Call(
        url=args.url,
        shown=public_address(args.url),
        secret=None if args.credential is None else secret(args.credential, context),
        max_bytes=args.max_bytes,
        connect_timeout=args.connect_timeout,
        read_timeout=args.read_timeout,
    )
