"""Re-evaluations are driven here: claimed, kept by a heartbeat, brought through their runs, handed over, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import Any

from sqlalchemy import RowMapping

from mtf.errors import MtfError, PlatformError, UnavailableError
from mtf.logging import bound
from mtf_gateway.db import reevaluations
from mtf_gateway.db.runs import Lease
from mtf_gateway.memory.evaluator import Evaluator
from mtf_gateway.reevaluation.one import Single, Task
from mtf_gateway.runner.context import Context
from mtf_gateway.runner.lost import Lost

LOG = logging.getLogger("mtf.gateway.reevaluation")
PAGE = 200
"""Runs that are looked up at once."""


class Driver:
    """Works at one re-evaluation at a time, as its owner."""

    def __init__(self, context: Context, evaluator: Evaluator) -> None:
        self._context, self._single = context, Single(context, evaluator)
        self._own: set[str] = set()
        self._wake, self._nudged = asyncio.Event(), asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to claim."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._forever())

    async def close(self) -> None:
        """Claim nothing more, and give back what is under way."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.cancel()
            await asyncio.wait({loop})

    def own(self, key: str) -> None:
        """Drive this one here."""
        self._own.add(key)
        self.poke()

    def poke(self) -> None:
        """Look at the queue now, and at what was asked of the one under way."""
        self._wake.set()
        self._nudged.set()

    async def _forever(self) -> None:
        while True:
            row = None
            with contextlib.suppress(MtfError):  # the database is away: it is asked again
                row = await self._claim()
            if row is not None:
                await self._drive(row)
                continue
            # A bell tells what is queued; the clock is for what a dead owner left, and its lease has to run out first.
            settings = self._context.settings
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(settings.poll_seconds, settings.lease_seconds / 4)):
                    await self._wake.wait()
            self._wake.clear()

    async def _claim(self) -> RowMapping | None:
        context = self._context
        names: list[str | None] = list(self._own) if context.embedded else [None]
        for only in names:
            claim = partial(reevaluations.claim, owner=context.owner, seconds=context.settings.lease_seconds, only=only)
            sent = asyncio.create_task(context.database.write(claim))
            try:
                row = await asyncio.shield(sent)
            except asyncio.CancelledError:
                # A claim that was sent cannot be called back: what it still gets is given back.
                with contextlib.suppress(MtfError):
                    if (row := await sent) is not None:
                        await self._let_go(Lease(row["id"], row["epoch"]))
                raise
            if row is not None:
                return row
        return None

    async def _drive(self, row: RowMapping) -> None:
        task = Task(Lease(row["id"], row["epoch"]), row["spec"], row["created_by"])
        work, beat = asyncio.create_task(self._runs(task, row)), asyncio.create_task(self._keep(task))
        try:
            with bound(run_id=row["id"]):
                await asyncio.wait({work, beat}, return_when=asyncio.FIRST_COMPLETED)
                await self._conclude(task, work, beat)
        except asyncio.CancelledError:
            await asyncio.shield(self._hand_over(task, work, beat))
            raise
        except Lost:
            LOG.info("the re-evaluation belongs to somebody else now")
        except Exception:  # a defect in one must not end the loop that drives the others; its lease runs out and it is taken up again
            LOG.exception("re-evaluation %s cannot be driven", row["id"])
        finally:
            self._own.discard(row["id"])

    async def _runs(self, task: Task, row: RowMapping) -> None:
        """Every run that waits, some at once where several workers may be behind one address."""
        if row["takeovers"] > self._context.settings.takeover_limit:
            message = f"the process that drove this died {row['takeovers']} times at one run; it is not tried again"
            raise PlatformError(message, fix="see the log; a resume tries once more")
        after, at_once = -1, 1 if self._context.embedded else self._context.settings.runner_slots
        while rows := await self._waiting(task, after):
            after = rows[-1]["position"]
            turn = asyncio.Semaphore(at_once)

            async def measured(position: int, run_id: str, turn: asyncio.Semaphore = turn) -> None:
                async with turn:
                    await self._single.measure(task, position, run_id)

            async with asyncio.TaskGroup() as group:
                for one in rows:
                    group.create_task(measured(one["position"], one["run_id"]))

    async def _waiting(self, task: Task, after: int) -> list[RowMapping]:
        key, seconds = task.lease.run_id, self._context.settings.lease_seconds
        question = partial(reevaluations.items, key=key, after=after, limit=PAGE, status="waiting")
        return list(await self._context.database.read(question, patience=seconds))

    async def _keep(self, task: Task) -> bool:
        """Renew the lease four times within its time. True when a cancel was asked for; raises Lost."""
        seconds, renewed = self._context.settings.lease_seconds, time.monotonic()
        while True:
            # Not wait_for: until Python 3.12 it loses a cancel that comes together with the nudge.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds / 4):
                    await self._nudged.wait()
            self._nudged.clear()
            asked = time.monotonic()
            try:
                cancelled = await self._context.database.write(lambda c: reevaluations.renew(c, task.lease, seconds), patience=seconds / 4)
            except UnavailableError:
                if time.monotonic() - renewed > seconds:
                    raise Lost from None
                continue
            if cancelled is None:
                raise Lost
            renewed = asked
            if cancelled:
                return True

    async def _conclude(self, task: Task, work: asyncio.Task[None], beat: asyncio.Task[bool]) -> None:
        if not work.done():
            await _ended(work)
            beat.result()  # raises Lost
            await self._finish(task, "cancelled")
            return
        await _ended(beat)
        error = _only(work.exception())
        if isinstance(error, Lost):
            raise Lost
        if error is not None:
            LOG.error("the re-evaluation met %r", error)
        known = error if isinstance(error, MtfError) or error is None else PlatformError(f"{type(error).__name__}: {error}"[:500])
        if isinstance(known, UnavailableError) and not self._context.embedded:
            LOG.warning("the re-evaluation goes back into the queue: %s", known.message)
            await self._context.database.write(lambda c: reevaluations.let_go(c, task.lease, "queued"))
            return
        await self._finish(task, "succeeded" if known is None else "interrupted", known)

    async def _finish(self, task: Task, status: str, error: MtfError | None = None) -> None:
        problem = None if error is None else error.problem().model_dump(mode="json")
        seconds = self._context.settings.lease_seconds
        await self._context.database.write(lambda c: reevaluations.finish(c, task.lease, status, problem), patience=seconds)
        LOG.info("the re-evaluation ended as %s", status)

    async def _hand_over(self, task: Task, *tasks: asyncio.Task[Any]) -> None:
        for one in tasks:
            await _ended(one)
        with contextlib.suppress(MtfError):
            await self._let_go(task.lease)

    async def _let_go(self, lease: Lease) -> None:
        status = "interrupted" if self._context.embedded else "queued"
        await self._context.database.write(lambda c: reevaluations.let_go(c, lease, status), patience=1.0)


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def _only(error: BaseException | None) -> BaseException | None:
    """The reason within a group: every run of it ends with the first."""
    while isinstance(error, BaseExceptionGroup):
        lost = error.subgroup(Lost)
        error = (lost or error).exceptions[0]
    return error
