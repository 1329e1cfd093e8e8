"""Which part is down, and which may be."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from mtf.cache import Cache
from mtf.errors import UnavailableError
from mtf_gateway.db.engine import connect
from mtf_gateway.db.schema import create
from mtf_gateway.health import Health


class Up:
    """A worker that can work."""

    async def ready(self) -> None: ...


class Down:
    """A worker that says why it cannot."""

    async def ready(self) -> None:
        raise UnavailableError("the zygote is gone")


class Silent:
    """A worker that does not answer."""

    async def ready(self) -> None:
        await asyncio.sleep(60)


class NoRedis(Cache):
    """A cache whose Redis is away."""

    @property
    def shared(self) -> bool:
        return True

    async def ready(self) -> None:
        raise UnavailableError("redis does not answer")


def _health(folder: Path, *, migrated: bool = True, cache: Cache | None = None, **workers: Any) -> Health:
    database = connect(f"sqlite:///{folder}/mtf.db")
    if migrated:
        create(database)
    return Health(database, workers, cache or Cache())


def test_all_parts_are_named(tmp_path: Path) -> None:
    """Database and workers are up; a Redis that nobody configured is not spoken of."""
    assert asyncio.run(_health(tmp_path, evaluation=Up()).examine()) == {"database": "up", "evaluation": "up"}


def test_a_redis_that_is_away_is_degraded_and_not_down(tmp_path: Path) -> None:
    """The gateway can work without it, and says so."""
    assert asyncio.run(_health(tmp_path, cache=NoRedis(), evaluation=Up()).examine())["redis"] == "degraded"


def test_every_part_that_is_down_is_named_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All parts are asked at once, and a silent one costs no more than its patience."""
    monkeypatch.setattr("mtf_gateway.health.PATIENCE", 0.2)
    began = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        asyncio.run(_health(tmp_path, migrated=False, acquisition=Up(), inference=Down(), evaluation=Silent()).examine())
    assert time.monotonic() - began < 5
    assert caught.value.found == "database, inference, evaluation"
    assert "mtf db upgrade" in caught.value.message
    assert "the zygote is gone" in caught.value.message
