"""What a file says it is, told from its first bytes alone; nothing is opened, unpacked or loaded."""

from __future__ import annotations

import re

HEAD = 4096
"""Bytes that are looked at."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x89HDF", "hdf5"),
    (b"\x7fELF", "executable"),
    (b"MZ", "executable"),
)
_SKOPS_ENTRY = re.compile(rb"^(?:\d+\.npy|schema\.json)$")
_ONNX = re.compile(rb"^\x08[\x01-\x7f]\x12", re.DOTALL)
_PICKLE = re.compile(rb"^\x80[\x02-\x05]")


def sniff(head: bytes) -> str:
    """The kind of a file by its header: `csv`, `jsonl`, `parquet`, `onnx`, `skops`, `pickle`, `zip`, a compression, `empty` or `binary`."""
    head = head[:HEAD]
    if not head:
        return "empty"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return "skops" if _SKOPS_ENTRY.match(_first_entry(head)) else "zip"
    if _PICKLE.match(head):
        return "pickle"
    if _ONNX.match(head):
        return "onnx"
    return _text(head)


def _first_entry(head: bytes) -> bytes:
    """The name of a zip archive's first entry, from its local header."""
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length]


def _text(head: bytes) -> str:
    """Tell delimited text and JSON from bytes that are no text. A cut character at the end of the head is no objection."""
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "binary"
    control = sum(byte < ord(" ") and byte not in b"\t\n\r\f" for byte in head)
    if control > len(head) // 100:
        return "binary"
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "jsonl" if first in (b"{", b"[") else "csv"
