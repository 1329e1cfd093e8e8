"""One job as its readers see it: a numbered list of events that can be followed from anywhere, by several, as often as needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

from mtf.contracts.job import AnyEvent, Failed, Heartbeat, JobRequest, JobResult, Log, Progress, Result, Started
from mtf.contracts.problem import Problem
from mtf.errors import FencedError, MtfError
from mtf.jobs.joblog import JobLog

PROGRESS_INTERVAL = 0.2
"""Least seconds between two progress events of one job; a stage may tell more often."""
LOG_EVENTS = 5_000
"""Log events that are kept for replay; the log file has the rest."""


class Job:
    """The events of one job id. Lives in the event loop's thread alone."""

    def __init__(self, request: JobRequest, log: JobLog, instance: str) -> None:
        self.id, self.epoch, self.fingerprint = request.job_id, request.epoch, request.fingerprint
        self.request, self.log = request, log
        self.events: list[AnyEvent] = []
        self.problem: Problem | None = None
        self.done_at: float | None = None
        self.unread_since = time.monotonic()
        self._readers: set[asyncio.Event] = set()
        self._progress_at = 0.0
        self._logs = 0
        self._detached = False
        self._add(Started(instance=instance, job_id=request.job_id, **self._head()))

    @property
    def done(self) -> bool:
        """Whether the last event is there."""
        return self.done_at is not None

    @property
    def unread(self) -> float:
        """Seconds since the last reader left; 0 while somebody reads."""
        return 0.0 if self._readers else time.monotonic() - self.unread_since

    def adopt(self, epoch: int) -> None:
        """Give the job to the owner with this epoch. Raises FencedError for one that was overtaken; its readers are sent away too."""
        if epoch < self.epoch:
            raise FencedError(f"job {self.id} belongs to a newer owner", found=f"epoch {epoch}, now {self.epoch}")
        self.epoch = epoch
        self._wake()

    def tell(self, event: dict[str, Any]) -> None:
        """Take an event from the child: progress is thinned, logs are bounded, anything else is ignored."""
        if self.done:
            return
        try:
            parsed = self._parsed(event)
        except (TypeError, ValueError):
            return  # not an event: nothing that a stage writes may hurt the worker
        if parsed is not None:
            self._add(parsed)

    def succeed(self, result: JobResult) -> None:
        """The last event of a job that worked."""
        self._finish(Result(result=result, **self._head()))

    def fail(self, error: MtfError | Problem) -> None:
        """The last event of a job that did not."""
        self.problem = error if isinstance(error, Problem) else error.problem()
        self.problem = self.problem.model_copy(update={"stage": self.problem.stage or self.request.stage})
        self._finish(Failed(problem=self.problem, **self._head()))

    def detach(self) -> None:
        """Send the readers away; the job's end is not for them."""
        self._detached = True
        self._wake()

    async def follow(self, epoch: int, after_seq: int, heartbeat: float) -> AsyncGenerator[AnyEvent]:
        """Yield the events behind `after_seq`, then new ones as they come; a heartbeat in silence. Raises FencedError."""
        wake = asyncio.Event()
        self._readers.add(wake)
        seen = after_seq if after_seq <= len(self.events) else 0  # beyond what there is: the reader followed another attempt
        try:
            while True:
                wake.clear()
                self._check(epoch)
                while seen < len(self.events) and not self._detached:
                    seen += 1
                    yield self.events[seen - 1]
                    self._check(epoch)
                if self.done or self._detached:
                    return
                try:
                    await asyncio.wait_for(wake.wait(), heartbeat)
                except TimeoutError:
                    yield Heartbeat(seq=seen, at=time.time())
        finally:
            self._readers.discard(wake)
            self.unread_since = time.monotonic()

    def _check(self, epoch: int) -> None:
        if epoch < self.epoch:
            raise FencedError(f"job {self.id} belongs to a newer owner", found=f"epoch {epoch}, now {self.epoch}")

    def _parsed(self, event: dict[str, Any]) -> AnyEvent | None:
        now = time.monotonic()
        if event["type"] == "progress":
            if event.get("done") != event.get("total") and now - self._progress_at < PROGRESS_INTERVAL:
                return None
            self._progress_at = now
            return Progress.model_validate({**event, **self._head()})
        if event["type"] == "log":
            parsed = Log.model_validate({**event, **self._head()})
            self._logs += 1
            if self._logs > LOG_EVENTS:
                self.log.add(parsed)
                return None
            return parsed
        return None

    def _head(self) -> dict[str, Any]:
        return {"seq": len(self.events) + 1, "at": time.time()}

    def _finish(self, event: AnyEvent) -> None:
        if not self.done:
            self.done_at = time.monotonic()
            self._add(event)

    def _add(self, event: AnyEvent) -> None:
        self.events.append(event)
        self.log.add(event)
        self._wake()

    def _wake(self) -> None:
        for reader in self._readers:
            reader.set()
