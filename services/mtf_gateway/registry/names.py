"""Names, references to versions, list cursors and times, as people write and read them."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

from mtf.errors import SpecError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str, field: str = "name") -> str:
    """The name as it is. Raises SpecError for one that is too long or has characters that a path or a URL would misread."""
    if not _NAME.fullmatch(name):
        raise SpecError(
            "that cannot be a name",
            field=field,
            found=name,
            fix="use at most 100 letters, digits, dots, dashes and underscores, beginning with a letter or a digit",
        )
    return name


def stamp(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_cursor(position: str | int) -> str:
    """Where the next page begins, opaque to the reader."""
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> str | None:
    """The position behind a cursor. Raises SpecError for one that we did not give out."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _bad_cursor(cursor) from None


def from_number_cursor(cursor: str | None) -> int | None:
    """The number behind a cursor."""
    position = from_cursor(cursor)
    if position is None:
        return None
    if not position.isascii() or not position.isdigit() or len(position) > len(str(2**31)):
        raise _bad_cursor(cursor or "")
    return int(position)


def _bad_cursor(cursor: str) -> SpecError:
    return SpecError("that is no cursor of this list", field="cursor", found=cursor, fix="take the `cursor` of the page before, unchanged")
