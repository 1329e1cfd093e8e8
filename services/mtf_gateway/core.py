"""The gateway without any web: what the routes, the command and the embedded form all call."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping

from mtf import spec as run_files
from mtf.cache import Cache
from mtf.contracts.reference import Reference
from mtf.contracts.registry import ComparisonView, Page, PluginView, RunEvent, RunView
from mtf.contracts.run import RunSpec
from mtf.errors import ConflictError, NotFoundError, SpecError, UnavailableError
from mtf.jobs.worker import Worker
from mtf.storage.store import LocalStore
from mtf_gateway import results
from mtf_gateway.comparison import ask, compare
from mtf_gateway.db import revisions, runs
from mtf_gateway.db.engine import Database
from mtf_gateway.events import channel, follow_events, no_such_run
from mtf_gateway.ids import new_id
from mtf_gateway.lookup import Lookup
from mtf_gateway.owner import is_dead, this_process
from mtf_gateway.plan import Plan
from mtf_gateway.planner import Planner
from mtf_gateway.registry.names import from_cursor, to_cursor
from mtf_gateway.runner.context import Context, Deliver, DeliverAgain
from mtf_gateway.runner.loop import Runner
from mtf_gateway.runner.observer import Observer, Silence
from mtf_gateway.settings import GatewaySettings
from mtf_gateway.views import event_view, outputs_of, run_view

if TYPE_CHECKING:
    from mtf_gateway.memory.evaluator import Evaluator
    from mtf_gateway.reevaluation.desk import Reevaluations

QUEUE, CANCELS = "queue", "cancels"
"""Bells: a run waits; somebody asked for a cancel."""
LOG_LINES = 5000


class Gateway:
    """Submits runs, drives them, and tells about them.

    Args:
        database: Where runs are kept.
        store: The areas; inputs are imported into it, reports are read from it.
        workers: The rooms by name; `inference-remote` is optional.
        settings: Times, slots and limits.
        cache: Its bells wake readers and runners, here and in other gateways.
        embedded: Drive only runs that this process submitted or resumed; a run whose owner is gone shows as `interrupted`.
        owns_database: Close the database with the gateway.
        observer: Told what happens to runs.
        deliver: Called with a run's evaluation before the run counts as succeeded.
        deliver_again: Called with a run and the number of an evaluation that was added to it.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: LocalStore,
        workers: Mapping[str, Worker],
        settings: GatewaySettings,
        cache: Cache,
        embedded: bool = False,
        owns_database: bool = False,
        observer: Observer | None = None,
        deliver: Deliver | None = None,
        deliver_again: DeliverAgain | None = None,
    ) -> None:
        self.database, self.store, self.workers, self.settings, self.cache = database, store, workers, settings, cache
        self.lookup = Lookup(database)
        self._planner = Planner(workers, store, self.lookup)
        self._embedded, self._owns_database = embedded, owns_database
        self.context = Context(
            database=database,
            workers=workers,
            lookup=self.lookup,
            settings=settings,
            wake=lambda run_id: self._ring(channel(run_id)),
            owner=this_process(),
            embedded=embedded,
            observer=observer or Silence(),
            deliver=deliver,
            deliver_again=deliver_again,
        )
        self.runner = Runner(self.context, only_own=embedded)
        self._started = False
        self._listeners: list[asyncio.Task[None]] = []
        self._rings: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to drive runs, unless the settings say that another process does."""
        self._started = True
        if self.settings.runner:
            self.runner.start()
            if not self._embedded:
                self.reevaluations.driver.start()
            self._listeners = [asyncio.create_task(self._listen(name)) for name in (QUEUE, CANCELS)]

    async def close(self) -> None:
        """Give the runs that are driven here back, and stop."""
        for task in self._listeners:
            task.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)
        await self.runner.close()
        if "reevaluations" in self.__dict__:
            await self.reevaluations.driver.close()
        await asyncio.gather(*self._rings, return_exceptions=True)
        if self._owns_database:
            await asyncio.to_thread(self.database.close)

    # The next two are made on first use: most embedded commands need neither, and would pay for them.

    @cached_property
    def evaluator(self) -> Evaluator:
        """The evaluation worker, as rules over many runs see it."""
        from mtf_gateway.memory.evaluator import Evaluator

        return Evaluator(self.context, self.store)

    @cached_property
    def reevaluations(self) -> Reevaluations:
        """Runs that are measured again. Embedded, its driver starts when it is first asked for."""
        from mtf_gateway.reevaluation.desk import Reevaluations

        made = Reevaluations(self.context, self.evaluator, lambda: self._ring(QUEUE))
        if self._embedded and self._started and self.settings.runner:
            made.driver.start()
        return made

    async def validate(self, spec: Mapping[str, Any], *, base: Path | None) -> list[str]:
        """Check a run file without storing anything, and return its warnings. Raises SpecError with every wrong field."""
        return (await self._plan(spec, base))[1].warnings

    async def submit(self, spec: Mapping[str, Any], *, base: Path | None, principal: str, idempotency_key: str | None = None) -> RunView:
        """Check a run file and queue it. `base` is the folder of its relative paths; None where it came by REST.

        The same key of the same principal gives the same run. Raises SpecError, UnavailableError that names a worker that is down, and
        ConflictError for a key that came with another run file before.
        """
        digest = _digest(spec, base)
        if idempotency_key is not None and (known := await self._by_key(principal, idempotency_key, digest)) is not None:
            return known
        parsed, plan = await self._plan(spec, base)
        run_id = new_id()
        row = {
            "id": run_id,
            "name": parsed.name,
            "created_by": principal,
            "spec": parsed.model_dump(mode="json", exclude_unset=True),
            "base": None if base is None else str(base),
            "plan": plan.model_dump(mode="json"),
            "dataset": plan.dataset,
            "model": plan.model_label,
            "tags": parsed.tags,
            "warnings": plan.warnings,
            "max_runtime": self.settings.max_runtime,
            "idempotency_key": idempotency_key,
            "idempotency_hash": digest if idempotency_key is not None else None,
        }
        stages = [{"stage": unit, "position": position} for position, unit in enumerate(plan.units)]
        stored = await self.database.write(lambda c: runs.insert_run(c, row, stages) or runs.find_run(c, run_id) is not None)
        if not stored and idempotency_key is not None and (known := await self._by_key(principal, idempotency_key, digest)) is not None:
            return known
        view = await self.get(run_id)  # before anybody is woken, so that the answer is the run as it was queued
        self._queued(run_id)
        return view

    async def get(self, run_id: str) -> RunView:
        """One run with its stages. Raises NotFoundError."""

        def work(connection: Connection) -> RunView | None:
            row = runs.find_run(connection, run_id)
            return None if row is None else run_view(row, runs.stages_of(connection, [run_id]), status=self._status(row))

        view = await self.database.read(work)
        if view is None:
            raise no_such_run(run_id)
        return view

    async def list_runs(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        name: str | None = None,
        status: str | None = None,
        tags: list[str] | None = None,
    ) -> Page[RunView]:
        """Runs, newest first. `tags` are `key=value`, or `key` for any value; all must hold. Raises SpecError for a foreign cursor."""
        before = from_cursor(cursor)
        if any('"' in tag.partition("=")[0] or not tag for tag in tags or ()):
            raise SpecError("that names no tag", field="tag", found=str(tags), fix="write `key=value`, or `key` for any value")
        # A run whose owner died still says `running` in the database; only the look at it tells.
        statuses = None if status is None else ["running", "interrupted"] if self._embedded and status == "interrupted" else [status]

        def work(connection: Connection) -> list[RunView]:
            rows = runs.list_runs(connection, before=before, limit=limit + 1, name=name, statuses=statuses, tags=tags or [])
            stages = runs.stages_of(connection, [row["id"] for row in rows])
            return [run_view(row, [one for one in stages if one["run_id"] == row["id"]], status=self._status(row)) for row in rows]

        views = await self.database.read(work)
        page, more = views[:limit], len(views) > limit
        shown = [view for view in page if status is None or view.status == status]
        return Page(items=shown, cursor=to_cursor(page[-1].id) if more else None)

    def events(self, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """The history behind `after`, then what happens, until the run is final."""
        return follow_events(
            self.database,
            self.cache,
            run_id,
            after,
            poll=self.settings.poll_seconds,
            abandoned=lambda row: self._status(row) is not None,
        )

    async def cancel(self, run_id: str) -> RunView:
        """Stop a run: at once where nobody drives it, else its owner does within seconds. Raises NotFoundError, ConflictError for one that is over."""
        await self._release_dead(run_id)
        status = await self.database.write(lambda c: runs.request_cancel(c, run_id))
        if status is None:
            raise no_such_run(run_id)
        if status in {"succeeded", "failed"}:
            raise ConflictError(f"the run is over: it {status}", field="run_id", found=status, fix="`mtf runs rerun` starts it once more")
        self.runner.poke(run_id)
        self._ring(CANCELS)
        self._ring(channel(run_id))
        return await self.get(run_id)

    async def resume(self, run_id: str) -> RunView:
        """Take up a run that was interrupted, failed or was cancelled; its finished stages stay. Raises NotFoundError, ConflictError."""
        await self._release_dead(run_id)
        if not await self.database.write(lambda c: runs.requeue(c, run_id)):
            status = (await self.get(run_id)).status
            raise ConflictError(f"the run is {status}", field="run_id", found=status, fix="only a run that stopped can be resumed")
        self._queued(run_id)
        return await self.get(run_id)

    async def rerun(self, run_id: str, *, principal: str) -> RunView:
        """The same run file once more, as a new run."""
        row = await self._row(run_id)
        base = None if row["base"] is None else Path(row["base"])
        return await self.submit(row["spec"], base=base, principal=principal)

    async def delete(self, run_id: str) -> None:
        """Forget a run that is over. Raises NotFoundError, ConflictError for one that is not."""
        await self._release_dead(run_id)
        if not await self.database.write(lambda c: runs.delete_run(c, run_id)):
            row = await self._row(run_id)
            raise ConflictError(f"the run is {row['status']}", field="run_id", found=row["status"], fix="cancel it first")

    async def report(self, run_id: str, kind: str, revision: int | None = None) -> bytes:
        """A report as `json`, `html`, `md`, `csv` or `junit`, with the run's id in it: the newest evaluation, or the one of a number.

        Raises NotFoundError, ConflictError for a run without one.
        """
        from mtf_gateway.memory.looks import LookCounter

        row = await self._row(run_id)
        number, references = int(row["revision"]), row["report"]
        if revision is not None and revision != number:
            stored = await self.database.read(lambda c: revisions.find(c, run_id, revision))
            if stored is None:
                said = f"run {run_id} has no evaluation {revision}"
                raise NotFoundError(said, field="revision", found=str(revision), fix=f"`mtf runs revisions {run_id}` lists them")
            number, references = revision, stored["report"]
        looks = await LookCounter(self.database).of_run(run_id) if kind == "json" else None
        stamp = results.Stamp(run_id, row["created_at"], number, looks)
        return await asyncio.to_thread(results.document, self.store, row, references, kind, stamp)

    async def artifacts(self, run_id: str) -> dict[str, Reference]:
        """Files of a run by name, `stage/output`."""
        await self._row(run_id)
        return outputs_of(await self.database.read(lambda c: runs.stages_of(c, [run_id])))

    async def predictions(self, run_id: str) -> Path:
        """The scored rows as a local Parquet file. Raises NotFoundError, ConflictError for a run that scored nothing yet."""
        reference = (await self.artifacts(run_id)).get("inference/test.scored")
        if reference is None:
            raise ConflictError("the run has no predictions yet", field="run_id", found=run_id, fix="wait until its inference is done")
        return self.store.path(reference.ref)

    async def logs(self, run_id: str) -> list[RunEvent]:
        """The newest log lines and problems, oldest first."""
        await self._row(run_id)
        return [event_view(row) for row in await self.database.read(lambda c: runs.logs_of(c, run_id, LOG_LINES))]

    async def compare(
        self, run_ids: Sequence[str], *, baseline: str | None = None, metrics: Sequence[str] | None = None, paired: bool = True
    ) -> ComparisonView:
        """Differences of every two of the succeeded runs, or of each from the baseline. Raises SpecError, NotFoundError, ConflictError."""
        asked = ask(run_ids, baseline=baseline, metrics=metrics, paired=paired)
        return await compare(self.context, self.store, [await self._row(run_id) for run_id in asked.ids], asked)

    async def plugins(self) -> tuple[list[PluginView], list[str]]:
        """Plug-ins of every room that answers, and the names of those that do not."""
        names = list(self.workers)
        answers = await asyncio.gather(*(self.workers[name].plugins() for name in names), return_exceptions=True)
        found: dict[tuple[str, str], PluginView] = {}
        down: list[str] = []
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, UnavailableError):
                down.append(name)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                for view in answer:
                    found.setdefault((view.kind, view.name), view)
        return [found[key] for key in sorted(found)], down

    async def statuses(self) -> tuple[dict[str, int], float]:
        """Runs by status, and the age in seconds of the oldest queued one: for the gauges."""
        return await self.database.read(runs.statuses)

    async def _plan(self, spec: Mapping[str, Any], base: Path | None) -> tuple[RunSpec, Plan]:
        parsed = run_files.validate(spec)
        return parsed, await self._planner.plan(parsed, base)

    async def _by_key(self, principal: str, key: str, digest: str) -> RunView | None:
        row = await self.database.read(lambda c: runs.find_by_key(c, principal, key))
        if row is None:
            return None
        if row["idempotency_hash"] != digest:
            fix = "use a new key for another run file"
            raise ConflictError("this key came with another run file before", field="Idempotency-Key", found=key, fix=fix)
        return await self.get(row["id"])

    async def _row(self, run_id: str) -> RowMapping:
        row = await self.database.read(lambda c: runs.find_run(c, run_id))
        if row is None:
            raise no_such_run(run_id)
        return row

    def _status(self, row: RowMapping) -> str | None:
        """`interrupted` where nobody will go on: an embedded run whose process is gone."""
        orphaned = self._embedded and row["status"] == "running" and (row["expired"] or is_dead(row["owner"]))
        return "interrupted" if orphaned else None

    async def _release_dead(self, run_id: str) -> None:
        """Mark a run of a dead process as interrupted, by that process's epoch, so that a living owner is never cut off."""
        row = await self._row(run_id)
        if self._status(row) is not None:
            await self.database.write(lambda c: runs.let_go(c, runs.Lease(run_id, row["epoch"]), "interrupted"))

    def _queued(self, run_id: str) -> None:
        if self._embedded:
            self.runner.own(run_id)
        self.runner.poke()
        self._ring(QUEUE)
        self._ring(channel(run_id))

    def _ring(self, name: str) -> None:
        """Wake whoever listens, without waiting for Redis."""
        task = asyncio.get_running_loop().create_task(self.cache.publish(name))
        self._rings.add(task)
        task.add_done_callback(self._rings.discard)

    async def _listen(self, name: str) -> None:
        with self.cache.listen(name) as bell:
            while True:
                if await bell.wait(60.0):
                    self.runner.poke_all() if name == CANCELS else self.runner.poke()
                    if "reevaluations" in self.__dict__:
                        self.reevaluations.driver.poke()


def _digest(spec: Mapping[str, Any], base: Path | None) -> str:
    """What an idempotency key stands for."""
    with contextlib.suppress(TypeError, ValueError):
        text = json.dumps([spec, None if base is None else str(base)], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
    return ""  # not JSON: the check of its form tells why
