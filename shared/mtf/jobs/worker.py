"""One Protocol for the two transports: a worker behind HTTP, and a worker in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from mtf.contracts.job import AnyEvent, FingerprintReply, FingerprintRequest, JobRequest, Validated
from mtf.contracts.registry import PluginView


class Worker(Protocol):
    """A room that computes one stage."""

    async def validate(self, section: dict[str, Any]) -> Validated:
        """Check a section of a run file. Raises SpecError, or UnavailableError that names the worker."""
        ...

    async def fingerprint(self, request: FingerprintRequest) -> FingerprintReply:
        """Key a job. Raises DataError where the source cannot be reached at all."""
        ...

    def run(self, request: JobRequest, *, instance: str | None = None) -> AsyncIterator[AnyEvent]:
        """Start or attach, then yield events until `result` or `problem`. Closing the iterator only detaches.

        Raises BusyError (every slot is taken), FencedError (a higher epoch owns the job) and UnavailableError (nobody answers, or
        the stream broke: call again with `after_seq` and the instance that `started` named).
        """
        ...

    async def cancel(self, job_id: str, epoch: int, *, instance: str | None = None) -> None:
        """Stop a job within 2 s. Nothing happens when it is over already."""
        ...

    async def plugins(self) -> list[PluginView]:
        """The plug-ins this worker found."""
        ...

    async def ready(self) -> None:
        """Return when the worker can take work. Raises UnavailableError."""
        ...
