"""The leaderboard of a dataset by one metric: ranks that a test set can support, from the cache while nothing changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from mtf.cache import Cache
from mtf.contracts.board import BoardRow, Leaderboard, RowSet
from mtf.contracts.registry import PluginView, Standing
from mtf.contracts.report import MetricValue
from mtf.errors import MtfError, SpecError
from mtf_gateway.db import history as sql
from mtf_gateway.db import revisions
from mtf_gateway.db.engine import Database
from mtf_gateway.memory import looks
from mtf_gateway.memory.evaluator import Contender, Evaluator, at_fault, contender
from mtf_gateway.memory.identity import metric_name, model_key, version_of
from mtf_gateway.registry.names import stamp

MOST = 50
"""Models that are tested against each other: 1,225 pairs. Those below stand by value alone."""
LEVEL = 0.95


@dataclass(frozen=True)
class Asked:
    """Which leaderboard."""

    dataset: str
    metric: str
    greater: bool | None
    """Turns the order of the list; ranks always follow the metric's own direction."""
    limit: int
    rows_key: str | None


class Board:
    """Leaderboards of one database."""

    def __init__(self, database: Database, cache: Cache, evaluator: Evaluator) -> None:
        self._database, self._cache, self._evaluator = database, cache, evaluator

    async def rank(self, dataset: str, metric: str, *, greater: bool | None = None, limit: int = 50, rows_key: str | None = None) -> bytes:
        """The leaderboard as JSON. `greater` turns the order of the list; ranks always follow the metric's own direction.

        Raises SpecError for a metric that does not exist and for rows that no run was scored on.
        """
        tag = await self._database.read(lambda c: sql.board_tag(c, dataset))
        if tag.startswith("0-"):
            return _empty(dataset, metric, greater)
        metric, view = await self._evaluator.metric(metric)
        said = f"{dataset}\n{metric}\n{view.version}\n{greater}\n{limit}\n{rows_key}\n{tag}"
        key = hashlib.sha256(said.encode()).hexdigest()
        stored = await self._cache.get("leaderboard", key)
        if stored is not None:
            return stored
        asked = Asked(dataset, metric, greater, limit, rows_key)
        draft = await self._database.read(lambda c: _Draft(c, asked, view))
        document = (await self._ranked(draft)).model_dump_json().encode()
        await self._cache.set("leaderboard", key, document)
        return document

    async def _ranked(self, draft: _Draft) -> Leaderboard:
        """Ranks by paired tests where there are some, else by value."""
        known = [one for one in draft.contenders[:MOST] if one is not None and self._evaluator.present(one.scored)]
        notes, standings, rows = list(draft.notes), {}, None
        if not draft.view.paired:
            notes.append(
                f"`{draft.metric}` has no paired test, so that nothing tells which differences are chance: the ranks are those of the values."
            )
        elif len(known) > 1:
            try:
                found = await self._evaluator.compare(known, draft.metric)
            except MtfError as error:
                if not at_fault(error):
                    raise
                notes.append(f"The models could not be compared row by row: {error.message}")
            else:
                standings = {one.run: one for board in found.standings for one in board.runs}
                rows = found.rows
                notes += [*found.warnings, *_gone(min(len(draft.rows), MOST) - len(known))]
        if standings and len(draft.rows) > MOST:
            notes.append(f"Only the best {MOST} models were tested against each other.")
        return draft.leaderboard(standings, rows, notes)


class _Draft:
    """What the database says of a leaderboard: one run for each model, best value first."""

    def __init__(self, connection: Connection, asked: Asked, view: PluginView) -> None:
        self.dataset, self.metric, self.view = asked.dataset, asked.metric, view
        self.greater = asked.greater if asked.greater is not None else view.greater_is_better is not False
        everything = [row for row in sql.board(connection, asked.dataset, asked.metric) if row["rows_key"] is not None]
        rows_key, limit = asked.rows_key, asked.limit
        if rows_key is not None and not any(row["rows_key"] == rows_key for row in everything):
            fix = "take a `rows_key` of the board's `others`"
            raise SpecError("no run was scored on such rows of this dataset", field="rows_key", found=rows_key, fix=fix)
        self.rows_key: str | None = rows_key or (everything[0]["rows_key"] if everything else None)
        here = [row for row in everything if row["rows_key"] == self.rows_key]
        measured, self.unmeasured = _models(here)
        self.notes: list[str] = []
        measured.sort(key=lambda row: row["metric"]["value"], reverse=self.greater)
        if len(measured) > limit:
            self.notes.append(f"{len(measured) - limit} more models are not shown.")
        self.rows = measured[:limit]
        ids = [row["id"] for row in self.rows]
        stages = sql.scored(connection, ids)
        self.contenders: list[Contender | None] = [contender(row, stages) for row in self.rows]
        self.versions = revisions.versions_in_use(connection, ids)
        self.looks = None if self.rows_key is None else looks.looked(connection, self.rows_key)
        self.others = _others(everything, self.rows_key)

    def leaderboard(self, standings: Mapping[str, Standing], rows: int | None, notes: list[str]) -> Leaderboard:
        """The document. A model that could not be tested may stand anywhere, and no other is shown to be better than it."""
        items: list[BoardRow] = []
        untested = len(self.rows) - len(standings) if standings else 0
        for position, row in enumerate(self.rows, 1):
            value, found = MetricValue.model_validate(row["metric"]), standings.get(row["id"])
            place: dict[str, Any] = {"rank": items[-1].rank if items and items[-1].metric.value == value.value else position}
            if found is not None:
                place = {"rank": found.rank, "worst_rank": found.worst_rank + untested, "letters": found.letters}
            elif standings:
                place = {"rank": 1, "worst_rank": len(self.rows)}
            items.append(self._row(row, value, place))
        if any(item.outdated for item in items):
            notes.append(
                f"Some values come from an older version of `{metric_name(self.metric)}`: `mtf reevaluate --outdated` brings them up."
            )
        return Leaderboard(
            dataset=self.dataset,
            metric=self.metric,
            greater_is_better=self.view.greater_is_better,
            rows_key=self.rows_key,
            rows=rows,
            tested=bool(standings),
            level=LEVEL if standings else None,
            notes=notes,
            items=items,
            unmeasured=self.unmeasured,
            others=self.others,
            looks=self.looks,
        )

    def _row(self, row: RowMapping, value: MetricValue, place: Mapping[str, Any]) -> BoardRow:
        version = version_of(self.versions.get(row["id"], {}), self.metric)
        plain = {name: row[name] for name in ("name", "model", "verdict", "created_by")}
        outdated = version is not None and version != str(self.view.version)
        return BoardRow(run=row["id"], created_at=stamp(row["created_at"]), metric=value, outdated=outdated, **plain, **place)


def _models(rows: Sequence[RowMapping]) -> tuple[list[RowMapping], list[str]]:
    """The newest run of each model that has a value, and the newest run of those that have none; `rows` are newest first."""
    newest: dict[str, RowMapping] = {}
    without: dict[str, str] = {}
    for row in rows:
        key = model_key(row["model_inputs"], row["model_spec"])
        if (row["metric"] or {}).get("value") is not None:
            newest.setdefault(key, row)
        else:
            without.setdefault(key, row["id"])
    return list(newest.values()), [run for key, run in without.items() if key not in newest]


def _others(rows: Sequence[RowMapping], chosen: str | None) -> list[RowSet]:
    """The other test rows of a dataset."""
    found: dict[str, RowSet] = {}
    models: dict[str, set[str]] = {}
    for row in rows:
        if row["rows_key"] != chosen:
            models.setdefault(row["rows_key"], set()).add(model_key(row["model_inputs"], row["model_spec"]))
            found.setdefault(row["rows_key"], RowSet(rows_key=row["rows_key"], models=0, newest=stamp(row["created_at"])))
    return [one.model_copy(update={"models": len(models[key])}) for key, one in found.items()]


def _gone(number: int) -> list[str]:
    if not number:
        return []
    who = "1 model" if number == 1 else f"{number} models"
    return [f"The predictions of {who} are gone, so that nothing can be said of {'it' if number == 1 else 'them'}: any rank is possible."]


def _empty(dataset: str, metric: str, greater: bool | None) -> bytes:
    return Leaderboard(dataset=dataset, metric=metric, greater_is_better=greater, items=[]).model_dump_json().encode()
