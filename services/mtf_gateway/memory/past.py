"""The history of a model: its runs in the order of time, each beside the one before, and whether the change is more than chance."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from mtf.cache import Cache
from mtf.contracts.board import History, HistoryPoint
from mtf.contracts.registry import PluginView
from mtf.contracts.report import Comparison, MetricValue
from mtf.errors import MtfError, UsageError
from mtf_gateway.db import history as sql
from mtf_gateway.db import revisions
from mtf_gateway.db.engine import Database
from mtf_gateway.memory.evaluator import Contender, Evaluator, at_fault, contender
from mtf_gateway.memory.identity import metric_name, version_of
from mtf_gateway.registry.names import from_cursor, stamp, to_cursor

ALPHA = 0.05
AT_ONCE = 4
"""Comparisons that are asked of the worker at once."""


@dataclass(frozen=True)
class Question:
    """Which runs, and what of them. At least one of name, model and dataset."""

    metric: str
    name: str | None = None
    model: str | None = None
    dataset: str | None = None
    limit: int = 20
    cursor: str | None = None


class Past:
    """Histories of one database."""

    def __init__(self, database: Database, cache: Cache, evaluator: Evaluator) -> None:
        self._database, self._cache, self._evaluator = database, cache, evaluator

    async def of(self, asked: Question) -> History:
        """The runs, oldest first, the newest page first. Raises UsageError where neither name, model nor dataset is given, SpecError."""
        if not (asked.name or asked.model or asked.dataset):
            raise UsageError("whose history?", field="model", fix="name a model, a run name or a dataset")
        before = from_cursor(asked.cursor)
        metric, view = await self._evaluator.metric(asked.metric)

        def work(connection: Connection) -> _Pages:
            # One more than is shown: the oldest run on the page changed from something too.
            rows = sql.points(
                connection, metric, name=asked.name, model=asked.model, dataset=asked.dataset, before=before, limit=asked.limit + 1
            )
            ids = [row["id"] for row in rows]
            return _Pages(list(reversed(rows)), sql.scored(connection, ids), revisions.versions_in_use(connection, ids))

        pages = await self._database.read(work)
        changes = await self._changes(pages, metric, view)
        more = len(pages.rows) > asked.limit
        shown = slice(1, None) if more else slice(None)
        found = zip(pages.rows[shown], corrected(changes[shown]), strict=True)
        items = [_point(row, change, view, outdated=_outdated(row, pages, metric, view)) for row, change in found]
        filters = {key: value for key, value in (("name", asked.name), ("model", asked.model), ("dataset", asked.dataset)) if value}
        return History(
            metric=metric,
            greater_is_better=view.greater_is_better,
            asked=filters,
            items=items,
            notes=_notes(items, metric, view),
            cursor=to_cursor(pages.rows[1]["id"]) if more else None,
        )

    async def _changes(self, pages: _Pages, metric: str, view: PluginView) -> list[Comparison | None]:
        """Each run against the one before; None for the first. Of no runs there is none."""
        if not pages.rows:
            return []
        turn = asyncio.Semaphore(AT_ONCE)

        async def change(before: RowMapping, now: RowMapping) -> Comparison:
            async with turn:
                return await self._change(before, now, pages, metric, view)

        pairs = zip(pages.rows, pages.rows[1:], strict=False)
        return [None, *await asyncio.gather(*(change(before, now) for before, now in pairs))]

    async def _change(self, before: RowMapping, now: RowMapping, pages: _Pages, metric: str, view: PluginView) -> Comparison:
        paired = now["rows_key"] is not None and before["rows_key"] == now["rows_key"]
        said = f"{before['id']} {before['version']} {now['id']} {now['version']} {metric} {view.version} {paired}"
        key = hashlib.sha256(said.encode()).hexdigest()
        stored = await self._cache.get("history", key)
        if stored is not None:
            return Comparison.model_validate_json(stored)
        ends = [contender(row, pages.stages) for row in (now, before)]
        found = await self._compared([one for one in ends if one is not None and self._evaluator.present(one.scored)], metric, paired)
        found = found.model_copy(update={"baseline": before["id"], "run": now["id"]})
        await self._cache.set("history", key, found.model_dump_json().encode())
        return found

    async def _compared(self, ends: Sequence[Contender], metric: str, paired: bool) -> Comparison:
        if len(ends) < 2:  # noqa: PLR2004 - a change has two ends
            return _untold(metric, "the predictions of one of the two runs are gone")
        if ends[0].task != ends[1].task:
            return _untold(metric, f"the one is a {ends[0].task} task, the other a {ends[1].task} task")
        try:
            view = await self._evaluator.compare(ends, metric, paired=paired, against=1)
        except MtfError as error:
            if not at_fault(error):
                raise
            return _untold(metric, error.message)
        return view.comparisons[0].model_copy(update={"paired": paired})


@dataclass(frozen=True)
class _Pages:
    """Rows of the database, oldest first."""

    rows: list[RowMapping]
    stages: dict[str, RowMapping]
    versions: dict[str, dict[str, str]]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (1979) over those that are there: small enough to need no library."""
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    raised: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(p * (len(order) - rank), 1.0))
        raised[place] = highest
    return raised


def corrected(changes: Sequence[Comparison | None]) -> list[Comparison | None]:
    """The changes with their p-values corrected over all of them."""
    found = holm([None if change is None else change.p_value for change in changes])
    update = [
        {"p_adjusted": p, "correction": "none" if p is None else "holm", "tests": sum(one is not None for one in found)} for p in found
    ]
    return [None if change is None else change.model_copy(update=values) for change, values in zip(changes, update, strict=True)]


def _outdated(row: RowMapping, pages: _Pages, metric: str, view: PluginView) -> bool:
    version = version_of(pages.versions.get(row["id"], {}), metric)
    return version is not None and version != str(view.version)


def _point(row: RowMapping, change: Comparison | None, view: PluginView, *, outdated: bool) -> HistoryPoint:
    beyond = better = None
    if change is not None and change.p_adjusted is not None and change.reliable:
        beyond = change.p_adjusted <= ALPHA
    if beyond and change is not None and change.difference is not None and view.greater_is_better is not None:
        better = (change.difference > 0) == view.greater_is_better
    return HistoryPoint(
        **{name: row[name] for name in ("name", "model", "dataset", "verdict", "rows_key")},
        run=row["id"],
        created_at=stamp(row["created_at"]),
        metric=MetricValue.model_validate(row["metric"]),
        outdated=outdated,
        change=change,
        paired=None if change is None else change.paired,
        beyond_noise=beyond,
        better=better,
    )


def _notes(items: Sequence[HistoryPoint], metric: str, view: PluginView) -> list[str]:
    notes = []
    if view.paired is False and len(items) > 1:
        notes.append(f"`{metric}` has no test of a difference, so that nothing tells which changes are chance.")
    elif any(item.beyond_noise is not None for item in items):
        notes.append("A change counts as beyond noise at 5 %, corrected by Holm over the changes shown.")
    if any(item.paired is False for item in items):
        notes.append("Runs on other rows than the run before are compared as two independent samples.")
    if any(item.outdated for item in items):
        notes.append(f"Some values come from an older version of `{metric_name(metric)}`: `mtf reevaluate --outdated` brings them up.")
    return notes


def _untold(metric: str, why: str) -> Comparison:
    return Comparison(baseline="", metric=metric, difference=None, reliable=False, undefined=why)
