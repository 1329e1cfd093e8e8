"""One claimed run, from its first waiting stage to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any, Literal

from sqlalchemy import RowMapping

from mtf.errors import CancelledError, FencedError, LimitError, MtfError, PlatformError, UnavailableError
from mtf_gateway.compose import Done
from mtf_gateway.db import runs
from mtf_gateway.plan import stage_of
from mtf_gateway.runner.context import Context
from mtf_gateway.runner.lost import Lost
from mtf_gateway.runner.stages import Stages

LOG = logging.getLogger("mtf.gateway.runner")

Reason = Literal["lost", "cancelled", "overdue"]

CANCEL_SECONDS = 5.0
"""How long a worker is waited for that shall stop a job; one that does not answer ends it by itself when nobody reads it."""


class Driver:
    """Drives one run as its owner. Two tasks: the stages, and the heartbeat, which keeps the lease and hears what is asked meanwhile."""

    def __init__(self, context: Context, row: RowMapping) -> None:
        self.context, self.row = context, row
        self.lease = runs.Lease(row["id"], row["epoch"])
        self.stages = Stages(context, self.lease, row["plan"])
        self.again = False
        """Whether the run went back into the queue."""
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Look at the row now: somebody asked for something."""
        self._nudged.set()

    async def drive(self) -> None:
        """Bring the run to a final state, or back into the queue, or let go of it when it belongs to somebody else."""
        work = asyncio.create_task(self._work())
        beat = asyncio.create_task(self._keep())
        try:
            await asyncio.wait({work, beat}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await _cancelled(work)
                await self._stop(beat.result())
                return
            await _cancelled(beat)
            await self._conclude(work)
        except asyncio.CancelledError:
            await asyncio.shield(self._hand_over(work, beat))
            raise
        except Lost:
            LOG.info("the run belongs to somebody else now")
        finally:
            self.context.wake(self.lease.run_id)

    async def _work(self) -> dict[str, Done]:
        row, settings = self.row, self.context.settings
        if row["epoch"] == 1:
            self.context.observer.claimed(row["now"] - row["created_at"])
        if row["cancel_requested"]:
            raise CancelledError("the run was cancelled")
        if row["takeovers"] > settings.takeover_limit:
            message = f"the process that drove this run died {row['takeovers']} times in one stage; the run is not tried again"
            raise PlatformError(message, fix="see the gateway's log; `mtf runs resume` tries once more")
        done = await self.stages.run()
        if self.context.deliver is not None:
            await self.context.deliver(row, done)
        return done

    async def _keep(self) -> Reason:
        """Renew the lease four times within its time. Returns why the run must be let go of or stopped."""
        seconds = self.context.settings.lease_seconds
        renewed = time.monotonic()
        while True:
            # Not wait_for: until Python 3.12 it loses a cancel that comes together with the nudge.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds / 4):
                    await self._nudged.wait()
            self._nudged.clear()
            asked = time.monotonic()
            try:
                row = await self.context.database.write(lambda c: runs.renew(c, self.lease, seconds), patience=seconds / 4)
            except UnavailableError:
                if time.monotonic() - renewed > seconds:
                    return "lost"
                continue
            if row is None:
                return "lost"
            renewed = asked
            if row["cancel_requested"]:
                return "cancelled"
            if row["overdue"]:
                return "overdue"

    async def _stop(self, reason: Reason) -> None:
        """End a run whose stages were cut off."""
        if reason == "lost":
            raise Lost
        with contextlib.suppress(MtfError, TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                await self.stages.stop()
        if reason == "cancelled":
            await self._finish("cancelled", CancelledError("the run was cancelled", stage=self._stage()))
        else:
            limit = self.row["max_runtime"]
            await self._finish("failed", LimitError(f"the run took longer than {limit:g} s", stage=self._stage()))

    async def _conclude(self, work: asyncio.Task[dict[str, Done]]) -> None:
        """End a run whose stages ended by themselves."""
        try:
            done = work.result()
        except (Lost, FencedError):
            raise Lost from None
        except CancelledError:
            await self._stop("cancelled")
        except MtfError as error:
            await self._failed(error)
        except Exception as error:  # a defect of ours must end the run with a reason instead of leaving it `running` for ever
            LOG.exception("the run met a defect")
            await self._finish("failed", PlatformError(f"{type(error).__name__}: {error}"[:500], stage=self._stage()))
        else:
            await self._succeeded(done)

    async def _succeeded(self, done: dict[str, Done]) -> None:
        found = done["evaluation"]
        warnings = [*self.stages.plan.warnings, *(line for part in done.values() for line in part.warnings)]
        gates: list[dict[str, Any]] = list(found.facts.get("gates") or [])
        values: dict[str, Any] = {
            "verdict": found.facts.get("verdict"),
            "metrics": dict(found.facts.get("metrics") or {}),
            "gates": gates,
            "warnings": list(dict.fromkeys(warnings)),
            "report": {name: reference.model_dump(mode="json") for name, reference in found.outputs.items()},
            "problem": None,
        }
        await self._finish("succeeded", None, values)
        for term, gate in zip(self.stages.plan.evaluation.get("gates", []), gates, strict=False):
            self.context.observer.gated(str(term.get("metric")), str(gate.get("verdict")))

    async def _failed(self, error: MtfError) -> None:
        """Try again later, or end the run with the reason."""
        problem, settings, strikes = error.problem(), self.context.settings, self.row["strikes"] + 1
        if self.stages.moved:
            strikes = 1
        if not problem.retryable:
            await self._finish("failed", error)
            return
        if strikes >= settings.attempt_limit:
            said = f"{problem.detail} ({strikes} attempts)"
            await self._finish("failed", error, {"problem": problem.model_copy(update={"detail": said}).model_dump(mode="json")})
            return
        pause = settings.retry_seconds * 2 ** (strikes - 1)
        unit = self.stages.unit
        events = [
            {"kind": "problem", "stage": self._stage(), "data": problem.model_dump(mode="json")},
            {"kind": "status", "stage": None, "data": {"status": "queued", "retry_in": pause}},
        ]
        LOG.warning("an attempt failed, the next one begins in %g s: %s", pause, problem.detail)
        await self.stages.write(lambda c: runs.put_back(c, self.lease, unit, pause, events))
        self.again = True
        self.context.observer.retried(self._stage() or "acquisition")

    async def _finish(self, status: str, error: MtfError | None, values: dict[str, Any] | None = None) -> None:
        problem = None if error is None else error.problem().model_dump(mode="json")
        final = {"status": status, "problem": problem, **(values or {})}
        events = [{"kind": "problem", "stage": self._stage(), "data": final["problem"]}] if error is not None else []
        events.append({"kind": "status", "stage": None, "data": {"status": status, "verdict": final.get("verdict")}})
        await self.stages.write(lambda c: runs.finish(c, self.lease, final, events))
        if error is not None and self.stages.began is not None:
            self.context.observer.stage(self._stage() or "", status, time.monotonic() - self.stages.began)
        LOG.info("the run ended as %s", status)
        self.context.observer.finished(status, time.time() - self.row["created_at"])

    async def _hand_over(self, *tasks: asyncio.Task[Any]) -> None:
        """This process ends: give the run back at once. Its job goes on at the worker, where the next owner attaches to it."""
        for task in tasks:
            await _cancelled(task)
        status = "interrupted" if self.context.embedded else "queued"
        with contextlib.suppress(MtfError):
            await self.context.database.write(lambda c: runs.let_go(c, self.lease, status), patience=1.0)

    def _stage(self) -> str | None:
        return None if self.stages.unit is None else stage_of(self.stages.unit)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end, whatever that is."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
