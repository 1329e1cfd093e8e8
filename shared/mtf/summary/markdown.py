"""Text in Markdown that GitHub and GitLab draw alike, and that nothing a user wrote can break."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

_SPECIAL = re.compile(r"[\\`*\[\]~#$!|@{}]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_CODE = re.compile(r"`([^`]+)`")


def plain(text: str) -> str:
    """Text that is drawn as it stands: no markup, no link, no mention, no cell's end, one line."""
    return _escaped(_line(text))


def code(text: str) -> str:
    """The same, set as code."""
    return f"<code>{plain(text)}</code>"


def prose(text: str) -> str:
    """Text of ours, in which what stands between backticks is code."""
    parts = _CODE.split(_line(text))
    return "".join(f"<code>{_escaped(part)}</code>" if index % 2 else _escaped(part) for index, part in enumerate(parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> str:
    """A table of cells that are Markdown already."""
    marks = ["--:" if column in right else "---" for column in head]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(marks) + " |"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def folded(title: str, body: str) -> str:
    """A part that opens on a click."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _line(text: str) -> str:
    """The text in one line, without control characters, which a page may act on."""
    return " ".join("".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in text).split())


def _escaped(line: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found.group())};", escape(line, quote=False))
