"""How a source asks for its secret, and what it says when there is none."""

from __future__ import annotations

from mtf.credentials import PREFIX
from mtf.errors import SpecError
from mtf.plugins import SourceContext


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
