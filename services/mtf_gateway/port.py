"""What the routes ask of the gateway's core: the verbs of a run, without any web."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from mtf.contracts.reference import Reference
from mtf.contracts.registry import ComparisonView, Page, PluginView, RunEvent, RunView


class RunsPort(Protocol):
    """Runs, as the API offers them. Methods raise errors of `mtf.errors`."""

    async def submit(self, spec: dict[str, Any], *, base: Path | None, principal: str, idempotency_key: str | None = None) -> RunView:
        """Check a run file and store the run as queued."""
        ...

    async def validate(self, spec: dict[str, Any], *, base: Path | None) -> list[str]:
        """Check a run file and return its warnings. Raises SpecError with every wrong field."""
        ...

    async def get(self, run_id: str) -> RunView:
        """One run."""
        ...

    async def list_runs(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        name: str | None = None,
        status: str | None = None,
        tags: list[str] | None = None,
    ) -> Page[RunView]:
        """Runs, newest first."""
        ...

    def events(self, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """The history behind `after`, then what happens, until the run is final."""
        ...

    async def cancel(self, run_id: str) -> RunView:
        """Ask a run to stop."""
        ...

    async def resume(self, run_id: str) -> RunView:
        """Take an interrupted or failed run up again."""
        ...

    async def rerun(self, run_id: str, *, principal: str) -> RunView:
        """The same run file once more, as a new run."""
        ...

    async def delete(self, run_id: str) -> None:
        """Forget a run that is over."""
        ...

    async def report(self, run_id: str, kind: str, revision: int | None = None) -> bytes:
        """The report as `json`, `html`, `md`, `csv` or `junit`: of the newest evaluation, or of the one with this number."""
        ...

    async def artifacts(self, run_id: str) -> dict[str, Reference]:
        """Files of a run by name, `stage/output`."""
        ...

    async def logs(self, run_id: str) -> list[RunEvent]:
        """Log lines and problems, oldest first."""
        ...

    async def compare(
        self, run_ids: Sequence[str], *, baseline: str | None = None, metrics: Sequence[str] | None = None, paired: bool = True
    ) -> ComparisonView:
        """Differences of every two of the runs, or of each from the baseline."""
        ...

    async def plugins(self) -> tuple[list[PluginView], list[str]]:
        """Plug-ins of every worker that answers, and the names of those that do not."""
        ...
