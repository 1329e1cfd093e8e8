"""The transport of the embedded form: the worker is in this process, its children are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from mtf.contracts.job import AnyEvent, FingerprintReply, FingerprintRequest, JobRequest, Validated
from mtf.contracts.registry import PluginView
from mtf.jobs.engine import JobEngine


class InProcessWorker:
    """A `mtf.jobs.worker.Worker` over an engine of this event loop."""

    def __init__(self, engine: JobEngine) -> None:
        self.engine = engine

    async def validate(self, section: dict[str, Any]) -> Validated:
        """Check a section of a run file. Raises SpecError."""
        return await self.engine.validate(section)

    async def fingerprint(self, request: FingerprintRequest) -> FingerprintReply:
        """Key a job."""
        return await self.engine.fingerprint(request)

    def run(self, request: JobRequest, *, instance: str | None = None) -> AsyncIterator[AnyEvent]:  # noqa: ARG002 - there is one instance
        """Start or attach, then yield events until `result` or `problem`."""
        return self.engine.stream(request)

    async def cancel(self, job_id: str, epoch: int, *, instance: str | None = None) -> None:  # noqa: ARG002 - there is one instance
        """Stop a job within 2 s."""
        await self.engine.cancel(job_id, epoch)

    async def plugins(self) -> list[PluginView]:
        """The plug-ins of the room."""
        return await self.engine.plugins()

    async def ready(self) -> None:
        """Return when the worker can take work. Raises UnavailableError."""
        await self.engine.start()
        await self.engine.ready()
