"""Secrets that sources may use, as files of one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path


class FolderCredentials(Mapping[str, str]):
    """Secrets by name, each the content of a file; read when it is asked for, so that a changed file counts at once."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> str:
        """The secret. Raises KeyError."""
        if self._folder is None or Path(name).name != name or name.startswith("."):
            raise KeyError(name)
        try:
            return (self._folder / name).read_text().strip()
        except OSError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        """Names, sorted."""
        if self._folder is None or not self._folder.is_dir():
            return iter(())
        return iter(sorted(path.name for path in self._folder.iterdir() if path.is_file() and not path.name.startswith(".")))

    def __len__(self) -> int:
        """How many there are."""
        return len(list(iter(self)))

    def __repr__(self) -> str:
        """Names alone: a traceback must not show a secret."""
        return f"{type(self).__name__}({list(self)})"
