"""Two gateways that hear of each other through Redis, and what is left of it when Redis is gone."""

import asyncio
import time
from pathlib import Path

from mtf.cache import Cache
from mtf.storage.store import LocalStore
from mtf_gateway.core import Gateway
from mtf_gateway.db.engine import Database
from tests.suites.driving import FAST, SPEC, House, at, final
from tests.suites.scripted import fleet

SLOW = FAST.model_copy(update={"lease_seconds": 60.0, "poll_seconds": 30.0})


def open_gateway(house: House, url: str, *, drive: bool) -> Gateway:
    """A gateway that looks at the database only when it is woken."""
    settings = SLOW.model_copy(update={"runner": drive})
    return Gateway(
        database=house.database, store=house.store, workers=dict(house.workers), settings=settings, cache=Cache(url, timeout=1.0)
    )


def test_a_word_through_redis_spares_the_wait(database: Database, redis_url: str, tmp_path: Path) -> None:
    """A run that one gateway queues is claimed by the other at once, followed at once and cancelled at once, though neither polls."""
    store = LocalStore({area: tmp_path / area for area in ("data", "artifacts", "models", "logs")})
    house = House(database, store, fleet(store))

    async def scenario() -> float:
        owner, other = open_gateway(house, redis_url, drive=True), open_gateway(house, redis_url, drive=False)
        for gateway in (owner, other):
            await gateway.cache.start()
            await gateway.start()
        await asyncio.sleep(0.3)
        try:
            began = time.monotonic()
            run = await other.submit(SPEC, base=None, principal="me")
            assert [event.kind async for event in other.events(run.id)][-1] == "status"
            assert (await other.get(run.id)).status == "succeeded"
            house.workers["inference"].hold.clear()
            second = await other.submit({**SPEC, "seed": 5}, base=None, principal="me")
            await at(other, second.id, "inference")
            await other.cancel(second.id)
            assert (await final(other, second.id)).status == "cancelled"
            return time.monotonic() - began
        finally:
            for gateway in (owner, other):
                await gateway.close()
                await gateway.cache.close()

    assert asyncio.run(scenario()) < 10


def test_without_redis_everything_still_happens(database: Database, tmp_path: Path) -> None:
    """An address where nobody answers costs time and nothing else."""
    store = LocalStore({area: tmp_path / area for area in ("data", "artifacts", "models", "logs")})
    house = House(database, store, fleet(store))

    async def scenario() -> None:
        gateway = open_gateway(house, "redis://127.0.0.1:1/0", drive=True)
        await gateway.cache.start()
        await gateway.start()
        try:
            run = await gateway.submit(SPEC, base=None, principal="me")
            assert (await final(gateway, run.id)).status == "succeeded"
        finally:
            await gateway.close()
            await gateway.cache.close()

    asyncio.run(scenario())
