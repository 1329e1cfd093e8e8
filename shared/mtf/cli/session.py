"""Which form a command talks to: a gateway by HTTP when one is named, else the embedded one under `.mtf/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtf.client import Client
    from mtf.embedded import Embedded


def gateway_url() -> str | None:
    """The gateway that `--gateway` or `MTF_GATEWAY` names."""
    return os.environ.get("MTF_GATEWAY") or None


@contextmanager
def session(*, stages: tuple[str, ...] | None = None) -> Iterator[Client | Embedded]:
    """A client or the embedded form; both have the same methods. `stages` limits what the embedded form prepares."""
    url = gateway_url()
    if url:
        from mtf.client import Client

        with Client(url, token=os.environ.get("MTF_GATEWAY_TOKEN")) as client:
            yield client
    else:
        from mtf.embedded import Embedded

        with Embedded(find_home(), stages=stages) as embedded:
            yield embedded


def find_home(start: Path | None = None) -> Path:
    """`MTF_HOME`, else the nearest `.mtf` of this folder or its parents, else `.mtf` in this folder."""
    if home := os.environ.get("MTF_HOME"):
        return Path(home).absolute()
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / ".mtf").is_dir():
            return folder / ".mtf"
    return here / ".mtf"


def parse_json(text: str, option: str) -> Any:
    """JSON from a command line. Raises UsageError that names the option."""
    import json

    from mtf.errors import UsageError

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{option} is not JSON: {error.msg} at character {error.pos + 1}", field=option, found=text) from None
