"""Re-evaluations on PostgreSQL."""

from pathlib import Path

import pytest

from mtf.storage.store import LocalStore
from mtf_gateway.db.engine import Database
from tests.suites.driving import House
from tests.suites.reevaluating import ReevaluatingSuite
from tests.suites.scripted import fleet


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """Scripted workers, and gateways over a fresh database."""
    store = LocalStore({area: tmp_path / area for area in ("data", "artifacts", "models", "logs")})
    return House(database, store, fleet(store))


class TestPostgresql(ReevaluatingSuite):
    """The suite on PostgreSQL."""
