"""The engine: owners, sharing, slots, replay, publication and its failures, with real children."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtf.contracts.job import FingerprintRequest, JobRequest
from mtf.errors import BusyError, ConflictError, FencedError, PlatformError, UnavailableError
from mtf.jobs import attempts
from mtf.jobs.engine import JobEngine
from mtf.plugins import SourceContext
from mtf.storage.publication import Attempt, read_manifest
from mtf.storage.store import LocalStore
from tests.unit.shared.conftest import Run, TinyStage, collect, request, tiny

Engines = Callable[..., JobEngine]
SLOW = {"text": "x", "times": 100, "pause": 0.1}


def starts(store: LocalStore, key: str = "a") -> int:
    """How many children were started for a fingerprint."""
    path = store.path(f"logs:starts/{key * 64}")
    return len(path.read_text().splitlines()) if path.exists() else 0


def leftovers(store: LocalStore) -> list[str]:
    """Files and folders below the stage's place that no manifest names."""
    root = store.path("data:processed")
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.name != "manifest.json"] if root.exists() else []


async def first(engine: JobEngine, wanted: JobRequest, kind: str = "progress") -> Any:
    """Read until an event of a kind, then close the stream."""
    stream = engine.stream(wanted)
    try:
        async for event in stream:
            if event.type == kind:
                return event
    finally:
        await stream.aclose()
    return None


def test_a_job_tells_its_life_in_numbered_events(run: Run, engines: Engines, store: LocalStore) -> None:
    """Started first, then progress and log lines, then the result; numbers rise by one."""
    events = run(collect(engines(), request()))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[0].type == "started"
    assert events[0].instance == "here"
    result = events[-1].result
    assert result.cached is False
    assert result.facts == {"times": 3, "nan": None}
    assert result.warnings == ["a warning"]
    assert store.path(result.outputs["text"].ref).read_text() == "hello\n" * 3
    assert starts(store) == 1


def test_a_published_result_is_answered_without_a_slot(run: Run, engines: Engines, store: LocalStore) -> None:
    """The second job says `cached`, starts nothing, and does not wait for the slot that a third one holds."""
    engine = engines()

    async def ask() -> list[Any]:
        await collect(engine, request("one"))
        await first(engine, request("other", "b", spec=SLOW))
        return await collect(engine, request("two"))

    events = run(ask())
    assert [event.type for event in events] == ["started", "result"]
    assert events[-1].result.cached is True
    assert starts(store) == 1


def test_what_must_not_be_reused_is_computed_again(run: Run, engines: Engines, store: LocalStore) -> None:
    """A job that is not cacheable runs although its fingerprint is published; the first publication stays."""
    engine = engines()
    one = run(collect(engine, request("one", cacheable=False)))[-1].result
    two = run(collect(engine, request("two", cacheable=False)))[-1].result
    assert (one.cached, two.cached) == (False, False)
    assert one.outputs == two.outputs
    assert starts(store) == 2


def test_a_reader_comes_back_where_it_left(run: Run, engines: Engines) -> None:
    """Attaching again replays exactly what lies behind `after_seq`."""
    engine = engines()
    whole = run(collect(engine, request()))
    rest = run(collect(engine, request(after_seq=2)))
    assert rest == whole[2:]


def test_a_number_beyond_the_events_replays_all(run: Run, engines: Engines) -> None:
    """A reader that followed another attempt gets this one from its start."""
    engine = engines()
    whole = run(collect(engine, request(after_seq=500)))
    assert whole[0].type == "started"
    assert run(collect(engine, request(after_seq=500))) == whole


def test_detaching_leaves_the_job_running(run: Run, engines: Engines, store: LocalStore) -> None:
    """Closing the stream does not cancel; the result is there for whoever attaches later."""
    engine = engines()
    spec = {"text": "x", "times": 4, "pause": 0.1}

    async def leave_and_return() -> list[Any]:
        await first(engine, request(spec=spec), "started")
        return await collect(engine, request(spec=spec, after_seq=1))

    assert run(leave_and_return())[-1].type == "result"
    assert starts(store) == 1


def test_equal_work_is_done_once(run: Run, engines: Engines, store: LocalStore) -> None:
    """Two jobs with one fingerprint share one child, and both see all its events."""
    engine = engines()
    spec = {"text": "x", "times": 4, "pause": 0.05}

    async def both() -> tuple[list[Any], list[Any]]:
        return await asyncio.gather(collect(engine, request("one", spec=spec)), collect(engine, request("two", spec=spec)))

    one, two = run(both())
    assert one[-1].result == two[-1].result
    assert [event.type for event in one] == [event.type for event in two]
    assert starts(store) == 1


def test_cancelling_one_of_two_keeps_the_computation(run: Run, engines: Engines, store: LocalStore) -> None:
    """One job is cancelled at once, the other one gets its result."""
    engine = engines()
    spec = {"text": "x", "times": 6, "pause": 0.1}

    async def cancel_one() -> tuple[list[Any], list[Any]]:
        one = asyncio.create_task(collect(engine, request("one", spec=spec)))
        two = asyncio.create_task(collect(engine, request("two", spec=spec)))
        await first(engine, request("two", spec=spec))
        await engine.cancel("one", 1)
        return await one, await two

    one, two = run(cancel_one())
    assert one[-1].problem.code == "cancelled"
    assert two[-1].type == "result"
    assert starts(store) == 1


def test_cancelling_ends_everything_within_two_seconds(run: Run, engines: Engines, store: LocalStore) -> None:
    """Events end with `cancelled`, the slot is free, and nothing lies around."""
    engine = engines()

    async def cancel() -> tuple[float, list[Any]]:
        task = asyncio.create_task(collect(engine, request(spec=SLOW)))
        await first(engine, request(spec=SLOW))
        began = time.monotonic()
        await engine.cancel("job", 1)
        events = await task
        took = time.monotonic() - began
        while engine.busy:  # noqa: ASYNC110 - the slot is released behind the last event
            await asyncio.sleep(0.01)
        return took, events

    took, events = run(cancel())
    assert took < 2.0
    assert events[-1].problem.cause == "cancelled"
    assert events[-1].problem.stage == "processing"
    assert leftovers(store) == []


def test_cancelling_what_is_unknown_or_over_does_nothing(run: Run, engines: Engines) -> None:
    """No error, and a result stays a result."""
    engine = engines()
    run(engine.cancel("nobody", 1))
    run(collect(engine, request()))
    run(engine.cancel("job", 1))
    assert run(collect(engine, request()))[-1].type == "result"


def test_a_newer_owner_adopts_the_job_and_the_older_one_is_sent_away(run: Run, engines: Engines, store: LocalStore) -> None:
    """A higher epoch takes the running job; readers, calls and cancellations of the lower one are fenced."""
    engine = engines()
    spec = {"text": "x", "times": 6, "pause": 0.1}

    async def take_over() -> list[Any]:
        old = asyncio.create_task(collect(engine, request(spec=spec)))
        await first(engine, request(spec=spec))
        new = await collect(engine, request(spec=spec, epoch=2))
        for call in (old, collect(engine, request(spec=spec)), engine.cancel("job", 1)):
            with pytest.raises(FencedError):
                await call
        return new

    assert run(take_over())[-1].type == "result"
    assert starts(store) == 1


def test_a_full_worker_says_when_to_come_back(run: Run, engines: Engines, store: LocalStore) -> None:
    """One job more than slots is refused, counts as no attempt, and is taken once a slot is free."""
    engine = engines()

    async def crowd() -> list[Any]:
        await first(engine, request("one", spec=SLOW))
        with pytest.raises(BusyError) as caught:
            await collect(engine, request("two", "b"))
        assert caught.value.retry_after > 0
        await engine.cancel("one", 1)
        while engine.busy:  # noqa: ASYNC110 - the slot is released behind the last event
            await asyncio.sleep(0.01)
        return await collect(engine, request("two", "b"))

    assert run(crowd())[-1].type == "result"
    assert starts(store, "b") == 1


def test_silence_is_filled_with_heartbeats(run: Run, engines: Engines) -> None:
    """A heartbeat comes at least as often as the settings say, and repeats the newest number."""
    engine = engines(heartbeat=0.1)

    async def listen() -> Any:
        return await first(engine, request(spec={"text": "x", "times": 1, "pause": 0.6}), "heartbeat")

    assert run(listen()).seq >= 1


def test_a_job_that_nobody_reads_ends_itself(run: Run, engines: Engines, store: LocalStore) -> None:
    """After the orphan time-out the slot is free, and the job can be started anew by whoever takes over."""
    engine = engines(orphan_timeout=0.3)

    async def abandon() -> list[Any]:
        await first(engine, request(spec=SLOW))
        until = time.monotonic() + 5
        while engine.busy and time.monotonic() < until:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)
        assert engine.busy == 0
        return await collect(engine, request(spec=SLOW, epoch=1, after_seq=2))

    events = run(abandon())
    assert "nobody read" in events[-1].problem.detail
    assert events[-1].problem.retryable is True
    assert leftovers(store) == []


def test_a_lost_child_can_be_tried_again(run: Run, engines: Engines, store: LocalStore, tmp_path: Path) -> None:
    """A retryable problem ends the attempt; the same job id starts a second one, which works."""
    engine = engines(tiny("crashes_once"))
    spec = {"text": "x", "marker": str(tmp_path / "marker")}
    one = run(collect(engine, request(spec=spec)))
    two = run(collect(engine, request(spec=spec)))
    assert (one[-1].problem.code, one[-1].problem.retryable) == ("process-lost", True)
    assert two[-1].type == "result"
    assert starts(store) == 2


def test_a_final_problem_is_not_tried_again(run: Run, engines: Engines, store: LocalStore) -> None:
    """A crash that would repeat is replayed to every owner, old or new."""
    engine = engines(tiny("liar"))
    for epoch in (1, 1, 2):
        assert run(collect(engine, request(epoch=epoch)))[-1].problem.code == "stage-crashed"
    assert starts(store) == 1
    assert leftovers(store) == []


def test_a_file_size_limit_is_said_in_words(run: Run, engines: Engines, store: LocalStore) -> None:
    """A stage that meets EFBIG fails with a limit that says so, and leaves nothing."""
    problem = run(collect(engines(tiny("too_large")), request()))[-1].problem
    assert problem.code == "limit-exceeded"
    assert "a file grew over the size that is allowed" in problem.detail
    assert leftovers(store) == []


@pytest.mark.parametrize("broken", ["publish", "mkdir", "record"])
def test_a_full_disk_anywhere_publishes_nothing(
    run: Run, engines: Engines, store: LocalStore, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """ENOSPC while the folder is made, the start is recorded or the manifest is written: a clear problem, and no manifest."""

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = {
        "publish": "mtf.storage.publication.os.link",
        "mkdir": "mtf.jobs.attempts.Attempt",
        "record": "mtf.jobs.execution.record_start",
    }
    monkeypatch.setattr(target[broken], full)
    problem = run(collect(engines(), request()))[-1].problem
    assert problem.detail.startswith("the disk is full")
    assert read_manifest(store, "processing", "a" * 64) is None
    assert leftovers(store) == []


def test_a_full_log_disk_costs_the_log_and_not_the_result(run: Run, engines: Engines, store: LocalStore) -> None:
    """The result says that its log is missing."""
    store.path("logs:jobs").parent.mkdir(parents=True)
    store.path("logs:jobs").write_text("a file where a folder should be")
    result = run(collect(engines(), request()))[-1].result
    assert any("the log could not be stored" in text for text in result.warnings)


def test_logs_are_there_before_the_result(run: Run, engines: Engines, store: LocalStore) -> None:
    """When a reader sees the result, the file has the stage's lines and the result line follows."""
    engine = engines()

    async def look() -> list[str]:
        async for event in engine.stream(request()):
            if event.type == "result":
                return [
                    json.loads(line)["type"]
                    for line in (await asyncio.to_thread(store.path("logs:jobs/job.ndjson").read_text)).splitlines()
                ]
        return []

    kinds = run(look())
    assert kinds[0] == "started"
    assert kinds.count("log") == 2


def test_a_child_gets_only_the_credentials_its_spec_names(run: Run, engines: Engines) -> None:
    """Least privilege: other secrets of the worker stay outside."""
    source = SourceContext(credentials={"lake": "1", "vault": "2"})
    spec = {"text": "x", "source": {"args": {"credential": "lake"}}}
    events = run(collect(engines(source=source), request(spec=spec)))
    assert "credentials: ['lake']" in [event.message for event in events if event.type == "log"]


def test_inputs_are_checked_by_digest(run: Run, engines: Engines, store: LocalStore) -> None:
    """An input that was changed, cut or removed stops the job before a child starts."""
    reference = store.put("data", "raw/x.bin", [b"0123456789"])
    path = store.path(reference.ref)
    engine = engines()
    assert run(collect(engine, request("fine", inputs={"data": reference})))[-1].type == "result"
    for key, damage in (("b", b"012345678X"), ("c", b"0123"), ("d", None)):
        path.unlink(missing_ok=True)
        if damage is not None:
            path.write_bytes(damage)
        problem = run(collect(engine, request(f"job-{key}", key, inputs={"data": reference})))[-1].problem
        assert problem.field == "inputs.data"
        assert starts(store, key) == 0


def test_one_id_means_one_computation(run: Run, engines: Engines) -> None:
    """The same owner cannot ask for something else under an id that is running."""
    engine = engines()

    async def confuse() -> None:
        await first(engine, request(spec=SLOW))
        with pytest.raises(ConflictError):
            await collect(engine, request(key="b"))

    run(confuse())


def test_the_wrong_room_refuses(run: Run, engines: Engines) -> None:
    """A job of another stage is an error of the platform that names both."""
    with pytest.raises(PlatformError, match="computes `processing`"):
        run(collect(engines(), request(stage="evaluation")))


def test_a_fingerprint_follows_content_alone(run: Run, engines: Engines, store: LocalStore) -> None:
    """Same content, same key, whatever the order of keys or the place of the input; anything that decides the result changes it."""
    engine = engines()
    one = store.put("data", "raw/one.bin", [b"x"])
    same = store.put("data", "raw/same.bin", [b"x"])
    other = store.put("data", "raw/other.bin", [b"y"])

    def key(spec: dict[str, Any], reference: Any, run_id: str = "r1", engine: JobEngine = engine) -> str:
        reply = run(engine.fingerprint(FingerprintRequest(spec=spec, inputs={"data": reference}, run_id=run_id)))
        return str(reply.fingerprint)

    base = key({"a": 1, "b": [1, 2]}, one)
    assert key({"b": [1, 2], "a": 1}, same, "r2") == base
    assert len({base, key({"a": 1, "b": [2, 1]}, one), key({"a": 1, "b": [1, 2]}, other)}) == 3
    unknown = engines(TinyStage(freshness=None))
    assert key({"a": 1}, one, "r1", unknown) != key({"a": 1}, one, "r2", unknown)


def test_a_key_tells_whether_a_result_is_there(run: Run, engines: Engines) -> None:
    """`published` follows publication; a source without freshness is not cacheable."""
    engine = engines()
    asked = FingerprintRequest(spec={"text": "x"}, run_id="r")
    before = run(engine.fingerprint(asked))
    run(collect(engine, JobRequest(job_id="j", epoch=1, stage="processing", fingerprint=before.fingerprint, spec={"text": "x"})))
    assert (before.published, run(engine.fingerprint(asked)).published) == (False, True)
    assert run(engines(TinyStage(freshness=None)).fingerprint(asked)).cacheable is False


def test_folders_of_dead_attempts_are_swept(store: LocalStore) -> None:
    """A folder without a holder goes once it is old; a held one, a young one and a published one stay."""
    dead = Attempt(store, "processing", "a" * 64, 1).folder
    young = Attempt(store, "processing", "b" * 64, 1).folder
    held = attempts.HeldAttempt(store, "processing", "c" * 64, 1)
    published = attempts.HeldAttempt(store, "processing", "d" * 64, 1)
    (published.folder / "x").write_text("x")
    manifest, _ = published.publish({"x": "x"}, spec={})
    published.close()
    for folder in (dead, held.folder, store.path(manifest.outputs["x"].ref).parent):
        os.utime(folder, (1, 1))
    assert attempts.sweep(store, "processing") == 1
    assert [path.exists() for path in (dead, young, held.folder, store.path(manifest.outputs["x"].ref))] == [False, True, True, True]
    held.close()


def test_closing_detaches_readers_and_ends_children(run: Run, engines: Engines, store: LocalStore) -> None:
    """A service that stops sends its readers away without a last event, so that they look for its successor."""
    engine = engines()

    async def stop() -> list[Any]:
        task = asyncio.create_task(collect(engine, request(spec=SLOW)))
        await first(engine, request(spec=SLOW))
        await engine.close()
        return await task

    events = run(stop())
    assert events[-1].type not in {"result", "problem"}
    assert leftovers(store) == []
    with pytest.raises(UnavailableError):
        run(collect(engine, request("late")))


def test_finished_jobs_are_forgotten_in_the_end(run: Run, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay is bounded in number and time."""
    monkeypatch.setattr("mtf.jobs.engine.KEEP_JOBS", 3)
    engine = engines()
    for number in range(6):
        run(collect(engine, request(f"job-{number}")))
    engine._forget()
    assert sorted(engine._jobs) == ["job-3", "job-4", "job-5"]


def test_readiness_names_the_area_that_cannot_be_written(run: Run, engines: Engines, store: LocalStore) -> None:
    """A broken mount is a 503 that says which."""
    engine = engines()
    run(engine.ready())
    shutil.rmtree(store.roots["data"])
    store.roots["data"].write_text("not a folder")
    with pytest.raises(UnavailableError, match="`data`"):
        run(engine.ready())
