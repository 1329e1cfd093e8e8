"""What a file is, from its first bytes; its name counts only where the bytes leave it open."""

from __future__ import annotations

from pathlib import PurePath

from mtf_acquisition.formats.blob import Blob
from mtf_acquisition.formats.options import Compression, Format, TableArgs

_PACKED: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_SUFFIXES: dict[str, Compression] = {".gz": "gzip", ".gzip": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".zstd": "zstd"}
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".txt": "csv",
    ".data": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_NO_TABLE: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with snappy"),
    (b"\x1f\x9d", "compressed with compress"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)
_FIX = "give CSV, TSV, JSON lines or Parquet; CSV and JSON lines may be packed with gzip, bz2, xz or zstd"


def compression_of(blob: Blob, args: TableArgs) -> Compression:
    """How the file is packed. Raises DataError where the bytes are those of something else."""
    with blob.path.open("rb") as file:
        head = file.read(16)
    if args.compression is not None:
        _check_declared(blob, args.compression, head)
        return args.compression
    for magic, name in _PACKED:
        if head.startswith(magic):
            return name
    suffix = _SUFFIXES.get(PurePath(blob.name).suffix.lower())
    if suffix is not None:
        raise blob.wrong(f"its name says {suffix}, but its content is not", found=head[:8], fix="say `compression: none`, or rename it")
    return "none"


def _check_declared(blob: Blob, declared: Compression, head: bytes) -> None:
    magic = next((magic for magic, name in _PACKED if name == declared), b"")
    if not head.startswith(magic):
        raise blob.wrong(f"is not packed with {declared}", found=head[:8], fix="leave `compression` out", option="compression")


def format_of(blob: Blob, args: TableArgs, head: bytes) -> Format:
    """The table format; `head` is the beginning of the unpacked content. Raises DataError for what is no table."""
    if head.startswith(b"PAR1"):
        if args.format in {None, "parquet"}:
            return "parquet"
        raise blob.wrong("this is a Parquet file", found=f"format: {args.format}", fix="leave `format` out", option="format")
    if args.format == "parquet":
        raise blob.wrong("this is no Parquet file", found=head[:8], fix="leave `format` out", option="format")
    for magic, what in _NO_TABLE:
        if head.startswith(magic):
            raise blob.wrong(f"this is {what}, not a table", found=head[:8], fix=_FIX)
    if args.format is not None:
        return args.format
    by_name = _format_by_name(blob.name)
    if by_name == "parquet":
        raise blob.wrong("its name says Parquet, but its content is not", found=head[:8], fix="give `format`, or write the file again")
    return by_name or ("jsonl" if head.lstrip()[:1] == b"{" else "csv")


def _format_by_name(name: str) -> Format | None:
    path = PurePath(name)
    if path.suffix.lower() in _SUFFIXES:
        path = PurePath(path.stem)
    return _FORMATS.get(path.suffix.lower())
