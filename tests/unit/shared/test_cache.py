"""The cache without Redis, and with a Redis that does not answer."""

import asyncio
import time

import pytest

from mtf.cache import Cache, Circuit, Lru
from mtf.errors import UnavailableError


def test_lru_is_bounded_by_bytes_and_drops_the_oldest() -> None:
    """The sum of sizes never passes the capacity, and what was used longest ago leaves first."""
    lru = Lru(10)
    lru.set("a", b"1234")
    lru.set("b", b"1234")
    assert lru.get("a") == b"1234"
    lru.set("c", b"1234")
    assert lru.get("b") is None
    assert lru.get("a") == b"1234"
    lru.set("big", b"x" * 11)
    assert lru.get("big") is None
    lru.set("a", b"12")
    assert lru.size == 6


def test_circuit_opens_for_its_pause() -> None:
    """After a failure nothing is tried until the pause is over."""
    now = [100.0]
    circuit = Circuit(5.0, clock=lambda: now[0])
    assert circuit.closed
    circuit.trip()
    now[0] = 104.9
    assert not circuit.closed
    now[0] = 105.0
    assert circuit.closed


def test_values_and_counts_without_redis() -> None:
    """A process alone keeps values, counts uses and tells each look-up to its observer."""

    async def scene() -> None:
        seen: list[tuple[str, str]] = []
        cache = Cache(observe=lambda stage, result: seen.append((stage, result)))
        await cache.start()
        await cache.ready()
        assert await cache.get("run", "r1:3") is None
        await cache.set("run", "r1:3", b"{}")
        assert await cache.get("run", "r1:3") == b"{}"
        assert [await cache.count("ann"), await cache.count("ann"), await cache.count("bob")] == [1, 2, 1]
        assert seen == [("run", "miss"), ("run", "hit")]
        await cache.close()

    asyncio.run(scene())


def test_a_bell_that_rang_before_the_wait_is_not_lost() -> None:
    """A reader that holds its bell before it looks misses nothing, and another channel does not wake it."""

    async def scene() -> None:
        cache = Cache()
        with cache.listen("run-1") as bell:
            await cache.publish("run-1")
            assert await bell.wait(5)
            await cache.publish("run-2")
            assert not await bell.wait(0.01)
        await cache.publish("run-1")
        assert cache._bells == {}

    asyncio.run(scene())


def test_a_dead_redis_costs_one_short_attempt_and_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that hangs is asked once; afterwards the process serves alone without waiting."""

    class Hanging:
        calls = 0

        async def get(self, _name: str) -> bytes:
            Hanging.calls += 1
            await asyncio.sleep(60)
            return b""

        set = incr = publish = get

        async def ping(self) -> None:
            raise OSError("refused")

        async def aclose(self) -> None: ...

    monkeypatch.setattr("mtf.cache._connect", lambda _url, _timeout: Hanging())

    async def scene() -> None:
        seen: list[tuple[str, str]] = []
        cache = Cache("redis://nowhere", observe=lambda stage, result: seen.append((stage, result)))
        began = time.monotonic()
        for index in range(50):
            assert await cache.get("report", str(index)) is None
        assert time.monotonic() - began < 2
        assert Hanging.calls == 1
        assert seen.count(("report", "error")) == 1
        assert await cache.count("ann") == 1
        with pytest.raises(UnavailableError, match="redis does not answer"):
            await cache.ready()
        await cache.close()

    asyncio.run(scene())
