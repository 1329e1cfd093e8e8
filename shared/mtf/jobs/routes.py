"""The stage protocol and a worker's state as HTTP routes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from mtf import http
from mtf.contracts.job import AnyEvent, Failed, FingerprintReply, FingerprintRequest, JobRequest, Validated, ValidateRequest
from mtf.contracts.registry import PluginView
from mtf.errors import FencedError
from mtf.jobs.engine import JobEngine
from mtf.logging import bound

NDJSON = "application/x-ndjson"


def job_routes(engine: JobEngine) -> APIRouter:
    """The stage protocol over HTTP."""
    router = APIRouter(prefix="/v1", responses=http.PROBLEMS, tags=["stage protocol"])

    @router.post(
        "/jobs", response_class=StreamingResponse, responses={200: {"content": {NDJSON: {}}, "description": "Events, one a line."}}
    )
    async def run(request: JobRequest) -> StreamingResponse:
        """Start a job, or attach to it and replay its events behind `after_seq`. Closing the stream only detaches."""
        with bound(run_id=request.run_id, request_id=request.request_id, job_id=request.job_id, stage=request.stage):
            job = await engine.submit(request)
        return StreamingResponse(_lines(engine.follow(job, request)), media_type=NDJSON, headers={"Cache-Control": "no-store"})

    @router.delete("/jobs/{job_id}", status_code=204)
    async def cancel(job_id: str, epoch: Annotated[int, Query(ge=1)]) -> Response:
        """Stop a job within 2 s. Nothing happens when it is over, or unknown."""
        await engine.cancel(job_id, epoch)
        return Response(status_code=204)

    @router.post("/validate")
    async def validate(request: ValidateRequest) -> Validated:
        """Check a section of a run file without the data."""
        return await engine.validate(request.section)

    @router.post("/fingerprint")
    async def fingerprint(request: FingerprintRequest) -> FingerprintReply:
        """Key a job by everything that decides its result."""
        return await engine.fingerprint(request)

    @router.get("/plugins")
    async def plugins() -> list[PluginView]:
        """The plug-ins that this worker found."""
        return await engine.plugins()

    return router


def state_routes(engine: JobEngine) -> APIRouter:
    """Whether the process lives, and whether it can work."""
    router = APIRouter(responses=http.PROBLEMS, tags=["state"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> dict[str, Any]:
        """The worker can take jobs; else 503 names the part that is down."""
        await engine.ready()
        return {"status": "ready", "parts": {"zygote": "up", "storage": "up"}}

    return router


async def _lines(events: AsyncGenerator[AnyEvent]) -> AsyncGenerator[bytes]:
    """Events as NDJSON. A reader that was overtaken by a newer owner hears so in its last line."""
    async with contextlib.aclosing(events):
        seq, at = 0, 0.0
        try:
            async for event in events:
                seq, at = event.seq, event.at
                yield event.model_dump_json().encode() + b"\n"
        except FencedError as error:
            yield Failed(problem=error.problem(), seq=seq, at=at).model_dump_json().encode() + b"\n"
