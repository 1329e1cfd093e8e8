"""Drives one job outside of a run: for a dataset version, for a recipe."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from mtf.contracts.job import FingerprintRequest, JobRequest, JobResult, Limits
from mtf.contracts.reference import Reference, StageName
from mtf.jobs.worker import Worker
from mtf_gateway.runner.follow import Patience, call, follow


async def one_job(
    worker: Worker,
    stage: StageName,
    spec: dict[str, Any],
    *,
    limits: Limits,
    inputs: Mapping[str, Reference] | None = None,
    patience: float = 60.0,
) -> JobResult:
    """Key the job, start it and read its events to the last one. Raises what went wrong.

    A worker that is lost is called again until `patience` seconds passed without an event; a caller that goes away cancels the job.
    """
    given = dict(inputs or {})
    job_id = f"{stage}-{secrets.token_hex(12)}"
    waits = Patience(reconnect=patience)
    asked = FingerprintRequest(spec=spec, inputs=given, run_id=job_id)
    key = await call(lambda: worker.fingerprint(asked), waits)
    request = JobRequest(
        job_id=job_id,
        epoch=1,
        stage=stage,
        fingerprint=key.fingerprint,
        spec=spec,
        inputs=given,
        limits=limits,
        cacheable=key.cacheable,
    )
    try:
        return await follow(worker, request, patience=waits)
    except asyncio.CancelledError:
        await worker.cancel(job_id, 1)
        raise
