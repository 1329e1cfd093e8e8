"""The schema on SQLite, and what opening it costs."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection

from mtf.errors import SpecError
from mtf_gateway.db import schema
from mtf_gateway.db.engine import Database, connect


def described(database: Database) -> list[tuple[object, ...]]:
    """Every statement that the file says it was made by."""

    def work(connection: Connection) -> list[tuple[object, ...]]:
        rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
        return [(kind, name, table, " ".join(str(sql).split())) for kind, name, table, sql in rows]

    return database.read_now(work)


def test_creating_at_once_and_migrating_lead_to_the_same_schema(tmp_path: Path) -> None:
    """The fast path of a new file and Alembic's migrations write the same statements."""
    created, migrated = connect(f"sqlite:///{tmp_path / 'a.db'}"), connect(f"sqlite:///{tmp_path / 'b.db'}")
    schema.open_or_create(created, tmp_path / "a.db")
    assert schema.upgrade(migrated) == schema.HEAD
    assert described(created) == described(migrated)
    created.close()
    migrated.close()


def test_the_tables_and_the_migrations_agree(tmp_path: Path) -> None:
    """Alembic finds nothing to do between the migrated database and the tables of the code."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from mtf_gateway.db.tables import METADATA, OPEN_INDEX

    database = connect(f"sqlite:///{tmp_path / 'a.db'}")
    schema.upgrade(database)
    # Defaults, and the index that is made by text, are compared by the test above.
    options = {"compare_type": True, "include_name": lambda name, *_: name != OPEN_INDEX}
    assert database.read_now(lambda c: compare_metadata(MigrationContext.configure(c, opts=options), METADATA)) == []
    database.close()


def test_a_database_without_tables_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    """An application only checks; it never migrates by itself."""
    database = connect(f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(schema.SchemaError) as caught:
        schema.check(database)
    assert "mtf db upgrade" in str(caught.value.fix)
    database.write_now(lambda c: c.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)"))
    database.write_now(lambda c: c.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')"))
    with pytest.raises(schema.SchemaError, match="9999"):
        schema.check(database)
    database.close()


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    """A second process finds the file as the first one left it."""
    for _ in range(2):
        database = connect(f"sqlite:///{tmp_path / 'a.db'}")
        schema.open_or_create(database, tmp_path / "a.db")
        schema.check(database)
        database.close()


def test_sqlite_survives_a_power_cut_and_waits_for_its_writer(tmp_path: Path) -> None:
    """Every connection uses a write-ahead log, full synchronisation, foreign keys and a busy time-out."""
    database = connect(f"sqlite:///{tmp_path / 'a.db'}")
    found = [
        database.read_now(lambda c, name=name: c.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    ]
    assert found == ["wal", 2, 1, 10_000]
    database.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "not a url"])
def test_other_databases_are_refused(url: str) -> None:
    """The error names the setting."""
    with pytest.raises(SpecError) as caught:
        connect(url)
    assert caught.value.field == "MTF_DATABASE_URL"


def test_the_embedded_form_imports_no_server_and_no_data_library() -> None:
    """Opening an embedded gateway loads neither a web framework nor Alembic, Redis, Arrow or PostgreSQL."""
    code = (
        "import sys, tempfile, pathlib\n"
        "from mtf_gateway.embedded import open_embedded\n"
        "gateway = open_embedded(pathlib.Path(tempfile.mkdtemp()), {})\n"
        "gateway.database.close()\n"
        "heavy = {'fastapi', 'starlette', 'alembic', 'redis', 'pyarrow', 'numpy', 'pandas', 'sklearn', 'psycopg', 'prometheus_client', 'httpx2'}\n"
        "print(sorted(heavy & set(sys.modules)), 'sqlalchemy.dialects.postgresql' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False", done.stderr
