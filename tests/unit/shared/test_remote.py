"""The HTTP transport: a real server on a Unix socket, and answers that a broken network would give."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from mtf.contracts.job import FingerprintRequest, JobRequest
from mtf.errors import BusyError, FencedError, PlatformError, ProblemError, UnavailableError
from mtf.jobs.remote import RemoteWorker
from mtf.plugins import Service
from mtf.service import create_worker_app
from mtf.settings import WorkerSettings
from mtf.storage.store import LocalStore
from mtf.zygote import Zygote
from tests.unit.shared.conftest import HERE, Run, TinyStage, request

SERVICE = Service(name="processing", port=8002, summary="For tests.", app="none:none")
SLOW = {"text": "x", "times": 100, "pause": 0.1}


@contextlib.asynccontextmanager
async def served(store: LocalStore, folder: Path, **settings: Any) -> AsyncIterator[tuple[RemoteWorker, Any]]:
    """A worker behind a real server, and its app."""
    urls = {f"{area}_url": str(root) for area, root in store.roots.items()}
    own = WorkerSettings.model_validate({"token": "t0ken", **urls, **settings})
    app = create_worker_app(SERVICE, own, stage=TinyStage(), zygote=Zygote(path=(HERE,)))
    server = uvicorn.Server(uvicorn.Config(app, uds=str(folder / "s"), log_config=None, access_log=False, timeout_graceful_shutdown=2))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # older releases have it
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - the server announces nothing
        await asyncio.sleep(0.01)
    client = httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(folder / "s")))
    try:
        yield RemoteWorker("http://worker", "t0ken", name="processing", client=client, silence=2.0), app
    finally:
        await client.aclose()
        server.should_exit = True
        await task


async def collect(worker: RemoteWorker, wanted: JobRequest, instance: str | None = None) -> list[Any]:
    """All events but heartbeats."""
    return [event async for event in worker.run(wanted, instance=instance) if event.type != "heartbeat"]


async def first(worker: RemoteWorker, wanted: JobRequest, kind: str) -> Any:
    """Read until an event of a kind, then hang up."""
    async with contextlib.aclosing(worker.run(wanted)) as events:
        async for event in events:
            if event.type == kind:
                return event
    return None


def test_a_job_over_http_is_a_job(run: Run, store: LocalStore, tmp_path: Path) -> None:
    """Key, run, replay, reuse: the same as in one process."""

    async def talk() -> None:
        async with served(store, tmp_path) as (worker, _):
            await worker.ready()
            assert (await worker.validate({"a": 1})).spec == {"a": 1}
            reply = await worker.fingerprint(FingerprintRequest(spec={"text": "hi"}, run_id="r"))
            wanted = JobRequest(job_id="j", epoch=1, stage="processing", fingerprint=reply.fingerprint, spec={"text": "hi"})
            events = await collect(worker, wanted)
            assert (events[0].type, events[-1].type) == ("started", "result")
            assert await collect(worker, wanted.model_copy(update={"after_seq": 1}), "http://worker") == events[1:]
            again = await collect(worker, wanted.model_copy(update={"job_id": "k"}))
            assert again[-1].result.cached is True
            assert {view.kind for view in await worker.plugins()} == {"step"}

    run(talk())


def test_hanging_up_detaches_and_cancelling_ends(run: Run, store: LocalStore, tmp_path: Path) -> None:
    """The worker notices a closed connection; the job goes on until somebody cancels it, and then ends within 2 s."""

    async def talk() -> None:
        async with served(store, tmp_path, heartbeat=0.2) as (worker, app):
            engine = app.state.worker.engine
            await first(worker, request(spec=SLOW), "progress")
            job = engine._jobs["job"]
            until = time.monotonic() + 3
            while not job.unread and time.monotonic() < until:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.02)
            assert job.unread > 0
            assert not job.done
            began = time.monotonic()
            await worker.cancel("job", 1)
            assert time.monotonic() - began < 2
            assert (await collect(worker, request(spec=SLOW)))[-1].problem.code == "cancelled"

    run(talk())


def test_a_full_worker_and_a_newer_owner_are_errors_of_their_own(run: Run, store: LocalStore, tmp_path: Path) -> None:
    """429 is BusyError with the time to wait; a stale owner is fenced, before the stream and within it."""

    async def talk() -> None:
        async with served(store, tmp_path) as (worker, _):
            old = asyncio.create_task(collect(worker, request(spec=SLOW)))
            await first(worker, request(spec=SLOW), "progress")
            with pytest.raises(BusyError) as caught:
                await collect(worker, request("other", "b"))
            assert caught.value.retry_after == 1.0
            await first(worker, request(spec=SLOW, epoch=2), "started")
            for late in (old, collect(worker, request(spec=SLOW)), worker.cancel("job", 1)):
                with pytest.raises(FencedError):
                    await late
            await worker.cancel("job", 2)

    run(talk())


def test_a_worker_that_stops_breaks_its_streams_off(run: Run, store: LocalStore, tmp_path: Path) -> None:
    """A reader sees an unavailable worker, not the end of its job."""

    async def talk() -> None:
        async with served(store, tmp_path) as (worker, app):
            task = asyncio.create_task(collect(worker, request(spec=SLOW)))
            await first(worker, request(spec=SLOW), "progress")
            for stop in app.state.on_stop:
                stop()
            with pytest.raises(UnavailableError, match="processing"):
                await task

    run(talk())


def answering(handler: Callable[[httpx2.Request], Any]) -> RemoteWorker:
    """A worker whose network a test plays."""
    return RemoteWorker(
        "http://worker", None, name="inference", client=httpx2.AsyncClient(transport=httpx2.MockTransport(handler)), silence=0.3
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("refused"), "cannot be reached"),
        (httpx2.ConnectTimeout("late"), "does not answer in time"),
        (httpx2.ReadTimeout("silent"), "does not answer in time"),
        (httpx2.RemoteProtocolError("cut"), "broke"),
    ],
)
def test_a_broken_network_names_the_worker(run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    """Every transport error is an UnavailableError with the worker's name; calls that change nothing are tried three times."""
    calls = []
    monkeypatch.setattr("mtf.jobs.remote.BACKOFF", 0.001)

    def fail(_: httpx2.Request) -> httpx2.Response:
        calls.append(1)
        raise error

    with pytest.raises(UnavailableError, match=f"inference.*{words}"):
        run(answering(fail).validate({}))
    assert len(calls) == 3
    with pytest.raises(UnavailableError, match="inference"):
        run(collect(answering(fail), request()))
    assert len(calls) == 4


def test_an_answer_that_is_no_problem_document_is_no_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's error page means that the worker is away."""
    monkeypatch.setattr("mtf.jobs.remote.BACKOFF", 0.001)
    with pytest.raises(UnavailableError, match="status 502"):
        run(answering(lambda _: httpx2.Response(502, text="<html>")).validate({}))


@pytest.mark.parametrize("line", [b"not json\n", b'{"type": "nothing"}\n', b"[]\n"])
def test_a_line_that_is_no_event_is_an_error(run: Run, line: bytes) -> None:
    """Garbage on the stream does not hang and is not ignored."""
    with pytest.raises(PlatformError, match="no event"):
        run(collect(answering(lambda _: httpx2.Response(200, content=line)), request()))


def test_a_stream_that_ends_early_is_unavailable(run: Run) -> None:
    """Only `result` and `problem` end a job."""
    line = b'{"type": "started", "seq": 1, "at": 0, "instance": "i", "job_id": "job"}\n'
    with pytest.raises(UnavailableError, match="before the job ended"):
        run(collect(answering(lambda _: httpx2.Response(200, content=line)), request()))


def test_a_refused_token_is_ours_to_repair(run: Run, store: LocalStore, tmp_path: Path) -> None:
    """The user cannot mend it: a platform error that says what to do."""

    async def talk() -> None:
        async with served(store, tmp_path) as (worker, _):
            worker._headers = {"Authorization": "Bearer other"}
            await worker.validate({})

    with pytest.raises(PlatformError, match="refused our token"):
        run(talk())


def test_a_problem_keeps_its_cause(run: Run) -> None:
    """What the room says about a spec arrives as it was said, and is not tried again."""
    document = {"title": "t", "status": 422, "detail": "no such step", "code": "spec-invalid", "cause": "spec", "field": "processing.0"}
    calls = []

    def refuse(_: httpx2.Request) -> httpx2.Response:
        calls.append(1)
        return httpx2.Response(422, json=document)

    with pytest.raises(ProblemError) as caught:
        run(answering(refuse).validate({}))
    assert (caught.value.problem().code, caught.value.exit_code, len(calls)) == ("spec-invalid", 2, 1)
