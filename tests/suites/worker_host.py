"""Four scripted workers behind HTTP in one process that a test can kill: `python -m tests.suites.worker_host PORT FOLDER SECONDS`.

Each start of a job is one line of `FOLDER/starts`, written before anything else happens, so that it survives the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from starlette.responses import StreamingResponse

from mtf import http
from mtf.contracts.job import FingerprintReply, FingerprintRequest, JobRequest, Validated, ValidateRequest
from mtf.contracts.reference import STAGES, StageName
from mtf.storage.publication import PREFIX
from mtf.storage.store import LocalStore
from tests.suites.scripted import Job, ScriptedWorker


class RecordingWorker(ScriptedWorker):
    """Computes for a while, publishes once per key by a marker file, and records every start."""

    def __init__(self, stage: StageName, store: LocalStore, folder: Path, seconds: float, url: str) -> None:
        super().__init__(stage, store)
        self.folder, self.seconds, self.instance = folder, seconds, url

    def _start(self, request: JobRequest) -> Job:
        marker = self._marker(request.fingerprint)
        if marker.exists():
            self.published.add(request.fingerprint)
        else:
            line = json.dumps({"stage": self.stage, "key": request.fingerprint, "job": request.job_id, "pid": os.getpid()}) + "\n"
            with (self.folder / "starts").open("a") as file:
                file.write(line)
        return super()._start(request)

    async def _compute(self, job: Job) -> None:
        if job.request.fingerprint not in self.published:
            await asyncio.sleep(self.seconds)
            marker = self._marker(job.request.fingerprint)
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch(exist_ok=True)
            self.published.discard(job.request.fingerprint)
        await super()._compute(job)

    def _marker(self, fingerprint: str) -> Path:
        return self.store.path(f"{PREFIX[self.stage][0]}:published/{self.stage}/{fingerprint}")


def application(folder: Path, seconds: float, url: str) -> FastAPI:
    """The four workers, each under its stage's name."""
    app = FastAPI()
    store = LocalStore({area: folder / area for area in ("data", "artifacts", "models", "logs")})
    workers = {stage: RecordingWorker(stage, store, folder, seconds, f"{url}/{stage}") for stage in STAGES}

    @app.post("/{stage}/v1/validate")
    async def validate(stage: StageName, request: ValidateRequest) -> Validated:
        return await workers[stage].validate(request.section)

    @app.post("/{stage}/v1/fingerprint")
    async def fingerprint(stage: StageName, request: FingerprintRequest) -> FingerprintReply:
        return await workers[stage].fingerprint(request)

    @app.post("/{stage}/v1/jobs")
    async def jobs(stage: StageName, request: JobRequest) -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            async for event in workers[stage].run(request):
                yield event.model_dump_json().encode() + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.delete("/{stage}/v1/jobs/{job_id}", status_code=204)
    async def cancel(stage: StageName, job_id: str, epoch: int) -> Response:
        await workers[stage].cancel(job_id, epoch)
        return Response(status_code=204)

    http.install(app)
    return app


def main(arguments: list[str]) -> Any:
    """Serve until killed."""
    port, folder, seconds = int(arguments[0]), Path(arguments[1]), float(arguments[2])
    uvicorn.run(application(folder, seconds, f"http://127.0.0.1:{port}"), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
