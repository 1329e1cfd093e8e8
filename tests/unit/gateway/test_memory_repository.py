"""Revisions, re-evaluations and questions over many runs in SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtf_gateway.db.engine import Database, connect
from mtf_gateway.db.schema import create
from tests.suites.memory import MemorySuite


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A fresh file."""
    database = connect(f"sqlite:///{tmp_path / 'mtf.db'}")
    create(database)
    yield database
    database.close()


class TestSqlite(MemorySuite):
    """The suite on SQLite."""
