"""Endless answers end when the service is asked to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import FastAPI

from mtf.contracts.registry import RunEvent
from mtf.service import _Server
from mtf_gateway.routes.sse import lines


def test_a_stream_ends_when_the_service_closes() -> None:
    """A reader that waits for an event is let go at once, and the source of events is closed."""

    async def scene() -> None:
        closing, closed = asyncio.Event(), asyncio.Event()

        async def silent() -> AsyncIterator[RunEvent]:
            try:
                await asyncio.sleep(3600)
                yield RunEvent(seq=1, at="", kind="log")
            finally:
                closed.set()

        async def read() -> list[bytes]:
            return [part async for part in lines(silent(), 3600, closing)]

        reader = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        closing.set()
        async with asyncio.timeout(5):
            assert await reader == [b"retry: 1000\n\n"]
        assert closed.is_set()

    asyncio.run(scene())


def test_an_error_of_the_source_reaches_the_server() -> None:
    """A stream that cannot go on breaks off; it does not look as if the run had ended."""

    async def scene() -> None:
        async def broken() -> AsyncIterator[RunEvent]:
            yield RunEvent(seq=1, at="", kind="log")
            raise RuntimeError("gone")

        stream = lines(broken(), 3600, asyncio.Event())
        assert [await anext(stream), (await anext(stream))[:6]] == [b"retry: 1000\n\n", b"id: 1\n"]
        with pytest.raises(RuntimeError, match="gone"):
            await anext(stream)

    asyncio.run(scene())


def test_the_first_signal_tells_the_app_itself() -> None:
    """Uvicorn wraps the app; what the app asked to be told it is told all the same."""
    app, told = FastAPI(), []
    app.state.on_stop = [lambda: told.append("stop")]
    config = uvicorn.Config(app, log_config=None)
    config.load()
    server = _Server(config)
    server.handle_exit(signal.SIGTERM, None)
    assert told == ["stop"]
    assert server.should_exit
