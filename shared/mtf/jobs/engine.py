"""A worker's heart: which jobs there are, who owns them, how many compute, and which answers exist already."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from mtf.contracts.job import AnyEvent, FingerprintReply, FingerprintRequest, JobRequest, Validated
from mtf.contracts.reference import STAGES, Manifest, Reference, StageName
from mtf.contracts.registry import PluginView
from mtf.errors import BusyError, CancelledError, ConflictError, PlatformError, UnavailableError
from mtf.jobs.attempts import sweep
from mtf.jobs.digests import Digests
from mtf.jobs.execution import Execution, Room, result_of, unexpected
from mtf.jobs.fingerprint import fingerprint_of
from mtf.jobs.inside import ENTRY
from mtf.jobs.job import Job
from mtf.jobs.joblog import JobLog
from mtf.jobs.observer import Observer, Silence
from mtf.jobs.probe import check_storage, plugin_views
from mtf.plugins import SourceContext, Stage
from mtf.settings import WorkerSettings
from mtf.storage.publication import read_manifest
from mtf.storage.store import LocalStore
from mtf.zygote.parent import Zygote

KEEP_SECONDS, KEEP_JOBS = 900.0, 1000
"""How long, and how many, finished jobs can be replayed."""
SWEEP_SECONDS = 600.0
CANCEL_SECONDS = 2.0
RETRY_AFTER = 1.0
ORPHANED = "nobody read the job's events for"


class JobEngine:
    """Runs the jobs of one stage. All methods belong to one event loop; disk and plug-ins are used in threads.

    Args:
        stage: The room's own object: validation, versions, and the entry that a child runs.
        store: Where inputs lie and outputs are published.
        settings: Slots, limits and times.
        zygote: Forks the children. Shared between engines where several live in one process; its owner closes it.
        source: What sources and endpoints may use; a child gets only the credentials that its spec names.
        options: What the service's settings say to its children.
        instance: The address or name under which peers come back to this very engine.
        observer: Told what happens, for metrics.
        digests: Remembered digests of inputs; share one between engines that read each other's outputs.
    """

    def __init__(
        self,
        *,
        stage: Stage,
        store: LocalStore,
        settings: WorkerSettings,
        zygote: Zygote,
        source: SourceContext | None = None,
        options: Mapping[str, Any] | None = None,
        instance: str = "local",
        observer: Observer | None = None,
        digests: Digests | None = None,
    ) -> None:
        self.room = Room(
            stage=stage,
            store=store,
            settings=settings,
            zygote=zygote,
            source=source or SourceContext(credentials={}),
            options=options or {},
            instance=instance,
            digests=digests or Digests(),
            observer=observer or Silence(),
        )
        self.stage: StageName = next(name for name in STAGES if name == stage.name)
        self._jobs: dict[str, Job] = {}
        self._executions: dict[str, Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._closing = False
        zygote.require(ENTRY.partition(":")[0], stage.entry.partition(":")[0])

    async def start(self) -> None:
        """Start the zygote and the clock, without waiting for either. Called by itself with the first job."""
        if self._ticker is None and not self._closing:
            self._ticker = asyncio.create_task(self._tick())
            self.room.observer.occupied(0, self.room.settings.job_slots)
        await self.room.zygote.start()

    async def close(self) -> None:
        """End every computation and leave nothing running. Readers are sent away without a last event."""
        self.detach()
        reason = UnavailableError("the service is shutting down", fix="the run tries again by itself")
        await asyncio.gather(*(one.stop(reason) for one in list(self._executions.values())))
        if self._ticker is not None:
            self._ticker.cancel()
            self._tasks.add(self._ticker)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def validate(self, section: dict[str, Any]) -> Validated:
        """Check a section of a run file. Raises SpecError."""
        return await asyncio.to_thread(self.room.stage.validate, section)

    async def fingerprint(self, request: FingerprintRequest) -> FingerprintReply:
        """Key a job. Raises DataError where a source cannot be reached."""
        return await asyncio.to_thread(self._fingerprint, request)

    async def submit(self, request: JobRequest) -> Job:
        """The job to follow: the one that runs under this id already, or a new one. Raises BusyError, FencedError, ConflictError."""
        if request.stage != self.stage:
            raise unexpected(self.stage, request.stage)
        if self._closing:
            raise UnavailableError("the service is shutting down")
        await self.start()
        known = self._jobs.get(request.job_id)
        if known is not None and not _begins_anew(known, request):
            known.adopt(request.epoch)
            return known
        published = None
        if request.cacheable:
            published = await asyncio.to_thread(read_manifest, self.room.store, self.stage, request.fingerprint)
        if self._jobs.get(request.job_id) is not known:  # the same job arrived twice at once
            return await self.submit(request)
        return await self._answer(request, published) if published else self._begin(request, known)

    async def stream(self, request: JobRequest) -> AsyncGenerator[AnyEvent]:
        """Start or attach, then yield events to the end. Closing the iterator only detaches."""
        job = await self.submit(request)
        async with contextlib.aclosing(self.follow(job, request)) as events:
            async for event in events:
                yield event

    def follow(self, job: Job, request: JobRequest) -> AsyncGenerator[AnyEvent]:
        """The events of a submitted job behind `after_seq`. Raises FencedError when a newer owner takes it."""
        return job.follow(request.epoch, request.after_seq, self.room.settings.heartbeat)

    def detach(self) -> None:
        """Send every reader away without a last event: they come back, to this worker's successor. For a service that is about to stop."""
        self._closing = True
        for job in self._jobs.values():
            job.detach()

    async def cancel(self, job_id: str, epoch: int) -> None:
        """End a job within 2 s; others that want the same result keep its computation. Raises FencedError."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.adopt(epoch)
            await self._leave(job, CancelledError("the run was cancelled", stage=self.stage))

    async def plugins(self) -> list[PluginView]:
        """The plug-ins of this room."""
        return await asyncio.to_thread(plugin_views, self.stage)

    async def ready(self) -> None:
        """Raises UnavailableError that names the part that is down: the zygote or a storage area."""
        await self.room.zygote.revive()
        await asyncio.to_thread(check_storage, self.room.store, self.stage)

    @property
    def busy(self) -> int:
        """Slots in use."""
        return len(self._executions)

    def _fingerprint(self, request: FingerprintRequest) -> FingerprintReply:
        room = self.room
        freshness = room.stage.freshness(request.spec, room.source)
        key = fingerprint_of(self.stage, request, room.stage.versions(request.spec), freshness)
        published = read_manifest(room.store, self.stage, key) is not None
        return FingerprintReply(fingerprint=key, cacheable=freshness is not None, published=published)

    def _job(self, request: JobRequest) -> Job:
        job = Job(request, JobLog(self.room.store, request.job_id), self.room.instance)
        self._jobs[request.job_id] = job
        return job

    async def _answer(self, request: JobRequest, published: tuple[Manifest, Reference]) -> Job:
        """A job whose result exists: no slot, no child."""
        self.room.observer.looked_up(self.stage, "hit")
        job = self._job(request)
        job.succeed(result_of(*published, cached=True))
        await asyncio.to_thread(job.log.flush)
        return job

    def _begin(self, request: JobRequest, known: Job | None) -> Job:
        """A job that computes, alone or together with others that want the same. Raises BusyError."""
        execution = self._executions.get(request.fingerprint)
        if execution is None or execution.ending:
            slots = self.room.settings.job_slots
            if execution is not None or len(self._executions) >= slots:
                raise BusyError(
                    f"the {self.stage} worker computes {len(self._executions)} of {slots} jobs already", retry_after=RETRY_AFTER
                )
            execution = self._executions[request.fingerprint] = Execution(self.room, request, self._release)
            task = execution.start()
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self.room.observer.occupied(len(self._executions), slots)
        self.room.observer.looked_up(self.stage, "miss" if request.cacheable else "bypass")
        if known is not None or request.epoch > 1:
            self.room.observer.retried(self.stage)
        job = self._job(request)
        execution.join(job)
        return job

    def _release(self, execution: Execution) -> None:
        if self._executions.get(execution.request.fingerprint) is execution:
            del self._executions[execution.request.fingerprint]
            self.room.observer.occupied(len(self._executions), self.room.settings.job_slots)

    async def _leave(self, job: Job, reason: PlatformError | CancelledError) -> None:
        execution = self._executions.get(job.fingerprint)
        if job.done or execution is None or job not in execution.jobs:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.create_task(execution.leave(job, reason))), CANCEL_SECONDS)

    async def _tick(self) -> None:
        """Flush logs, end orphans, forget old jobs, sweep what dead workers left."""
        swept, pause = -SWEEP_SECONDS, min(1.0, self.room.settings.orphan_timeout / 5)
        while True:
            self.room.observer.alive()
            if time.monotonic() - swept >= SWEEP_SECONDS:
                swept = time.monotonic()
                await asyncio.to_thread(sweep, self.room.store, self.stage)
            await asyncio.sleep(pause)
            for job in list(self._jobs.values()):
                if job.log.pending:
                    await asyncio.to_thread(job.log.flush)
                if not job.done and job.unread > self.room.settings.orphan_timeout:
                    reason = UnavailableError(f"{ORPHANED} {self.room.settings.orphan_timeout:g} s", fix="the run tries again by itself")
                    await self._leave(job, reason)
            self._forget()

    def _forget(self) -> None:
        """Drop finished jobs that are old, or too many."""
        finished = sorted((job.done_at, name) for name, job in self._jobs.items() if job.done_at is not None)
        oldest = time.monotonic() - KEEP_SECONDS
        for place, (done_at, name) in enumerate(finished):
            if done_at < oldest or place < len(finished) - KEEP_JOBS:
                del self._jobs[name]


def _begins_anew(job: Job, request: JobRequest) -> bool:
    """Whether a known job is started again: it ended in a way that another try may mend, or a new owner wants another result.

    Raises ConflictError when the same owner asks for something else under the same id.
    """
    if request.epoch < job.epoch:
        return False  # adopting it is what refuses the stale owner
    if request.fingerprint != job.fingerprint:
        if not job.done:
            raise ConflictError(f"job {job.id} computes something else now", field="job_id", found=request.fingerprint)
        return True
    if job.problem is None:
        return False
    newer = request.epoch > job.epoch
    return (job.problem.retryable and (newer or request.after_seq == 0)) or (job.problem.cause == "cancelled" and newer)
