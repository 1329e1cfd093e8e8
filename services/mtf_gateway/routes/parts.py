"""What every route may reach, put together once by the application, and who is calling."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from fastapi.security import HTTPBearer
from fastapi.security.base import SecurityBase

from mtf.cache import Cache
from mtf.errors import SpecError
from mtf.storage.store import LocalStore
from mtf_gateway.memory.board import Board
from mtf_gateway.memory.looks import LookCounter
from mtf_gateway.memory.past import Past
from mtf_gateway.port import RunsPort
from mtf_gateway.principals import Callers
from mtf_gateway.reevaluation.desk import Reevaluations
from mtf_gateway.registry.datasets import Datasets
from mtf_gateway.registry.files import ModelFiles
from mtf_gateway.registry.models import Models
from mtf_gateway.registry.uploads import Uploads


@dataclass(frozen=True)
class Parts:
    """The gateway's parts."""

    runs: RunsPort
    tag: Callable[[str], Awaitable[str | None]]
    """The tag of a run: changes whenever the run does; None where there is no such run."""
    board: Board
    past: Past
    looks: LookCounter
    reevaluations: Reevaluations
    datasets: Datasets
    models: Models
    model_files: ModelFiles
    uploads: Uploads
    store: LocalStore
    cache: Cache
    callers: Callers
    health: Callable[[], Awaitable[dict[str, str]]]
    """Every part by name; raises UnavailableError that names those that are down."""
    closing: asyncio.Event
    """Set at the first signal to stop: endless answers end."""
    spec_limit: int
    keep_alive: float = 15.0
    """Seconds of silence on an event stream after which a comment is sent."""


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(_parts)]

_bearer = HTTPBearer(description="A token of `MTF_API_TOKENS`. Without that setting the gateway is open and nobody needs one.")


class _Guard(SecurityBase):
    """Admits callers. One dependency and not three: it stands before every answer, and each nested one costs as much as a look at the cache."""

    def __init__(self) -> None:
        self.model, self.scheme_name = _bearer.model, _bearer.scheme_name

    async def __call__(self, request: Request) -> str:
        """The caller's name, which every object it makes will carry. Raises AuthError, and BusyError above the rate limit."""
        # No name, id or value has a NUL byte, and a database refuses it in the middle of a query.
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise SpecError("an address holds no NUL byte", field="path" if "\0" in request.scope["path"] else "query", found="%00")
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        parts: Parts = request.app.state.parts
        address = request.client.host if request.client else "local"
        return await parts.callers.admit(token.strip() if kind.lower() == "bearer" and token else None, address)


caller = _Guard()
Caller = Annotated[str, Depends(caller)]

RunId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$", description="The run's id.")]
NamePath = Annotated[str, Path(description="Letters, digits, dots, dashes and underscores; at most 100.")]
Version = Annotated[int, Path(ge=1, le=2**31 - 1, description="The number of a version.")]
Cursor = Annotated[str | None, Query(max_length=300, description="The `cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Items on one page.")]
