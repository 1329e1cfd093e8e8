"""One job outside of a run: keyed, started, followed to its end, cancelled when nobody waits any more."""

import asyncio
from pathlib import Path

import pytest

from mtf.contracts.job import Limits
from mtf.errors import DataError, MtfError, UnavailableError
from mtf.storage.store import LocalStore
from mtf_gateway.onejob import one_job
from tests.suites.scripted import FACTS, SPECS, ScriptedWorker


@pytest.fixture
def worker(tmp_path: Path) -> ScriptedWorker:
    return ScriptedWorker("acquisition", LocalStore({area: tmp_path / area for area in ("data", "artifacts", "models", "logs")}))


def test_the_result_is_the_workers(worker: ScriptedWorker) -> None:
    """Outputs and facts come back; the job's epoch is 1 and its key the worker's own."""
    result = asyncio.run(one_job(worker, "acquisition", SPECS["acquisition"], limits=Limits(timeout=7)))
    assert result.facts == FACTS["acquisition"]
    (job,) = worker.jobs.values()
    assert (job.request.epoch, job.request.limits.timeout, job.request.cacheable) == (1, 7, True)
    assert worker.starts == {job.request.fingerprint: 1}


def test_a_lost_worker_is_called_again(worker: ScriptedWorker) -> None:
    """A stream that breaks and a worker that is away for a moment cost no second start."""
    worker.away, worker.break_after = 1, 2
    asyncio.run(one_job(worker, "acquisition", {}, limits=Limits()))
    assert set(worker.starts.values()) == {1}


def test_patience_ends(worker: ScriptedWorker) -> None:
    """A worker that stays away is named."""
    worker.away = 99
    with pytest.raises(UnavailableError, match="acquisition"):
        asyncio.run(one_job(worker, "acquisition", {}, limits=Limits(), patience=0.1))


def test_a_failure_keeps_its_cause(worker: ScriptedWorker) -> None:
    """What the job failed of reaches the caller with its exit code."""
    worker.fail = [DataError("ragged", field="source.path")]
    with pytest.raises(MtfError, match="ragged") as caught:
        asyncio.run(one_job(worker, "acquisition", {}, limits=Limits()))
    assert (caught.value.exit_code, caught.value.field) == (2, "source.path")


def test_a_caller_that_goes_away_cancels(worker: ScriptedWorker) -> None:
    """Nobody waits, so that the job is stopped."""

    async def scene() -> None:
        worker.hold.clear()
        task = asyncio.create_task(one_job(worker, "acquisition", {}, limits=Limits()))
        while not worker.jobs:  # noqa: ASYNC110 - the scripted worker rings no bell
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert worker.cancelled == list(worker.jobs)

    asyncio.run(scene())
