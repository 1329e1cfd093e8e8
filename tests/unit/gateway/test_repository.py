"""Runs in SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtf_gateway.db.engine import Database, connect
from mtf_gateway.db.schema import create
from tests.suites.repository import RepositorySuite


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A fresh file."""
    database = connect(f"sqlite:///{tmp_path / 'mtf.db'}")
    create(database)
    yield database
    database.close()


class TestSqlite(RepositorySuite):
    """The suite on SQLite."""
