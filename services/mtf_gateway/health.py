"""Which part is down: the database, its schema, a worker. Redis may be: the answer then says `degraded` and all goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from mtf.cache import Cache
from mtf.errors import MtfError, UnavailableError
from mtf.jobs.worker import Worker
from mtf_gateway.db import schema
from mtf_gateway.db.engine import Database

PATIENCE = 3.0
"""Seconds that one part gets to answer."""


class Health:
    """Asks every part at once."""

    def __init__(self, database: Database, workers: Mapping[str, Worker], cache: Cache) -> None:
        self._database, self._workers, self._cache = database, workers, cache

    async def examine(self) -> dict[str, str]:
        """`up` for each part, `degraded` for a Redis that is away. Raises UnavailableError that names every part that is down."""
        checks: dict[str, Callable[[], Awaitable[None]]] = {"database": self._schema}
        checks |= {name: worker.ready for name, worker in self._workers.items()}
        found = await asyncio.gather(*(_ask(check) for check in checks.values()), _ask(self._cache.ready))
        said = dict(zip(checks, found, strict=False))
        down = {name: text for name, text in said.items() if text is not None}
        if down:
            raise UnavailableError(
                f"not ready: {'; '.join(f'{name}: {text}' for name, text in down.items())}",
                found=", ".join(down),
                fix="see the logs of the parts that are named",
            )
        redis = {"redis": "up" if found[-1] is None else "degraded"} if self._cache.shared else {}
        return {**dict.fromkeys(said, "up"), **redis}

    async def _schema(self) -> None:
        found = await self._database.read(schema.revision, patience=0.5)
        if found != schema.HEAD:
            raise UnavailableError(f"schema {found or 'missing'}, this version needs {schema.HEAD}: run `mtf db upgrade`")


async def _ask(check: Callable[[], Awaitable[None]]) -> str | None:
    """What is wrong with a part, or None."""
    try:
        async with asyncio.timeout(PATIENCE):
            await check()
    except MtfError as error:
        return error.message
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    return None
