"""A PostgreSQL of its own, because the ring restarts it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import PostgresServer, postgres


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="mtf-pg-") as folder, postgres(Path(folder) / "data") as server:
        yield server
