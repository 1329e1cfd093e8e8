"""Workers that follow a script, keep their jobs when a gateway dies, and count how often each job was started."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from mtf.contracts.job import (
    AnyEvent,
    Failed,
    FingerprintReply,
    FingerprintRequest,
    Heartbeat,
    JobRequest,
    JobResult,
    Log,
    Progress,
    Result,
    Started,
    Validated,
)
from mtf.contracts.problem import Problem
from mtf.contracts.reference import STAGES, Reference, StageName
from mtf.contracts.registry import PluginView
from mtf.errors import BusyError, FencedError, MtfError, UnavailableError
from mtf.storage.store import LocalStore

SPECS: dict[str, dict[str, Any]] = {
    "acquisition": {"source": {"name": "builtin", "args": {"name": "iris"}}, "types": {}, "expect": None},
    "processing": {"steps": [{"name": "split", "args": {"test": 0.3}}], "roles": {"target": "species"}, "seed": 0},
    "inference": {"loader": {"name": "skops", "args": {}}, "threshold": 0.5, "missing": "error"},
    "evaluation": {"metrics": ["accuracy"], "slices": [["island"]], "gates": [], "level": 0.95},
}
FACTS: dict[str, dict[str, Any]] = {
    "acquisition": {"digest": "d" * 64, "rows": 10, "columns": [], "provenance": {}},
    "processing": {"task": "binary", "labels": ["a", "b"], "features": ["x"], "rows": {"test": 3, "total": 10}, "steps": []},
    "inference": {"task": "binary", "labels": ["a", "b"], "sandbox": "process", "loader": "skops", "model": {}, "rows": {"test": 3}},
    "evaluation": {
        "verdict": "pass",
        "metrics": {"accuracy": {"value": 0.9, "lower": 0.8, "upper": 0.95, "method": "wilson", "n": 3}},
        "gates": [{"expression": "accuracy >= 0.5", "verdict": "pass", "observed": {}, "reason": ""}],
        "rows": {"total": 10, "scored": 3},
    },
}
OUTPUTS: dict[str, tuple[str, ...]] = {
    "acquisition": ("data",),
    "processing": ("test.features", "test.context", "recipe"),
    "inference": ("test.scored",),
    "evaluation": ("report", "html", "junit"),
}
REPORT = b'{\n "run": {\n  "id": "{{run_id}}",\n  "created_at": null\n }\n}'


@dataclass
class Job:
    """One job as the worker remembers it."""

    request: JobRequest
    epoch: int
    events: list[AnyEvent] = field(default_factory=list)
    done: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class ScriptedWorker:
    """A room that computes nothing. `hold` keeps jobs from ending; `fail` holds errors that the next starts end with."""

    def __init__(self, stage: StageName, store: LocalStore) -> None:
        self.stage, self.store = stage, store
        self.jobs: dict[str, Job] = {}
        self.starts: Counter[str] = Counter()
        self.attached: list[tuple[str, int, str | None]] = []
        self.cancelled: list[str] = []
        self.sections: list[dict[str, Any]] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.fail: list[MtfError | Problem] = []
        self.wrong: MtfError | None = None
        self.busy = 0
        self.away = 0
        self.break_after: int | None = None
        self.instance = f"{stage}-1"
        self.published: set[str] = set()
        self.facts: dict[str, Any] = FACTS[stage]
        self.versions: dict[str, str] = {}
        self.views = [PluginView(kind="step", name=f"of-{stage}", version=1, service=stage, summary="")]
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda _section: SPECS[stage]
        """The spec that a section is read as."""

    async def validate(self, section: dict[str, Any]) -> Validated:
        """The canned spec of the stage, or the error that the test wants."""
        self.sections.append(section)
        if self.wrong is not None:
            raise self.wrong
        return Validated(spec=self.answer(section), warnings=[f"{self.stage} warns"] if self.stage == "evaluation" else [])

    async def fingerprint(self, request: FingerprintRequest) -> FingerprintReply:
        """The true key of a job."""
        self._reach()
        said = [self.stage, request.spec, {name: one.sha256 for name, one in request.inputs.items()}, self.versions]
        key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return FingerprintReply(fingerprint=key, cacheable=True, published=key in self.published)

    async def run(self, request: JobRequest, *, instance: str | None = None) -> AsyncIterator[AnyEvent]:
        """Start or attach, and stream."""
        self._reach()
        if self.busy:
            self.busy -= 1
            raise BusyError("every slot is taken", retry_after=0.01)
        job = self.jobs.get(request.job_id)
        self.attached.append((request.job_id, request.after_seq, instance))
        if job is not None and request.epoch < job.epoch:
            raise FencedError("a newer owner")
        if job is None or (job.done and isinstance(job.events[-1], Failed) and request.epoch > job.epoch):
            job = self._start(request)
        job.epoch = request.epoch
        job.changed.set()
        seen = request.after_seq if request.after_seq <= len(job.events) else 0
        while not (job.done and seen == len(job.events)):
            if request.epoch < job.epoch:
                raise FencedError("a newer owner")
            if seen < len(job.events):
                seen += 1
                yield job.events[seen - 1]
                self._perhaps_break(seen)
                continue
            job.changed.clear()
            try:
                await asyncio.wait_for(job.changed.wait(), 0.05)
            except TimeoutError:
                yield Heartbeat(seq=seen, at=time.time())

    def _perhaps_break(self, seen: int) -> None:
        if self.break_after is not None and seen >= self.break_after:
            self.break_after = None
            raise UnavailableError("the stream broke")

    async def cancel(self, job_id: str, epoch: int, *, instance: str | None = None) -> None:
        """Remember the wish and end the job."""
        self.cancelled.append(job_id)
        job = self.jobs.get(job_id)
        if job is not None and not job.done:
            self._end(job, Problem(title="t", status=409, detail="cancelled", code="cancelled", cause="cancelled"))

    async def plugins(self) -> list[PluginView]:
        """One plug-in, or those of the test."""
        self._reach()
        return self.views

    async def ready(self) -> None:
        """Always."""

    def die(self) -> None:
        """Lose every job, as a killed process would; the next connection fails once."""
        for job in self.jobs.values():
            if not job.done:
                job.epoch = 10**6
                job.changed.set()
        self.jobs.clear()
        self.away += 1

    def _reach(self) -> None:
        if self.away:
            self.away -= 1
            raise UnavailableError(f"the {self.stage} worker does not answer")

    def _start(self, request: JobRequest) -> Job:
        self.starts[request.fingerprint] += 1
        job = self.jobs[request.job_id] = Job(request, request.epoch)
        self._say(job, Started(seq=0, at=time.time(), instance=self.instance, job_id=request.job_id))
        self._say(job, Progress(seq=0, at=time.time(), done=1, total=2, unit="rows", message="half"))
        self._say(job, Log(seq=0, at=time.time(), message=f"{self.stage} speaks"))
        task = asyncio.get_running_loop().create_task(self._compute(job))
        job.changed.set()
        job.__dict__["task"] = task
        return job

    async def _compute(self, job: Job) -> None:
        await self.hold.wait()
        if job.done:
            return
        if self.fail:
            wrong = self.fail.pop(0)
            self._end(job, wrong if isinstance(wrong, Problem) else wrong.problem())
            return
        cached = job.request.fingerprint in self.published
        self.published.add(job.request.fingerprint)
        outputs = {name: self._output(job.request.fingerprint, name) for name in OUTPUTS[self.stage]}
        manifest = self._output(job.request.fingerprint, "manifest")
        result = JobResult(outputs=outputs, facts=self.facts, manifest=manifest, cached=cached, seconds=0.1, versions=self.versions)
        self._say(job, Result(seq=0, at=time.time(), result=result))
        job.done = True
        job.changed.set()

    def _end(self, job: Job, problem: Problem) -> None:
        self._say(job, Failed(seq=0, at=time.time(), problem=problem))
        job.done = True
        job.changed.set()

    def _say(self, job: Job, event: AnyEvent) -> None:
        job.events.append(event.model_copy(update={"seq": len(job.events) + 1}))
        job.changed.set()

    def _output(self, fingerprint: str, name: str) -> Reference:
        area = "data" if self.stage in {"acquisition", "processing"} else "artifacts"
        data = REPORT if name in {"report", "html", "junit"} else f"{self.stage} {name}".encode()
        return self.store.put(area, f"{self.stage}/{fingerprint}/{name}", [data])


def fleet(store: LocalStore) -> dict[str, ScriptedWorker]:
    """One scripted worker per stage."""
    return {stage: ScriptedWorker(stage, store) for stage in STAGES}
