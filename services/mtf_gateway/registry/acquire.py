"""Runs one acquisition outside of a run, for a dataset version."""

from __future__ import annotations

from typing import Any

from mtf.contracts.job import JobResult, Limits
from mtf.jobs.worker import Worker
from mtf_gateway.onejob import one_job


class Acquirer:
    """Drives the acquisition worker."""

    def __init__(self, worker: Worker, limits: Limits, *, patience: float = 60.0) -> None:
        self._worker, self._limits, self._patience = worker, limits, patience

    async def __call__(self, section: dict[str, Any]) -> JobResult:
        """Validate `{source, types, expect}`, read the source and return what was published. Raises what went wrong."""
        spec = (await self._worker.validate(section)).spec
        return await one_job(self._worker, "acquisition", spec, limits=self._limits, patience=self._patience)
