"""Log lines: shape, ids, and what they must never show."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.logging import MASK, Redactor, bound, configure


@pytest.fixture
def lines() -> Iterator[Any]:
    """Configure the log of this process for a test, and put it back."""
    root = logging.getLogger()
    handlers, level, stream = list(root.handlers), root.level, io.StringIO()

    def setup(**options: Any) -> io.StringIO:
        configure("evaluation", stream=stream, **options)
        return stream

    yield setup
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_json_with_level_time_and_ids(lines: Any) -> None:
    """Our fields, the values of `extra`, and the ids of the context."""
    stream = lines()
    with bound(run_id="r1", job_id="j1", stage=None):
        logging.getLogger("mtf.x").warning("it is %s", "late", extra={"seconds": 3})
    line = json.loads(stream.getvalue())
    assert (line["message"], line["level"], line["service"], line["seconds"]) == ("it is late", "warning", "evaluation", 3)
    assert (line["run_id"], line["job_id"]) == ("r1", "j1")
    assert "stage" not in line
    assert line["timestamp"].endswith("Z")


def test_ids_stay_with_their_task(lines: Any) -> None:
    """Two tasks at once do not mix their ids."""
    stream = lines()

    async def work(name: str) -> None:
        with bound(run_id=name):
            await asyncio.sleep(0.01)
            logging.getLogger("mtf").info(name)

    async def both() -> None:
        await asyncio.gather(work("one"), work("two"))

    asyncio.run(both())
    for line in map(json.loads, stream.getvalue().splitlines()):
        if line["logger"] == "mtf":
            assert line["run_id"] == line["message"]


def test_the_level_decides(lines: Any) -> None:
    """Lines below it are not written."""
    stream = lines(level="ERROR")
    logging.getLogger("mtf").warning("quiet")
    logging.getLogger("mtf").error("loud")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_columns_are_for_terminals(lines: Any) -> None:
    """Asked for, they are no JSON and have the same content."""
    stream = lines(style="console")
    logging.getLogger("mtf").info("hello", extra={"rows": 5})
    assert "hello" in stream.getvalue()
    assert "rows=5" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_secret_is_written(lines: Any, style: str) -> None:
    """Not under a secret name, in an address, in a header, in a traceback, nor as a text that was named as secret."""
    stream = lines(style=style, secrets=["the-token-itself"])
    log = logging.getLogger("mtf")
    log.info("connect postgresql://mtf:hunter2@db/mtf and the-token-itself")
    log.info("call", extra={"password": "hunter2", "nested": {"api_key": "hunter2", "headers": ["Bearer hunter2xyz"]}})
    log.info("GET https://x.org/a?token=hunter2&b=1")
    try:
        int("redis://:hunter2@cache:6379/0")
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    assert "hunter2" not in text
    assert "the-token-itself" not in text
    assert text.count(MASK) >= 6
    assert "b=1" in text
    assert "ValueError" in text


@given(st.text(), st.from_regex(r"[A-Za-z0-9_]{8,30}", fullmatch=True))
def test_a_known_secret_never_survives(text: str, secret: str) -> None:
    """Wherever it stands in a value."""
    cleaned = Redactor([secret])(None, "info", {"event": f"{text}{secret}{text}", "list": [secret, {"deep": (secret,)}]})
    assert secret not in cleaned["event"]
    assert cleaned["list"] == [MASK, {"deep": [MASK]}]


def test_ordinary_values_stay_as_they_are() -> None:
    """Numbers, short words and addresses without a password are not touched."""
    event = {"event": "read https://x.org/a?page=2", "rows": 7, "ok": True, "none": None, "path": "/data/basic"}
    assert Redactor(["s3cret"])(None, "info", dict(event)) == event
