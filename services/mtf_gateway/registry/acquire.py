"""Runs one acquisition outside of a run, for a dataset version."""

from __future__ import annotations

import asyncio
from typing import Any

from mtf.contracts.job import FingerprintRequest, JobRequest, JobResult, Limits
from mtf.jobs.worker import Worker
from mtf_gateway.ids import new_id
from mtf_gateway.runner.follow import Patience, call, follow


class Acquirer:
    """Drives the acquisition worker through one job, however often the connection breaks."""

    def __init__(self, worker: Worker, limits: Limits, *, patience: Patience | None = None) -> None:
        self._worker, self._limits, self._patience = worker, limits, patience or Patience()

    async def __call__(self, section: dict[str, Any]) -> JobResult:
        """Validate `{source, types, expect}`, read the source and return what was published. Raises what went wrong."""
        spec = (await self._worker.validate(section)).spec
        job_id = f"dataset-{new_id()}"
        asked = FingerprintRequest(spec=spec, run_id=job_id)
        key = await call(lambda: self._worker.fingerprint(asked), self._patience)
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
            return await follow(self._worker, request, patience=self._patience)
        except asyncio.CancelledError:
            await self._worker.cancel(job_id, 1)
            raise
