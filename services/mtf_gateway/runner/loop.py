"""Claims runs and drives several of them at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy import RowMapping

from mtf.errors import MtfError
from mtf.logging import bound
from mtf_gateway.db import runs
from mtf_gateway.runner.context import Context
from mtf_gateway.runner.drive import Driver

LOG = logging.getLogger("mtf.gateway.runner")


class Runner:
    """Looks for work when it is woken and once in a while, as long as a slot is free.

    Args:
        context: What the drivers share.
        only_own: Claim only runs that `own` named, as the embedded form does: another process there has its own.
    """

    def __init__(self, context: Context, *, only_own: bool = False) -> None:
        self.context, self._only_own = context, only_own
        self._own: set[str] = set()
        self._drivers: dict[str, Driver] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to claim."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._claim_forever())

    async def close(self) -> None:
        """Claim nothing more, and give every run back unfinished."""
        tasks = [task for task in (self._loop, *self._tasks) if task is not None]
        self._loop = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def own(self, run_id: str) -> None:
        """Drive this run here."""
        self._own.add(run_id)
        self._wake.set()

    def poke(self, run_id: str | None = None) -> None:
        """Look at the queue now, or at what was asked of a run that is driven here."""
        if run_id is not None and run_id in self._drivers:
            self._drivers[run_id].nudge()
        self._wake.set()

    def poke_all(self) -> None:
        """Look at every run that is driven here: somebody asked for a cancel, somewhere."""
        for driver in self._drivers.values():
            driver.nudge()

    @property
    def driving(self) -> int:
        """Runs that are driven here now."""
        return len(self._drivers)

    async def _claim_forever(self) -> None:
        settings = self.context.settings
        while True:
            if self.driving >= settings.runner_slots or not await self._claim_one():
                # Not wait_for: until Python 3.12 it loses a cancel that comes together with the wake-up.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(settings.poll_seconds):
                        await self._wake.wait()
                self._wake.clear()

    async def _claim_one(self) -> bool:
        """Claim a run and begin to drive it; False when there is none, or the database is away."""
        names: list[str | None] = [None]
        if self._only_own:
            names = [name for name in self._own if name not in self._drivers]
        for only in names:
            try:
                row = await self._claim(only)
            except MtfError as error:
                LOG.warning("the queue cannot be read: %s", error)
                return False
            if row is not None:
                self._begin(row)
                return True
        return False

    async def _claim(self, only: str | None) -> RowMapping | None:
        context = self.context
        seconds = context.settings.lease_seconds
        claim = asyncio.create_task(context.database.write(lambda c: runs.claim(c, context.owner, seconds, only=only)))
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            # A claim that was sent cannot be called back: what it still gets is given back, or nobody drove it until the lease runs out.
            with contextlib.suppress(MtfError):
                row = await claim
                if row is not None:
                    status = "interrupted" if context.embedded else "queued"
                    await context.database.write(lambda c: runs.let_go(c, runs.Lease(row["id"], row["epoch"]), status), patience=1.0)
            raise

    def _begin(self, row: RowMapping) -> None:
        driver = Driver(self.context, row)
        self._drivers[driver.lease.run_id] = driver
        task = asyncio.create_task(self._drive(driver))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drive(self, driver: Driver) -> None:
        try:
            with bound(run_id=driver.lease.run_id):
                LOG.info("claimed with epoch %d", driver.lease.epoch)
                await driver.drive()
        except Exception:  # one run's defect must not end the loop that drives the others; its lease runs out and it is taken up again
            LOG.exception("run %s cannot be driven", driver.lease.run_id)
        finally:
            self._drivers.pop(driver.lease.run_id, None)
            if not driver.again:
                self._own.discard(driver.lease.run_id)
            self._wake.set()
