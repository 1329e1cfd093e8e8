"""Runs one acquisition outside of a run, for a dataset version."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

from mtf.contracts.job import Failed, FingerprintRequest, JobRequest, JobResult, Limits, Result, Started
from mtf.errors import BusyError, ProblemError, UnavailableError
from mtf.jobs.worker import Worker


class Acquirer:
    """Drives the acquisition worker. A worker that is lost is called again until `patience` seconds passed without an event."""

    def __init__(self, worker: Worker, limits: Limits, *, patience: float = 60.0) -> None:
        self._worker, self._limits, self._patience = worker, limits, patience

    async def __call__(self, section: dict[str, Any]) -> JobResult:
        """Validate `{source, types, expect}`, read the source and return what was published. Raises what went wrong."""
        spec = (await self._worker.validate(section)).spec
        job_id = f"dataset-{secrets.token_hex(12)}"
        key = await self._worker.fingerprint(FingerprintRequest(spec=spec, run_id=job_id))
        request = JobRequest(
            job_id=job_id,
            epoch=1,
            stage="acquisition",
            fingerprint=key.fingerprint,
            spec=spec,
            limits=self._limits,
            cacheable=key.cacheable,
        )
        try:
            return await self._follow(request)
        except asyncio.CancelledError:
            await self._worker.cancel(job_id, 1)
            raise

    async def _follow(self, request: JobRequest) -> JobResult:
        """Read the events to the last one; attach again where the stream broke."""
        instance, after, heard = None, 0, time.monotonic()
        while True:
            try:
                async for event in self._worker.run(request.model_copy(update={"after_seq": after}), instance=instance):
                    after, heard = event.seq, time.monotonic()
                    if isinstance(event, Started):
                        instance = event.instance
                    elif isinstance(event, Result):
                        return event.result
                    elif isinstance(event, Failed):
                        raise ProblemError(event.problem)
            except BusyError as busy:
                await asyncio.sleep(busy.retry_after)
                continue
            except UnavailableError:
                if time.monotonic() - heard > self._patience:
                    raise
            await asyncio.sleep(0.5)
