"""Secrets that sources may use: `MTF_CREDENTIAL_<NAME>` in the environment, or files of one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

PREFIX = "MTF_CREDENTIAL_"


class FolderCredentials(Mapping[str, str]):
    """Secrets by name, each a variable or the content of a file; read when it is asked for, so that a changed one counts at once."""

    def __init__(self, folder: Path | None, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = os.environ if environment is None else environment

    def __getitem__(self, name: str) -> str:
        """The secret; the environment goes before the folder. Raises KeyError."""
        value = self._environment.get(f"{PREFIX}{name.upper()}")
        if value is not None:
            return value
        if self._folder is None or Path(name).name != name or name.startswith("."):
            raise KeyError(name)
        try:
            return (self._folder / name).read_text().strip()
        except OSError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        """Names of the folder, sorted; those of the environment are not listed."""
        if self._folder is None or not self._folder.is_dir():
            return iter(())
        return iter(sorted(path.name for path in self._folder.iterdir() if path.is_file() and not path.name.startswith(".")))

    def __len__(self) -> int:
        """How many there are."""
        return len(list(iter(self)))

    def __repr__(self) -> str:
        """Names alone: a traceback must not show a secret."""
        return f"{type(self).__name__}({list(self)})"
