"""What happens when the database goes away for a moment, and how a job is followed over broken connections."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, ProgrammingError

from mtf.contracts.job import AnyEvent, JobRequest, Started
from mtf.errors import BusyError, LimitError, ProblemError, UnavailableError
from mtf.storage.store import LocalStore
from mtf_gateway.db.engine import Database, connect
from mtf_gateway.runner.follow import Patience, follow
from mtf_gateway.runner.journal import Journal
from mtf_gateway.runner.metrics import Metrics
from tests.suites.scripted import ScriptedWorker


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty file."""
    database = connect(f"sqlite:///{tmp_path / 'mtf.db'}")
    yield database
    database.close()


def failing(times: int, message: str) -> Any:
    """Work that fails so often, then answers 7."""
    left = [times]

    def work(_: Connection) -> int:
        if left[0]:
            left[0] -= 1
            raise OperationalError("select", {}, sqlite3.OperationalError(message))
        return 7

    return work


def test_a_busy_database_is_asked_again(database: Database) -> None:
    """A lock passes; the caller never hears of it."""
    assert asyncio.run(database.write(failing(3, "database is locked"), patience=5)) == 7


def test_a_database_that_stays_away_is_told_after_the_patience(database: Database) -> None:
    """The error says that nothing was lost, and comes in time."""
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="database"):
        asyncio.run(database.read(failing(10**6, "database is locked"), patience=0.4))
    assert time.monotonic() - began < 2


def test_a_full_disk_and_a_wrong_statement_are_not_repeated(database: Database) -> None:
    """What will not pass by itself is told at once, and as what it is."""
    with pytest.raises(LimitError, match="disk"):
        asyncio.run(database.write(failing(10**6, "database or disk is full"), patience=60))
    with pytest.raises((ProgrammingError, OperationalError)):
        asyncio.run(database.read(lambda c: c.exec_driver_sql("SELECT nonsense FROM nowhere"), patience=60))


def request(**changes: Any) -> JobRequest:
    """A job of the acquisition."""
    return JobRequest(**{"job_id": "j", "epoch": 1, "stage": "acquisition", "fingerprint": "f" * 64, "spec": {}, **changes})


QUICK = Patience(reconnect=0.5, silence=0.3, first_pause=0.01, longest_pause=0.05)


def test_silence_is_a_broken_stream(tmp_path: Path) -> None:
    """A stream without any event is opened again; a worker that is always silent counts as gone."""

    class Silent(ScriptedWorker):
        opened = 0

        async def run(self, request: JobRequest, *, instance: str | None = None) -> AsyncIterator[AnyEvent]:
            Silent.opened += 1
            await asyncio.sleep(60)
            yield Started(seq=1, at=0.0, instance="i", job_id="j")

    worker = Silent("acquisition", LocalStore({"data": tmp_path}))
    with pytest.raises(UnavailableError, match="did not come back"):
        asyncio.run(follow(worker, request(), patience=QUICK))
    assert Silent.opened >= 2


def test_a_worker_that_comes_back_is_found_with_its_events(tmp_path: Path) -> None:
    """Two refused connections and a stream that breaks twice end in the job's own result."""

    async def scenario() -> list[int]:
        worker = ScriptedWorker("acquisition", LocalStore({"data": tmp_path}))
        worker.away, worker.break_after = 2, 1
        seen: list[int] = []

        async def on_event(event: AnyEvent) -> None:
            seen.append(event.seq)
            if event.seq == 2:
                worker.break_after = 2

        result = await follow(worker, request(), patience=QUICK, on_event=on_event)
        assert result.facts["rows"] == 10
        assert sum(worker.starts.values()) == 1
        return seen

    assert asyncio.run(scenario()) == [1, 2, 3]


def test_a_full_worker_is_asked_for_as_long_as_it_takes(tmp_path: Path) -> None:
    """Being full is not being gone: the patience for reconnecting does not run."""

    async def scenario() -> int:
        worker = ScriptedWorker("acquisition", LocalStore({"data": tmp_path}))
        worker.busy, waits = 8, []

        async def on_busy(error: BusyError) -> None:
            waits.append(error)

        await follow(worker, request(), patience=Patience(reconnect=0.1), on_busy=on_busy)
        return len(waits)

    assert asyncio.run(scenario()) == 8


def test_a_problem_of_the_job_is_raised_as_it_is(tmp_path: Path) -> None:
    """The document reaches the caller unchanged."""

    async def scenario() -> None:
        worker = ScriptedWorker("acquisition", LocalStore({"data": tmp_path}))
        worker.fail = [LimitError("too large", field="x")]
        await follow(worker, request(), patience=QUICK)

    with pytest.raises(ProblemError) as caught:
        asyncio.run(scenario())
    assert (caught.value.problem().cause, caught.value.problem().field) == ("limit", "x")


def test_progress_is_thinned_and_logs_are_kept() -> None:
    """A thousand progress events and three lines become one write with the newest progress and all lines."""
    from mtf.contracts.job import Log, Progress

    async def scenario() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        written: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []

        async def write(values: dict[str, Any], events: list[dict[str, Any]]) -> None:
            written.append((values, events))

        async with Journal("inference", write, at_once=True) as journal:
            await journal.on_event(Started(seq=1, at=0.0, instance="i", job_id="j"))
            for seq in range(2, 1002):
                await journal.on_event(Progress(seq=seq, at=0.0, done=seq, total=None, unit="rows"))
            for seq in range(1002, 1005):
                await journal.on_event(Log(seq=seq, at=0.0, message="line"))
            await journal.save()
            assert journal.take() == ({}, [])
        return written

    first, second = asyncio.run(scenario())
    assert first == ({"after_seq": 1, "instance": "i"}, [])
    assert second[0]["after_seq"] == 1004
    assert second[0]["progress"]["done"] == 1001
    assert [event["kind"] for event in second[1]] == ["log", "log", "log", "progress"]


def test_every_series_exists_before_anything_happens() -> None:
    """Counters begin at 0 for every label, gates beyond the cap are counted together, and a gauge may share a counter's stem."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    text = generate_latest(registry).decode()
    for line in (
        'mtf_pipeline_runs_total{pipeline="run",status="failed"} 0.0',
        'mtf_stage_retries_total{stage="inference"} 0.0',
        'mtf_stage_duration_seconds_count{stage="evaluation",status="cached"} 0.0',
        'mtf_gate_results_total{gate="_other",result="pass"} 0.0',
        'mtf_pipeline_runs{status="queued"} 0.0',
        "mtf_pipeline_oldest_queued_seconds 0.0",
    ):
        assert line in text.splitlines()
    for number in range(40):
        metrics.gated(f"metric-{number}", "pass")
    metrics.now({"queued": 3}, 12.0)
    metrics.finished("succeeded", 2.0)
    metrics.claimed(0.5)
    metrics.stage("inference", "succeeded", 1.0)
    metrics.retried("inference")
    text = generate_latest(registry).decode()
    assert 'mtf_gate_results_total{gate="_other",result="pass"} 10.0' in text
    assert 'mtf_pipeline_runs{status="queued"} 3.0' in text
    assert 'mtf_pipeline_runs_total{pipeline="run",status="succeeded"} 1.0' in text
