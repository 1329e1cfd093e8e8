"""Re-evaluations on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtf.storage.store import LocalStore
from mtf_gateway.db.engine import connect
from mtf_gateway.db.schema import create
from tests.suites.driving import House
from tests.suites.reevaluating import ReevaluatingSuite
from tests.suites.scripted import fleet


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Scripted workers, and gateways over a fresh file."""
    database = connect(f"sqlite:///{tmp_path / 'mtf.db'}")
    create(database)
    store = LocalStore({area: tmp_path / area for area in ("data", "artifacts", "models", "logs")})
    yield House(database, store, fleet(store))
    database.close()


class TestSqlite(ReevaluatingSuite):
    """The suite on SQLite."""
