"""A core that remembers runs in a dictionary and knows nothing of workers, for tests of the routes alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from mtf import spec as run_files
from mtf.contracts.job import JobResult
from mtf.contracts.reference import Reference
from mtf.contracts.registry import ComparedRun, ComparisonView, Page, PluginView, RunEvent, RunView
from mtf.errors import ConflictError, NotFoundError, UnavailableError
from mtf.storage.store import LocalStore
from mtf_gateway.comparison import ask

AT = "2026-01-01T00:00:00.000Z"
DIGEST = "a" * 64
SPEC: dict[str, Any] = {
    "name": "first",
    "dataset": {"source": {"type": "builtin", "name": "iris"}, "target": "target"},
    "model": {"source": {"type": "predictions", "digest": DIGEST}},
}


class FakeRuns:
    """The verbs of a run, without any work behind them."""

    def __init__(self, store: LocalStore) -> None:
        self.store = store
        self.runs: dict[str, RunView] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.documents: dict[str, bytes] = {"json": b'{"schema_version":"1.0"}', "html": b"<!doctype html>", "junit": b"<testsuites/>"}
        self.documents |= {"md": b"# demo\n", "csv": b"run,metric\n"}
        self.files: dict[str, Reference] = {}
        self.history: list[RunEvent] = []
        self.pause = 0.0
        self.down: list[str] = []
        self.loads = 0
        self.submitted: list[dict[str, Any]] = []

    async def submit(self, spec: dict[str, Any], *, base: Path | None, principal: str, idempotency_key: str | None = None) -> RunView:
        """Store a run as queued."""
        assert base is None
        checked = run_files.validate(spec)
        if self.down:
            raise UnavailableError(f"the worker `{self.down[0]}` does not answer", found=self.down[0])
        key = (principal, idempotency_key or "")
        if idempotency_key and key in self.keys:
            return self.runs[self.keys[key]]
        self.submitted.append(spec)
        run_id = f"run{len(self.runs) + 1}"
        self.keys[key] = run_id
        view = RunView(
            id=run_id, name=checked.name, status="queued", created_by=principal, created_at=AT, spec=spec, dataset="iris", model="m"
        )
        self.runs[run_id] = view
        return view

    async def validate(self, spec: dict[str, Any], *, base: Path | None) -> list[str]:
        """Check the form."""
        run_files.validate(spec)
        return ["a warning"]

    async def tag(self, run_id: str) -> str | None:
        """The version of a run."""
        return None if run_id not in self.runs else str(self.runs[run_id].version)

    async def health(self) -> dict[str, str]:
        """Up, unless something is down."""
        if self.down:
            raise UnavailableError(f"not ready: {self.down[0]}: no answer", found=self.down[0])
        return {"database": "up"}

    def change(self, run_id: str, **values: Any) -> RunView:
        """Change a run as its owner would."""
        run = self._run(run_id)
        self.runs[run_id] = run.model_copy(update={**values, "version": run.version + 1})
        return self.runs[run_id]

    def _run(self, run_id: str) -> RunView:
        if run_id not in self.runs:
            raise NotFoundError(f"there is no run `{run_id}`", field="run_id", found=run_id)
        return self.runs[run_id]

    async def get(self, run_id: str) -> RunView:
        """One run."""
        self.loads += 1
        return self._run(run_id)

    async def list_runs(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        name: str | None = None,
        status: str | None = None,
        tags: list[str] | None = None,
    ) -> Page[RunView]:
        """Runs of a name and a state, newest first."""
        found = [run for run in reversed(self.runs.values()) if name in {None, run.name} and status in {None, run.status}]
        start = int(cursor or 0)
        return Page(items=found[start : start + limit], cursor=str(start + limit) if len(found) > start + limit else None)

    async def events(self, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """The prepared history."""
        for event in self.history:
            if event.seq > after:
                yield event
        await asyncio.sleep(self.pause)

    async def cancel(self, run_id: str) -> RunView:
        """Cancel, once."""
        if self._run(run_id).status == "cancelled":
            raise ConflictError("the run is over", field="status", found="cancelled")
        return self.change(run_id, status="cancelled")

    async def resume(self, run_id: str) -> RunView:
        """Queue again."""
        return self.change(run_id, status="queued")

    async def rerun(self, run_id: str, *, principal: str) -> RunView:
        """The same again."""
        return await self.submit(self._run(run_id).spec, base=None, principal=principal)

    async def delete(self, run_id: str) -> None:
        """Forget."""
        self._run(run_id)
        del self.runs[run_id]

    async def report(self, run_id: str, kind: str, revision: int | None = None) -> bytes:
        """A prepared document, of the only evaluation there is."""
        if revision not in {None, 1}:
            raise NotFoundError(f"no evaluation {revision}", field="revision", found=str(revision))
        self.loads += 1
        if self._run(run_id).status != "succeeded":
            raise ConflictError("the run has no report yet", field="status", found=self._run(run_id).status, fix="wait for its end")
        return self.documents[kind]

    async def artifacts(self, run_id: str) -> dict[str, Reference]:
        """The prepared files."""
        self._run(run_id)
        return self.files

    async def logs(self, run_id: str) -> list[RunEvent]:
        """A line."""
        self._run(run_id)
        data = {"level": "info", "message": "read 150 rows"}
        return [RunEvent(seq=1, at=AT, kind="log", stage="acquisition", data=data)]

    async def compare(
        self, run_ids: Sequence[str], *, baseline: str | None = None, metrics: Sequence[str] | None = None, paired: bool = True
    ) -> ComparisonView:
        """Equal runs."""
        asked = ask(run_ids, baseline=baseline, metrics=metrics, paired=paired)
        runs = [ComparedRun(label=self._run(run_id).name, id=self._run(run_id).id) for run_id in asked.ids]
        other = asked.against if asked.against is not None else 1 if len(runs) == 2 else None
        named = "" if other is None else runs[other].id
        return ComparisonView(run=runs[0].id, baseline=named, rows=150, comparisons=[], runs=runs, paired=paired, family=str(asked.metrics))

    async def plugins(self) -> tuple[list[PluginView], list[str]]:
        """One source."""
        arguments = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
        view = PluginView(kind="source", name="builtin", version=1, service="acquisition", summary="Bundled sets.", arguments=arguments)
        return [view], self.down


async def acquire(_section: dict[str, Any]) -> JobResult:
    """An acquisition that always reads the same."""
    reference = Reference(ref="data:raw/f/1/data.parquet", sha256=DIGEST, size=10)
    return JobResult(outputs={"data": reference}, facts={"digest": "d1", "rows": 3}, manifest=reference, cached=False, seconds=0.1)
