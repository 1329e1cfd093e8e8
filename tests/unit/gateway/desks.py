"""An embedded gateway over scripted workers, for tests of what the embedded form offers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from mtf.storage.store import LocalStore
from mtf_gateway.core import Gateway
from mtf_gateway.embedded import areas, open_embedded
from tests.suites.scripted import ScriptedWorker, fleet

T = TypeVar("T")
Scene = Callable[[Gateway, dict[str, ScriptedWorker]], Awaitable[T]]


def play(home: Path, scene: Scene[T]) -> T:
    """Open the gateway, play the scene, close it."""

    async def whole() -> T:
        workers: dict[Any, ScriptedWorker] = dict(fleet(LocalStore(areas(home))))
        gateway = open_embedded(home, workers)
        await gateway.start()
        try:
            return await scene(gateway, workers)
        finally:
            await gateway.close()

    return asyncio.run(whole())
