"""One file of bytes with the words in which to speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtf.errors import DataError


@dataclass(frozen=True)
class Blob:
    """A local file that holds a table."""

    path: Path
    name: str
    """What the user calls it: its path, its address or its digest."""
    field: str
    """The field of the run file that named it."""

    def wrong(self, message: str, *, found: object = None, fix: str | None = None, option: str | None = None) -> DataError:
        """The error that says what is wrong with this file; `option` names the format option that would help."""
        return DataError(
            f"{_short(self.name)}: {message}",
            field=f"dataset.source.{option}" if option else self.field,
            found=found,
            fix=fix,
        )


def _short(name: str, limit: int = 120) -> str:
    return name if len(name) <= limit else f"…{name[-limit:]}"
