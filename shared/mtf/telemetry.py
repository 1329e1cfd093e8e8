"""Metrics: one registry per app, names from one catalogue, label values from closed lists, every series there from the start."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_fastapi_instrumentator import Instrumentator

if TYPE_CHECKING:
    from fastapi import FastAPI
    from prometheus_fastapi_instrumentator.metrics import Info
    from starlette.types import ASGIApp, Receive, Scope, Send

DISTRIBUTION = "model-testing-framework"
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
STAGE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
CLASSES = ("interactive", "bulk", "stream")
CODES = ("200", "401", "404", "409", "422", "429", "500", "503")
"""Codes that a route is likely to answer; their series exist before the first request."""
STATUSES = ("succeeded", "failed", "cancelled")
RESULTS = ("hit", "miss", "bypass", "error")
BEAT = 0.5
"""Seconds between two measurements of the event loop's lag, and of the heartbeat."""
_STREAMS = ("text/event-stream", "application/x-ndjson")
_UNMEASURED = ("/metrics", "/healthz", "/readyz")


class Telemetry:
    """The metrics that every service has. Built per app, so that many apps live in one process.

    Args:
        classes: Route templates that are not `interactive`: `bulk` for uploads and downloads. Streams are recognised by their type.
        registry: Where to register; a new one by default.
    """

    def __init__(self, *, classes: Mapping[str, str] | None = None, registry: CollectorRegistry | None = None) -> None:
        # They double the series, and nothing here reads them.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves its return type out
        self.registry = registry or CollectorRegistry()
        self._classes = dict(classes or {})
        self._requests = Counter(
            "http_requests_total", "Requests by route and answer.", ["method", "route", "code"], registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to the end of the answer.",
            ["route", "class"],
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self._in_progress = Gauge("http_requests_in_progress", "Requests that are being answered.", registry=self.registry)
        self._lag = Histogram("mtf_event_loop_lag_seconds", "How late the event loop runs.", buckets=LAG_SECONDS, registry=self.registry)
        info = Gauge("mtf_build_info", "Always 1; the labels say what runs.", ["version", "revision"], registry=self.registry)
        info.labels(*_build()).set(1)
        ProcessCollector(registry=self.registry)

    def instrument(self, app: FastAPI) -> None:
        """Measure the app's requests and serve `/metrics`."""
        excluded = [f"^{path}$" for path in _UNMEASURED]
        instrumentator = Instrumentator(should_group_status_codes=False, excluded_handlers=excluded, registry=self.registry)
        instrumentator.add(self._observe).instrument(app).expose(app, include_in_schema=False)
        app.add_middleware(_InProgress, gauge=self._in_progress)

    def zero(self, app: FastAPI) -> None:
        """Make the series of every route, so that `increase()` sees a first failure. Call it when all routes are there."""
        for path, methods in _routes(app):
            for method in methods:
                for code in CODES:
                    self._requests.labels(method, path, code)
            self._seconds.labels(path, self._classes.get(path, "interactive"))

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Measure the event loop's lag while the block runs."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        while True:
            due = time.perf_counter() + BEAT
            await asyncio.sleep(BEAT)
            self._lag.observe(max(0.0, time.perf_counter() - due))

    def _observe(self, info: Info) -> None:
        route = "unmatched" if info.modified_handler == "none" else info.modified_handler
        streams = info.response is not None and info.response.headers.get("content-type", "").startswith(_STREAMS)
        kind = "stream" if streams else self._classes.get(route, "interactive")
        self._requests.labels(_method(info.method), route, info.modified_status).inc()
        self._seconds.labels(route, kind).observe(info.modified_duration)


class WorkerTelemetry:
    """What a worker's engine tells, as metrics: an observer for `mtf.jobs.engine.JobEngine`."""

    def __init__(self, registry: CollectorRegistry, stage: str) -> None:
        self._duration = Histogram(
            "mtf_stage_duration_seconds",
            "Wall time of a stage's computation.",
            ["stage", "status"],
            buckets=STAGE_SECONDS,
            registry=registry,
        )
        self._retries = Counter("mtf_stage_retries_total", "Jobs that had been tried before.", ["stage"], registry=registry)
        self._cache = Counter("mtf_cache_requests_total", "Whether a published result was found.", ["stage", "result"], registry=registry)
        self._workers = Gauge("mtf_workers", "Job slots by state.", ["state"], registry=registry)
        self._alive = Gauge(
            "mtf_worker_heartbeat_timestamp_seconds", "When this worker was last alive, in seconds since 1970.", registry=registry
        )
        self._retries.labels(stage)
        for status in STATUSES:
            self._duration.labels(stage, status)
        for result in RESULTS:
            self._cache.labels(stage, result)
        for state in ("busy", "idle"):
            self._workers.labels(state)

    def finished(self, stage: str, status: str, seconds: float) -> None:
        """A child ended."""
        self._duration.labels(stage, status).observe(seconds)

    def looked_up(self, stage: str, result: str) -> None:
        """A published result was looked for."""
        self._cache.labels(stage, result).inc()

    def retried(self, stage: str) -> None:
        """A job was started that had been tried before."""
        self._retries.labels(stage).inc()

    def alive(self) -> None:
        """The engine's clock ticks."""
        self._alive.set_to_current_time()

    def occupied(self, busy: int, slots: int) -> None:
        """So many slots compute."""
        self._workers.labels("busy").set(busy)
        self._workers.labels("idle").set(slots - busy)


class _InProgress:
    """Counts requests that are being answered. The instrumentator has a gauge for it, but in the process-wide registry alone."""

    def __init__(self, app: ASGIApp, gauge: Gauge) -> None:
        self._app, self._gauge = app, gauge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._gauge.track_inprogress():
            await self._app(scope, receive, send)


def _routes(app: FastAPI) -> list[tuple[str, list[str]]]:
    """Path templates with their methods, as OpenAPI lists them: the one public list that sees routers inside routers."""
    paths = app.openapi().get("paths", {})
    return [(path, [method.upper() for method in found]) for path, found in paths.items() if path not in _UNMEASURED]


def _method(method: str) -> str:
    """A method from a closed list: strangers can send any word."""
    return method if method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} else "_other"


def _build() -> tuple[str, str]:
    try:
        return version(DISTRIBUTION), os.environ.get("MTF_REVISION", "unknown")
    except PackageNotFoundError:
        return "unknown", "unknown"
