"""One event loop and one zygote per test module, and engines over a temporary store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mtf.contracts.job import JobRequest, Validated
from mtf.jobs.engine import JobEngine
from mtf.plugins import SourceContext
from mtf.settings import WorkerSettings
from mtf.storage.store import LocalStore
from mtf.zygote import Zygote

HERE = str(Path(__file__).parent)
Run = Callable[[Coroutine[Any, Any, Any]], Any]


class TinyStage:
    """A stage whose entry and freshness a test chooses."""

    name: ClassVar[str] = "processing"
    entry: ClassVar[str] = "stages:copy"

    def __init__(self, freshness: str | None = "content") -> None:
        self._freshness = freshness

    def validate(self, section: dict[str, Any]) -> Validated:
        """Everything is right."""
        return Validated(spec=section)

    def freshness(self, spec: dict[str, Any], context: SourceContext) -> str | None:
        """As the test said."""
        return self._freshness

    def versions(self, spec: dict[str, Any]) -> dict[str, str]:
        """One plug-in."""
        return {"step:copy": "1"}


def tiny(entry: str, freshness: str | None = "content") -> TinyStage:
    """A stage with another entry."""

    class Other(TinyStage):
        pass

    Other.entry = f"stages:{entry}"
    return Other(freshness)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs a coroutine in the module's loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="module")
def zygote(run: Run) -> Iterator[Zygote]:
    """A zygote that knows the test stages."""
    one = Zygote(("stages",), path=(HERE,))
    run(one.start())
    yield one
    run(one.close())


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Four areas in a temporary folder."""
    return LocalStore({area: tmp_path / area for area in ("data", "artifacts", "models", "logs")})


@pytest.fixture
def engines(run: Run, zygote: Zygote, store: LocalStore) -> Iterator[Callable[..., JobEngine]]:
    """Makes engines, and closes them."""
    made: list[JobEngine] = []

    def make(stage: TinyStage | None = None, *, source: SourceContext | None = None, instance: str = "here", **settings: Any) -> JobEngine:
        engine = JobEngine(
            stage=stage or TinyStage(), store=store, settings=WorkerSettings(**settings), zygote=zygote, source=source, instance=instance
        )
        made.append(engine)
        return engine

    yield make
    for engine in made:
        run(engine.close())


def request(job_id: str = "job", key: str = "a", **fields: Any) -> JobRequest:
    """A request with what every request needs."""
    spec = fields.pop("spec", {"text": "hello"})
    return JobRequest(**{"job_id": job_id, "epoch": 1, "stage": "processing", "fingerprint": key * 64, "spec": spec, **fields})


async def collect(engine: JobEngine, wanted: JobRequest) -> list[Any]:
    """All events of a job but heartbeats."""
    return [event async for event in engine.stream(wanted) if event.type != "heartbeat"]
