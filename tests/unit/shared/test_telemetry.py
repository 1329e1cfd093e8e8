"""Metrics: names, labels, and that every series is there from the start."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

from mtf import http
from mtf.telemetry import Telemetry, WorkerTelemetry


def app_with(telemetry: Telemetry) -> FastAPI:
    """An app with a plain route, one with an id, a stream and a failure."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/v1/things/{name}")
    async def thing(name: str) -> dict[str, str]:
        return {"name": name}

    @app.get("/v1/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"{}\n"]), media_type="application/x-ndjson")

    @app.get("/v1/fails")
    async def fails() -> None:
        raise ZeroDivisionError

    telemetry.instrument(app)
    http.install(app)
    telemetry.zero(app)
    return app


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """One sample."""
    return telemetry.registry.get_sample_value(name, labels)


def test_requests_are_counted_by_route_and_never_by_id() -> None:
    """The template is the label; what has none is `unmatched`; a failure is a 500."""
    telemetry = Telemetry()
    client = TestClient(app_with(telemetry))
    for path in ("/v1/things/a", "/v1/things/b", "/nothing/c", "/v1/fails"):
        client.get(path)
    assert value(telemetry, "http_requests_total", method="GET", route="/v1/things/{name}", code="200") == 2
    assert value(telemetry, "http_requests_total", method="GET", route="unmatched", code="404") == 1
    assert value(telemetry, "http_requests_total", method="GET", route="/v1/fails", code="500") == 1
    assert value(telemetry, "http_requests_in_progress") == 0


def test_series_exist_before_the_first_request() -> None:
    """A counter that is born at 1 hides its first failure."""
    telemetry = Telemetry()
    app_with(telemetry)
    assert value(telemetry, "http_requests_total", method="GET", route="/v1/things/{name}", code="500") == 0


def test_time_is_kept_by_class() -> None:
    """Streams are a class of their own, and bulk routes are named by the app."""
    telemetry = Telemetry(classes={"/v1/things/{name}": "bulk"})
    client = TestClient(app_with(telemetry))
    client.get("/v1/stream")
    client.get("/v1/things/a")
    assert value(telemetry, "http_request_duration_seconds_count", **{"route": "/v1/stream", "class": "stream"}) == 1
    assert value(telemetry, "http_request_duration_seconds_count", **{"route": "/v1/things/{name}", "class": "bulk"}) == 1


def test_metrics_are_served_as_text_with_build_and_process() -> None:
    """`/metrics` has our names and the process's, and no `_created` twins."""
    telemetry = Telemetry()
    text = TestClient(app_with(telemetry)).get("/metrics").text
    for name in ("http_requests_total", "mtf_build_info", "mtf_event_loop_lag_seconds_bucket", "process_resident_memory_bytes"):
        assert f"\n{name}" in text, name
    assert "_created" not in text


def test_two_apps_share_nothing() -> None:
    """Each has its registry."""
    one, two = Telemetry(), Telemetry()
    TestClient(app_with(one)).get("/v1/things/a")
    app_with(two)
    assert value(two, "http_requests_total", method="GET", route="/v1/things/{name}", code="200") == 0


def test_an_odd_method_makes_no_series_of_its_own() -> None:
    """Strangers cannot grow the registry."""
    telemetry = Telemetry()
    TestClient(app_with(telemetry)).request("BREW", "/v1/things/a")
    assert value(telemetry, "http_requests_total", method="_other", route="/v1/things/{name}", code="405") == 1


def test_the_loops_lag_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Observations appear while the block runs."""
    monkeypatch.setattr("mtf.telemetry.BEAT", 0.01)
    telemetry = Telemetry()

    async def run() -> None:
        async with telemetry.watch():
            await asyncio.sleep(0.1)

    asyncio.run(run())
    assert (value(telemetry, "mtf_event_loop_lag_seconds_count") or 0) >= 3


def test_a_workers_counts_follow_its_engine() -> None:
    """Durations by status, cache results, retries, slots and the heartbeat."""
    telemetry = Telemetry()
    worker: Any = WorkerTelemetry(telemetry.registry, "inference")
    assert value(telemetry, "mtf_stage_duration_seconds_count", stage="inference", status="failed") == 0
    assert value(telemetry, "mtf_cache_requests_total", stage="inference", result="error") == 0
    worker.finished("inference", "failed", 2.5)
    worker.looked_up("inference", "hit")
    worker.retried("inference")
    worker.occupied(1, 3)
    worker.alive()
    assert value(telemetry, "mtf_stage_duration_seconds_sum", stage="inference", status="failed") == 2.5
    assert value(telemetry, "mtf_cache_requests_total", stage="inference", result="hit") == 1
    assert value(telemetry, "mtf_stage_retries_total", stage="inference") == 1
    assert (value(telemetry, "mtf_workers", state="busy"), value(telemetry, "mtf_workers", state="idle")) == (1, 2)
    assert (value(telemetry, "mtf_worker_heartbeat_timestamp_seconds") or 0) > 1e9
