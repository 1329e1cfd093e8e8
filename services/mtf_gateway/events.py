"""A run's history, replayed and followed, whichever process drives the run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from sqlalchemy import Connection, RowMapping

from mtf.cache import Cache
from mtf.contracts.registry import FINAL, RunEvent
from mtf.errors import NotFoundError
from mtf_gateway.db import runs
from mtf_gateway.db.engine import Database
from mtf_gateway.views import event_view

PAGE = 500
ENDS = (*FINAL, "interrupted")


def channel(run_id: str) -> str:
    """The bell that rings when a run changes."""
    return f"run:{run_id}"


def no_such_run(run_id: str) -> NotFoundError:
    """The error for an id that names no run."""
    return NotFoundError(f"there is no run `{run_id[:100]}`", field="run_id", found=run_id, fix="`mtf runs list` shows what there is")


async def follow_events(
    database: Database, cache: Cache, run_id: str, after: int, *, poll: float, abandoned: Callable[[RowMapping], bool]
) -> AsyncIterator[RunEvent]:
    """Yield the events behind `after`, then new ones, until the run is final or nobody drives it any more, which `abandoned` tells.

    The bell makes it quick; the look at the database every `poll` seconds makes it certain, for runs driven elsewhere and rings that were lost.
    Raises NotFoundError.
    """

    def look(connection: Connection) -> tuple[RowMapping | None, list[RowMapping]]:
        # The status first: events that come before it was final are then all in the second answer.
        return runs.find_run(connection, run_id), list(runs.events_after(connection, run_id, after, PAGE))

    with cache.listen(channel(run_id)) as bell:
        while True:
            row, found = await database.read(look)
            if row is None:
                raise no_such_run(run_id)
            for event in found:
                after = event["seq"]
                yield event_view(event)
            if len(found) == PAGE:
                continue
            if (row["status"] in ENDS or abandoned(row)) and after >= row["last_seq"]:
                return
            await bell.wait(poll)
