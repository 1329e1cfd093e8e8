"""A cache that may vanish at any moment: Redis where there is one, in front of it an LRU in this process, and a bell for waiting readers.

Keys carry the version of what they name, so that a stored value never goes stale and the nearer copy is always as good as the farther one.
Redis gets very little time and one chance: a failure opens a circuit for some seconds, in which nothing asks it. Values are bytes, ready to be sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from mtf.errors import UnavailableError

T = TypeVar("T")

PREFIX = "mtf:"
WAKE = f"{PREFIX}wake:"


class Lru:
    """Bytes by key, bounded by their total size; the one used longest ago leaves first."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.size = capacity, 0
        self._items: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The value, which becomes the newest; None when it is not there."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def set(self, key: str, value: bytes) -> None:
        """Keep a value. One above the whole capacity is not kept at all."""
        self.drop(key)
        if len(value) > self.capacity:
            return
        self._items[key] = value
        self.size += len(value)
        while self.size > self.capacity:
            self.size -= len(self._items.popitem(last=False)[1])

    def drop(self, key: str) -> None:
        """Forget a value."""
        self.size -= len(self._items.pop(key, b""))


class Circuit:
    """Lets calls through until one fails, then refuses for `pause` seconds."""

    def __init__(self, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause, self._clock, self._until = pause, clock, 0.0

    @property
    def closed(self) -> bool:
        """Whether a call may be tried."""
        return self._clock() >= self._until

    def trip(self) -> None:
        """Refuse for a while."""
        self._until = self._clock() + self._pause


class Bell:
    """What a waiting reader holds: rung whenever the channel has news, also between two waits."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the reader, now or at its next wait."""
        self._event.set()

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 - a wait that ends by itself is the interface
        """Return True when the bell rang since the last wait, False after `timeout` seconds of silence."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Cache:
    """Values, counters and wake-ups, for one event loop.

    Args:
        url: `redis://...`, or None for this process alone.
        capacity: Bytes of the in-process LRU.
        timeout: Seconds that one Redis call may take.
        pause: Seconds without Redis after a failure.
        observe: Told each look-up: the stage (`run`, `report`, `leaderboard`) and `hit`, `miss` or `error`.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        capacity: int = 64 << 20,
        timeout: float = 0.05,
        pause: float = 5.0,
        observe: Callable[[str, str], None] = lambda _stage, _result: None,
    ) -> None:
        self._local, self._circuit = Lru(capacity), Circuit(pause)
        self._timeout, self._pause, self._observe = timeout, pause, observe
        self._redis = None if url is None else _connect(url, timeout)
        self._bells: dict[str, set[Bell]] = {}
        self._counts: dict[str, tuple[float, int]] = {}
        self._listener: asyncio.Task[None] | None = None

    @property
    def shared(self) -> bool:
        """Whether there is a Redis at all."""
        return self._redis is not None

    async def start(self) -> None:
        """Begin to listen for wake-ups of other processes. Redis need not be there yet."""
        if self._redis is not None and self._listener is None:
            self._listener = asyncio.create_task(self._listen(self._redis), name="cache-wakeups")

    async def close(self) -> None:
        """Stop listening and close the connections."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        if self._redis is not None:
            await self._redis.aclose()

    async def ready(self) -> None:
        """Return when Redis answers, or when there is none to ask. Raises UnavailableError."""
        if self._redis is None:
            return
        try:
            async with asyncio.timeout(1.0):
                await self._redis.ping()
        except _failures() as error:
            raise UnavailableError(
                f"redis does not answer: {error or type(error).__name__}", fix="nothing is lost; the in-process cache serves meanwhile"
            ) from None

    async def get(self, stage: str, key: str) -> bytes | None:
        """The value, from this process or from Redis; None when neither has it."""
        name = f"{PREFIX}{stage}:{key}"
        value = self._local.get(name)
        if value is None:
            value = await self._ask(stage, lambda redis: redis.get(name))
            if value is not None:
                self._local.set(name, value)
        self._observe(stage, "miss" if value is None else "hit")
        return value

    async def set(self, stage: str, key: str, value: bytes, *, ttl: int = 3600) -> None:
        """Keep a value here, and for `ttl` seconds in Redis."""
        name = f"{PREFIX}{stage}:{key}"
        self._local.set(name, value)
        await self._ask(stage, lambda redis: redis.set(name, value, ex=ttl))

    async def count(self, key: str, window: int = 60) -> int:
        """Count one more use of `key` and return the uses in the current window of `window` seconds, over all processes while Redis is there."""
        slot = int(time.time() // window)
        name = f"{PREFIX}count:{key}:{slot}"
        total = await self._ask("count", lambda redis: _increment(redis, name, window))
        return self._count_here(name, (slot + 1) * window) if total is None else int(total)

    def _count_here(self, name: str, expires: float) -> int:
        now = time.time()
        if name not in self._counts:
            self._counts = {key: entry for key, entry in self._counts.items() if entry[0] > now}
        total = self._counts.get(name, (expires, 0))[1] + 1
        self._counts[name] = (expires, total)
        return total

    async def publish(self, channel: str) -> None:
        """Ring every bell of `channel`, here and in other processes."""
        self._ring(channel)
        await self._ask("wake", lambda redis: redis.publish(f"{WAKE}{channel}", b"1"))

    @contextlib.contextmanager
    def listen(self, channel: str) -> Iterator[Bell]:
        """A bell for `channel`. Hold it before the first look at the database, then nothing is missed between look and wait."""
        bell = Bell()
        self._bells.setdefault(channel, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[channel].discard(bell)
            if not self._bells[channel]:
                del self._bells[channel]

    def _ring(self, channel: str) -> None:
        for bell in self._bells.get(channel, ()):
            bell.ring()

    async def _ask(self, stage: str, call: Callable[[Any], Awaitable[T]]) -> T | None:
        """One Redis call within the time-out; None when it failed, or when it is not asked at all."""
        if self._redis is None or not self._circuit.closed:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                return await call(self._redis)
        except _failures():
            self._circuit.trip()
            self._observe(stage, "error")
            return None

    async def _listen(self, redis: Any) -> None:
        """Turn messages into rings, and begin again whenever the connection is lost."""
        while True:
            with contextlib.suppress(*_failures()):
                async for channel in _messages(redis):
                    self._ring(channel)
            await asyncio.sleep(self._pause)


async def _messages(redis: Any) -> AsyncIterator[str]:
    """Channels that other processes rang."""
    pubsub = redis.pubsub()
    try:
        await pubsub.psubscribe(f"{WAKE}*")
        while True:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)
            if message is not None:
                yield message["channel"].decode().removeprefix(WAKE)
    finally:
        await pubsub.aclose()


async def _increment(redis: Any, name: str, window: int) -> int:
    total = int(await redis.incr(name))
    if total == 1:
        await redis.expire(name, 2 * window)
    return total


def _connect(url: str, timeout: float) -> Any:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0), client_name="mtf", max_connections=32
    )


def _failures() -> tuple[type[Exception], ...]:
    """What means that Redis is not there: its own errors (a full or loading server among them), the network's and time."""
    from redis.exceptions import RedisError

    return RedisError, OSError, TimeoutError
