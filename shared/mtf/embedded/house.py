"""The embedded form with the same methods as `mtf.client.Client`, so that the command need not know which one it talks to."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from mtf.contracts.reference import STAGES, StageName
from mtf.contracts.registry import ComparisonView, DatasetVersionView, ModelVersionView, Page, PluginView, RunEvent, RunView
from mtf.errors import NotFoundError, UsageError
from mtf.plugins import resolve
from mtf.zygote.launch import FORKS, launch

if TYPE_CHECKING:
    from mtf.contracts.board import History, Leaderboard
    from mtf.contracts.looks import Looks
    from mtf.contracts.reevaluation import ReevaluationItem, ReevaluationView, RevisionView

T = TypeVar("T")
PRINCIPAL = "local"


class Embedded:
    """The house over one folder, `.mtf/`. Use it as a context manager, from any thread; calls wait for their answer.

    Args:
        home: The folder; made when it is missing.
        stages: The stages that may be needed; all when None. Without any, runs can be read but not made.
    """

    def __init__(self, home: Path, *, stages: tuple[StageName, ...] | tuple[str, ...] | None = None) -> None:
        self.home = home.absolute()
        self._stages: tuple[StageName, ...] = tuple(stage for stage in STAGES if stages is None or stage in stages)

    def __enter__(self) -> Self:
        """Open the folder and begin to warm up. Raises UsageError for a folder that cannot be made."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fix = "name a folder that can be written to: MTF_HOME=FOLDER"
            raise UsageError(
                f"results cannot be kept in {self.home}: {error.strerror}", field="MTF_HOME", found=str(self.home), fix=fix
            ) from None
        # The zygote imports the heavy libraries while this process imports its own.
        early = launch() if self._stages and FORKS else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mtf-embedded", daemon=True)
        self._thread.start()
        self._call(self._open(early))
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs and close the folder."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self, early: Any) -> None:
        from mtf.embedded.workers import hire

        self._crew = hire(self.home, self._stages, early=early)
        if self._crew.engines:
            await self._crew.engines[0].start()
        self._gateway = resolve("mtf_gateway.embedded:open_embedded")(self.home, self._crew.workers)
        self._desk_made: Any = None
        await self._gateway.start()

    async def _close(self) -> None:
        await self._gateway.close()
        await self._crew.close()

    @property
    def _desk(self) -> Any:
        if self._desk_made is None:
            self._desk_made = resolve("mtf_gateway.desk:Desk")(self._gateway, self._crew.workers)
        return self._desk_made

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the house's own loop and wait; an interrupt reaches the caller, not the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # Runs

    def submit(self, spec: Mapping[str, Any], *, base: Path | None = None, idempotency_key: str | None = None) -> RunView:
        """Check a run file and queue it. `base` is the folder of its relative paths. Raises SpecError with every wrong field."""
        where = base or Path.cwd()
        view: RunView = self._call(self._gateway.submit(spec, base=where, principal=PRINCIPAL, idempotency_key=idempotency_key))
        return view

    def validate(self, spec: Mapping[str, Any], *, base: Path | None = None) -> list[str]:
        """Check a run file without storing anything; its warnings."""
        warnings: list[str] = self._call(self._gateway.validate(spec, base=base or Path.cwd()))
        return warnings

    def get(self, run_id: str) -> RunView:
        """One run."""
        view: RunView = self._call(self._gateway.get(run_id))
        return view

    def list_runs(self, *, cursor: str | None = None, limit: int = 50, name: str | None = None, status: str | None = None) -> Page[RunView]:
        """Runs, newest first."""
        page: Page[RunView] = self._call(self._gateway.list_runs(cursor=cursor, limit=limit, name=name, status=status))
        return page

    def events(self, run_id: str, *, after: int = 0) -> Iterator[RunEvent]:
        """What happened behind `after`, then what happens, until the run is final."""
        events: AsyncIterator[RunEvent] = self._gateway.events(run_id, after)
        while (event := self._call(_next(events))) is not None:
            yield event

    def cancel(self, run_id: str) -> RunView:
        """Stop a run."""
        view: RunView = self._call(self._gateway.cancel(run_id))
        return view

    def resume(self, run_id: str) -> RunView:
        """Take an interrupted run up again."""
        view: RunView = self._call(self._gateway.resume(run_id))
        return view

    def rerun(self, run_id: str) -> RunView:
        """The same run file once more."""
        view: RunView = self._call(self._gateway.rerun(run_id, principal=PRINCIPAL))
        return view

    def delete(self, run_id: str) -> None:
        """Forget a run that is over, its report files with it."""
        self._call(self._gateway.delete(run_id))
        shutil.rmtree(self.home / "runs" / run_id, ignore_errors=True)

    def report(self, run_id: str, kind: str = "json", revision: int | None = None) -> bytes:
        """The report as `json`, `html`, `md`, `csv` or `junit`; the newest evaluation's, or the one with a number."""
        data: bytes = self._call(self._gateway.report(run_id, kind, revision))
        return data

    def report_place(self, run_id: str, revision: int | None = None) -> str:
        """Where the HTML report lies, or would; relative where that is shorter. That of a later evaluation is written where it is missing."""
        number = revision
        if number is None:
            with suppress(NotFoundError):
                number = self.get(run_id).revision
        folder = self.home / "runs" / run_id
        if number is not None and number > 1:
            gateway = self._gateway
            work = resolve("mtf_gateway.embedded:deliver_revision")(gateway.database, gateway.store, self.home, run_id, number)
            folder = self._call(work)
        path = folder / "report.html"
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

    def logs(self, run_id: str) -> bytes:
        """What the stages said, a line each."""
        events: list[RunEvent] = self._call(self._gateway.logs(run_id))
        lines = (
            f"{event.at} {event.stage or '-'} {event.data.get('level', event.kind)} {event.data.get('message', event.data.get('detail', ''))}\n"
            for event in events
        )
        return "".join(lines).encode()

    def compare(
        self, *run_ids: str, baseline: str | None = None, metrics: Sequence[str] | None = None, paired: bool = True
    ) -> ComparisonView:
        """Differences of every two runs, or of each from the baseline."""
        view: ComparisonView = self._call(self._gateway.compare(run_ids, baseline=baseline, metrics=metrics, paired=paired))
        return view

    # Over many runs

    def leaderboard(self, *, dataset: str, metric: str, limit: int = 50, rows_key: str | None = None) -> Leaderboard:
        """The models of a dataset on the same test rows, best first; models that cannot be told apart share a rank."""
        from mtf.contracts.board import Leaderboard

        return Leaderboard.model_validate_json(self._call(self._desk.board.rank(dataset, metric, limit=limit, rows_key=rows_key)))

    def history(self, *, metric: str, **asked: Any) -> History:
        """Runs in the order of time, each with its change from the one before. `asked`: model, dataset, name, limit, cursor."""
        question = resolve("mtf_gateway.memory.past:Question")(metric=metric, **asked)
        found: History = self._call(self._desk.past.of(question))
        return found

    def looks(self, dataset: str) -> list[Looks]:
        """How often each set of test rows of a dataset was looked at."""
        found: list[Looks] = self._call(self._desk.looks.of_dataset(dataset))
        return found

    def reevaluate(self, spec: Mapping[str, Any], *, idempotency_key: str | None = None) -> ReevaluationView:
        """Measure finished runs again: keys of `ReevaluationSpec`."""
        view: ReevaluationView = self._again("submit", spec, principal=PRINCIPAL, idempotency_key=idempotency_key)
        return view

    def reevaluation(self, key: str) -> ReevaluationView:
        """A re-evaluation, and how far it is."""
        view: ReevaluationView = self._again("get", key)
        return view

    def list_reevaluations(self, *, cursor: str | None = None, limit: int = 50) -> Page[ReevaluationView]:
        """Re-evaluations, newest first."""
        page: Page[ReevaluationView] = self._again("list_newest", cursor=cursor, limit=limit)
        return page

    def reevaluation_runs(
        self, key: str, *, cursor: str | None = None, limit: int = 50, status: str | None = None
    ) -> Page[ReevaluationItem]:
        """The runs of a re-evaluation, each with what changed."""
        page: Page[ReevaluationItem] = self._again("items", key, cursor=cursor, limit=limit, status=status)
        return page

    def cancel_reevaluation(self, key: str) -> ReevaluationView:
        """Stop a re-evaluation; runs that were measured stay measured."""
        view: ReevaluationView = self._again("cancel", key)
        return view

    def resume_reevaluation(self, key: str) -> ReevaluationView:
        """Take up one that stopped, or the failed runs of one that ended."""
        view: ReevaluationView = self._again("resume", key)
        return view

    def revisions(self, run_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[RevisionView]:
        """Every evaluation of a run, newest first."""
        page: Page[RevisionView] = self._again("revisions", run_id, cursor=cursor, limit=limit)
        return page

    def _again(self, verb: str, *given: Any, **named: Any) -> Any:
        """Ask the re-evaluations, on the house's own loop: their driver starts there with the first question."""

        async def work() -> Any:
            return await getattr(self._gateway.reevaluations, verb)(*given, **named)

        return self._call(work())

    # Registries

    def list_datasets(self, *, cursor: str | None = None, limit: int = 50) -> Page[DatasetVersionView]:
        """The newest version of every dataset."""
        page: Page[DatasetVersionView] = self._call(self._desk.datasets.list_newest(cursor=cursor, limit=limit))
        return page

    def get_dataset(self, name: str, version: int | None = None) -> DatasetVersionView:
        """One version, the newest by default."""
        view: DatasetVersionView = self._call(self._desk.datasets.find(name, version))
        return view

    def add_dataset(
        self, name: str, source: Mapping[str, Any], *, base: Path | None = None, roles: Mapping[str, Any] | None = None, **more: Any
    ) -> DatasetVersionView:
        """Make a version from a source."""
        view: DatasetVersionView = self._call(self._desk.add_dataset(name, dict(source), base or Path.cwd(), dict(roles or {}), **more))
        return view

    def delete_dataset(self, name: str, version: int) -> None:
        """Forget a version that no run uses."""
        self._call(self._desk.datasets.delete(name, version))

    def list_models(self, *, cursor: str | None = None, limit: int = 50) -> Page[ModelVersionView]:
        """The newest version of every model."""
        page: Page[ModelVersionView] = self._call(self._desk.models.list_newest(cursor=cursor, limit=limit))
        return page

    def model_versions(self, name: str, *, cursor: str | None = None, limit: int = 50) -> Page[ModelVersionView]:
        """Versions of a model, newest first."""
        page: Page[ModelVersionView] = self._call(self._desk.models.list_versions(name, cursor=cursor, limit=limit))
        return page

    def add_model(self, name: str, source: Mapping[str, Any], *, base: Path | None = None, **settings: Any) -> ModelVersionView:
        """Register a file or an endpoint."""
        view: ModelVersionView = self._call(self._desk.add_model(name, dict(source), base or Path.cwd(), settings))
        return view

    def set_alias(self, name: str, alias: str, version: int, *, expected: int | None = None) -> ModelVersionView:
        """Point an alias at a version."""
        work = self._desk.models.point(name, alias, version, expected=expected, anywhere=expected is None, by=PRINCIPAL)
        view: ModelVersionView = self._call(work)
        return view

    def plugins(self) -> list[PluginView]:
        """Every plug-in that the services found."""
        found: list[PluginView] = self._call(self._gateway.plugins())[0]
        return found

    # Recipes

    def fit_recipe(
        self, spec: Mapping[str, Any], *, base: Path, train: Path | None, test: Path | None, recipe: Path | None
    ) -> dict[str, str]:
        """Fit the recipe of a run file and write the rows it makes; what was written, by path."""
        fit = resolve("mtf_gateway.recipes:fit")
        written: dict[str, str] = self._call(
            fit(self._gateway, self._crew.workers, spec, base, train=train, test=test, recipe=recipe and recipe.absolute())
        )
        return written

    def apply_recipe(self, recipe: Path, data: Path, *, out: Path) -> dict[str, str]:
        """Apply a fitted recipe to new rows; what was written, by path."""
        work = resolve("mtf_gateway.recipes:apply")(self._gateway, self._crew.workers, recipe, data, out=out)
        written: dict[str, str] = self._call(work)
        return written


async def _next(events: AsyncIterator[RunEvent]) -> RunEvent | None:
    return await anext(events, None)
