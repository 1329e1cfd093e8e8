"""How things are called: a source in a list and a report, a field in a problem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

TOP = ("name", "dataset", "processing", "model", "evaluation", "expect", "timeout", "seed", "tags", "engine")


def source_label(source: Mapping[str, Any]) -> str:
    """A short name of a source, the same wherever the file lies and without anything secret: the file's name, or kind and host."""
    path, url, digest = source.get("path"), source.get("url"), source.get("digest")
    if isinstance(path, str) and path:
        return PurePath(path).name[:200]
    if isinstance(url, str):
        parts = urlsplit(url)
        last = unquote(PurePath(parts.path).name)
        # Neither user nor query: both may carry a secret.
        return (last or parts.hostname or str(source.get("type")))[:200]
    if isinstance(digest, str):
        return digest[:12]
    named = source.get("name") or source.get("table")
    return f"{source.get('type')}:{named}"[:200] if isinstance(named, str) else str(source.get("type"))[:200]


def rename(field: str | None, names: Mapping[str, str], default: str) -> str:
    """The path of a field as the user wrote it, from the path in the section that a worker saw."""
    if not field:
        return default
    head = field.replace("[", ".", 1).partition(".")[0]
    if head in names:
        return names[head] + field[len(head) :]
    return field if head in TOP else f"{default}.{field}"
