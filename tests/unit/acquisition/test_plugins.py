"""The built-in sources keep the public promises of a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from pydantic import BaseModel, ConfigDict

from mtf.plugins import SourceContext, load, names
from mtf.testing import check_arguments, check_source


@pytest.fixture
def context(tmp_path: Path) -> SourceContext:
    """A folder with a file, an upload and a database."""
    (tmp_path / "t.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / ("0" * 64)).write_text('{"a": 1}\n')
    connection = sqlite3.connect(tmp_path / "t.db")
    connection.executescript("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2);")
    connection.close()
    credentials = {"W": f"sqlite:///{tmp_path / 't.db'}"}
    return SourceContext(credentials=credentials, base=tmp_path, uploads=tmp_path / "uploads")


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("file", {"path": "t.csv"}),
        ("upload", {"digest": "0" * 64}),
        ("builtin", {"name": "wine"}),
        ("sql", {"credential": "W", "query": "SELECT a FROM t ORDER BY a"}),
    ],
)
def test_promises(context: SourceContext, name: str, args: dict[str, Any]) -> None:
    """Same rows twice, one schema, a freshness that holds, no secret."""
    assert check_source(load("source", name), args, context).num_rows


@pytest.mark.parametrize("name", names("source"))
def test_arguments(name: str) -> None:
    """Arguments are frozen, strict and described."""
    check_arguments(load("source", name))


class Moody:
    """A source that reads something else each time."""

    name: ClassVar[str] = "moody"
    version: ClassVar[int] = 1
    readings = 0

    class Args(BaseModel):
        """None."""

        model_config = ConfigDict(frozen=True, extra="forbid")

    def freshness(self, args: Any, context: SourceContext) -> str | None:
        """Never."""
        return None

    def read(self, args: Any, context: SourceContext) -> Iterator[pa.RecordBatch]:
        """Count the readings."""
        self.readings += 1
        yield pa.RecordBatch.from_pydict({"a": [self.readings]})


def test_a_broken_promise_is_found(context: SourceContext) -> None:
    """The check is able to fail."""
    with pytest.raises(AssertionError, match="same twice"):
        check_source(Moody(), {}, context)
