"""The ranking of a dataset's runs by one metric, from the cache while nothing changed."""

from __future__ import annotations

import hashlib

from pydantic import Field

from mtf.cache import Cache
from mtf.contracts.base import SCHEMA_VERSION, Contract
from mtf.contracts.report import MetricValue, Verdict
from mtf_gateway.db import results as sql
from mtf_gateway.db.engine import Database
from mtf_gateway.registry.names import stamp

SMALLER_IS_BETTER = frozenset({"log_loss", "brier", "ece", "mae", "rmse", "median_ae", "max_error", "mape", "wape"})
"""Default metrics of which less is better; every other one is ranked from the highest down unless the caller says otherwise."""


class BoardRow(Contract):
    """One run on a leaderboard."""

    rank: int = Field(ge=1, description="Equal values share a rank.")
    run: str
    name: str
    model: str
    verdict: Verdict | None = None
    created_by: str
    created_at: str
    metric: MetricValue


class Leaderboard(Contract):
    """The runs of one dataset, best first."""

    schema_version: str = SCHEMA_VERSION
    dataset: str
    metric: str
    greater_is_better: bool
    items: list[BoardRow]


class Board:
    """Leaderboards of one database."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database, self._cache = database, cache

    async def rank(self, dataset: str, metric: str, *, greater: bool | None, limit: int) -> bytes:
        """The leaderboard as JSON. `greater` says whether more is better; None asks the metric's own definition."""
        better = metric not in SMALLER_IS_BETTER if greater is None else greater
        tag = await self._database.read(lambda c: sql.board_tag(c, dataset))
        key = hashlib.sha256(f"{dataset}\n{metric}\n{better}\n{limit}\n{tag}".encode()).hexdigest()
        stored = await self._cache.get("leaderboard", key)
        if stored is not None:
            return stored
        rows = await self._database.read(lambda c: sql.board(c, dataset, metric, greater=better, limit=limit))
        items: list[BoardRow] = []
        for position, row in enumerate(rows, 1):
            value = MetricValue.model_validate(row["metric"])
            rank = items[-1].rank if items and items[-1].metric.value == value.value else position
            items.append(
                BoardRow(
                    rank=rank,
                    run=row["id"],
                    name=row["name"],
                    model=row["model"],
                    verdict=row["verdict"],
                    created_by=row["created_by"],
                    created_at=stamp(row["created_at"]),
                    metric=value,
                )
            )
        document = Leaderboard(dataset=dataset, metric=metric, greater_is_better=better, items=items).model_dump_json().encode()
        await self._cache.set("leaderboard", key, document)
        return document
