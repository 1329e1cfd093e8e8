"""Secrets by name: from `MTF_CREDENTIAL_<NAME>`, or from the file `<MTF_CREDENTIALS_DIR>/<name>`. They are looked up, never listed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mtf.errors import SpecError
from mtf.plugins import SourceContext

PREFIX = "MTF_CREDENTIAL_"


class Credentials(Mapping[str, str]):
    """Looks a secret up when it is asked for, so that one that is rotated works without a restart."""

    def __init__(self, folder: Path | None, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = os.environ if environment is None else environment

    def __getitem__(self, name: str) -> str:
        """The secret. Raises KeyError."""
        value = self._environment.get(f"{PREFIX}{name.upper()}")
        if value is not None:
            return value
        if self._folder is None or not name.isidentifier():
            raise KeyError(name)
        for candidate in dict.fromkeys((name, name.lower(), name.upper())):
            try:
                return (self._folder / candidate).read_text().strip()
            except OSError:
                continue
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Names are not given away."""
        return iter(())

    def __len__(self) -> int:
        """Nor is their number."""
        return 0

    def __repr__(self) -> str:
        """Without a value."""
        return "Credentials(…)"


def secret(name: str, context: SourceContext) -> str:
    """The secret that a source asks for. Raises SpecError that says where it was looked for."""
    try:
        return context.credentials[name]
    except KeyError:
        raise SpecError(
            f"there is no credential `{name}`",
            field="dataset.source.credential",
            found=name,
            fix=f"set {PREFIX}{name.upper()} in the environment of the acquisition service, or put it into the file `{name}` in "
            "MTF_CREDENTIALS_DIR",
        ) from None
