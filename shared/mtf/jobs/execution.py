"""One computation of one fingerprint. Jobs that want the same result share it; it ends early when nobody wants it any more."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtf.contracts.job import JobRequest, JobResult, Limits
from mtf.contracts.problem import Problem
from mtf.contracts.reference import Manifest, Reference
from mtf.errors import MtfError, PlatformError, ProblemError, UnavailableError
from mtf.jobs.attempts import HeldAttempt, record_start, sweep
from mtf.jobs.digests import Digests
from mtf.jobs.inside import ENTRY
from mtf.jobs.job import Job
from mtf.jobs.observer import Observer, Status
from mtf.logging import bound
from mtf.plugins import SourceContext, Stage
from mtf.settings import WorkerSettings
from mtf.storage.publication import read_manifest
from mtf.storage.store import LocalStore
from mtf.zygote.parent import Zygote
from mtf.zygote.process import ChildProcess
from mtf.zygote.trouble import error_of

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Room:
    """What every execution of one engine works with."""

    stage: Stage
    store: LocalStore
    settings: WorkerSettings
    zygote: Zygote
    source: SourceContext
    options: Mapping[str, Any]
    instance: str
    digests: Digests
    observer: Observer


class Execution:
    """Runs once; `join` before it ends gives a job all its events, past ones included."""

    def __init__(self, room: Room, request: JobRequest, release: Callable[[Execution], None]) -> None:
        self.room, self.request, self._release = room, request, release
        self.jobs: set[Job] = set()
        self.ending = False
        """Whether nobody can join any more."""
        self._past: list[dict[str, Any]] = []
        self._child: ChildProcess | None = None
        self._stop: MtfError | None = None
        self._began = time.monotonic()

    def start(self) -> asyncio.Task[None]:
        """Begin to compute, beside the caller."""
        request = self.request
        with bound(run_id=request.run_id, request_id=request.request_id, job_id=request.job_id, stage=request.stage):
            return asyncio.create_task(self._run())

    def join(self, job: Job) -> None:
        """Let a job take part."""
        self.jobs.add(job)
        for event in self._past:
            job.tell(event)

    async def leave(self, job: Job, reason: MtfError) -> None:
        """End one job. The computation ends with the last one; then this returns when its processes are gone."""
        job.fail(reason)
        self.jobs.discard(job)
        if not self.jobs:
            await self.stop(reason)
        await asyncio.to_thread(job.log.flush)

    async def stop(self, reason: MtfError) -> None:
        """End the computation and every job that waits for it."""
        self.ending, self._stop = True, self._stop or reason
        if self._child is not None:
            await self._child.kill(self._stop)

    async def _run(self) -> None:
        status: Status = "failed"
        try:
            result = await self._result()
        except asyncio.CancelledError:
            await self._fail(UnavailableError("the service is shutting down", fix="the run tries again by itself"))
            raise
        except MtfError as error:
            status = "cancelled" if self._stop is not None else "failed"
            await self._fail(error)
        except Exception as error:  # a defect of ours must end the job with a problem, not leave its readers waiting
            if not isinstance(error, OSError):
                _LOGGER.exception("execution failed")
            await self._fail(error_of(error))
        else:
            status = "succeeded"
            await self._succeed(result)
        finally:
            self._end()
            if self._child is not None:
                seconds = time.monotonic() - self._began
                self.room.observer.finished(self.room.stage.name, status, seconds)
                _LOGGER.info("job ended", extra={"status": status, "seconds": round(seconds, 3), "peak_memory": self._child.peak})

    async def _result(self) -> JobResult:
        """Look once more whether the result is there, else compute it."""
        room, request = self.room, self.request
        if request.cacheable and (published := await asyncio.to_thread(read_manifest, room.store, request.stage, request.fingerprint)):
            return result_of(*published, cached=True)
        inputs = await asyncio.to_thread(room.digests.resolve, room.store, request.inputs)
        await asyncio.to_thread(sweep, room.store, request.stage, request.fingerprint)
        attempt = await asyncio.to_thread(HeldAttempt, room.store, request.stage, request.fingerprint, request.epoch)
        try:
            outcome = await self._compute(inputs, attempt.folder)
            return await self._publish(attempt, outcome)
        finally:
            await asyncio.shield(asyncio.to_thread(attempt.close))

    async def _compute(self, inputs: Mapping[str, Path], output: Path) -> dict[str, Any]:
        """Run the child to its end and return its outcome. Raises what it ended with."""
        room, request = self.room, self.request
        self._check_wanted()
        fields = {
            "stage": request.stage,
            "job_id": request.job_id,
            "epoch": request.epoch,
            "instance": room.instance,
            "attempt": output.name,
        }
        await asyncio.to_thread(record_start, room.store, request.fingerprint, **fields)
        limits = capped(request.limits, room.settings)
        self._child = await room.zygote.spawn(ENTRY, self._payload(inputs, output, limits), limits)
        if self._stop is not None:
            await self._child.kill(self._stop)
        async for event in self._child.events():
            last = event
            if event["type"] not in {"outcome", "problem"}:
                self._past.append(event)
                for job in self.jobs:
                    job.tell(event)
        self._check_wanted()
        if last["type"] == "problem":
            raise ProblemError(Problem.model_validate(last["problem"]))
        return last

    async def _publish(self, attempt: HeldAttempt, outcome: Mapping[str, Any]) -> JobResult:
        """Logs first, so that whoever sees a result finds the log that explains it; then the outputs, the manifest last."""
        room, request = self.room, self.request
        await self._flush()
        self._check_wanted()
        versions = await asyncio.to_thread(room.stage.versions, request.spec)
        published = await asyncio.to_thread(
            attempt.publish,
            outcome["outputs"],
            spec=request.spec,
            inputs=request.inputs,
            facts=outcome["facts"],
            versions=versions,
            warnings=outcome["warnings"] + self._log_warnings(),
            seconds=time.monotonic() - self._began,
        )
        return result_of(*published, cached=False)

    def _payload(self, inputs: Mapping[str, Path], output: Path, limits: Limits) -> dict[str, Any]:
        """What the child is told. It goes through a pipe: neither arguments nor environment show it."""
        room, request = self.room, self.request
        named = set(_credentials(request.spec))
        return {
            "entry": room.stage.entry,
            "stage": request.stage,
            "spec": request.spec,
            "inputs": {name: str(path) for name, path in inputs.items()},
            "references": {name: one.model_dump() for name, one in request.inputs.items()},
            "output": str(output),
            "limits": limits.model_dump(),
            "options": dict(room.options),
            "source": {
                "credentials": {name: room.source.credentials[name] for name in named if name in room.source.credentials},
                "base": None if room.source.base is None else str(room.source.base),
                "http_allow": list(room.source.http_allow),
                "uploads": None if room.source.uploads is None else str(room.source.uploads),
                "confined": room.source.confined,
            },
        }

    def _check_wanted(self) -> None:
        if self._stop is not None:
            raise self._stop

    def _log_warnings(self) -> list[str]:
        errors = {str(job.log.error.strerror) for job in self.jobs if job.log.error is not None}
        return [f"the log could not be stored: {text}" for text in sorted(errors)]

    async def _fail(self, error: MtfError) -> None:
        self._end()
        for job in self.jobs:
            job.fail(error)
        await self._flush()

    async def _succeed(self, result: JobResult) -> None:
        self._end()
        for job in self.jobs:
            job.succeed(result)
        await self._flush()

    def _end(self) -> None:
        """Free the slot before anybody hears of the end: whoever asks for it then gets it."""
        self.ending = True
        self._release(self)

    async def _flush(self) -> None:
        for job in list(self.jobs):
            await asyncio.to_thread(job.log.flush)


def result_of(manifest: Manifest, reference: Reference, *, cached: bool) -> JobResult:
    """What a manifest says, as the last event of a job has it."""
    return JobResult(
        outputs=manifest.outputs,
        facts=manifest.facts,
        warnings=manifest.warnings,
        versions=manifest.versions,
        manifest=reference,
        cached=cached,
        seconds=manifest.seconds,
    )


def capped(limits: Limits, settings: WorkerSettings) -> Limits:
    """A run may ask for less memory and fewer CPUs than the worker gives, not for more; what it leaves out the worker decides."""
    asked = limits.model_fields_set
    return Limits(
        timeout=limits.timeout if "timeout" in asked else settings.job_timeout,
        memory=min(limits.memory, settings.job_memory) if "memory" in asked else settings.job_memory,
        cpus=min(limits.cpus, settings.job_cpus) if "cpus" in asked else settings.job_cpus,
    )


def _credentials(value: Any) -> Iterator[str]:
    """Names of the credentials that a spec asks for: a child gets those and no other."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key == "credential" and isinstance(one, str):
                yield one
            yield from _credentials(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _credentials(one)


def unexpected(stage: str, wanted: str) -> PlatformError:
    """The error for a job that reached the wrong room."""
    return PlatformError(f"this worker computes `{stage}`", field="stage", found=wanted, fix="check the addresses of the workers")
