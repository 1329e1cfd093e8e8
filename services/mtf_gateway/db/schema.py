"""Is the database at the schema this code was written for, and how does it get there?"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, func, insert, inspect, select

from mtf.errors import PlatformError
from mtf_gateway.db.engine import Database
from mtf_gateway.db.tables import HEAD, METADATA, VERSION

__all__ = ["HEAD", "LOCK", "SchemaError", "check", "create", "open_or_create", "revision", "upgrade"]

LOCK = 0x6D7466
"""Key of PostgreSQL's advisory lock around an upgrade, so that two one-shot services do not migrate at once."""


class SchemaError(PlatformError):
    """The database is not at this version's schema."""

    code, status = "schema-mismatch", 503


def revision(connection: Connection) -> str | None:
    """The migration that the database says it is at; None for one without our tables."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    found: str | None = connection.execute(select(VERSION.c.version_num)).scalar_one_or_none()
    return found


def check(database: Database) -> None:
    """Return when the schema is the one of this code. Raises SchemaError with the command that helps."""
    found = database.read_now(revision)
    if found != HEAD:
        said = "has no tables yet" if found is None else f"is at schema {found}"
        raise SchemaError(f"the database {said}; this version needs {HEAD}", found=found, fix="run `mtf db upgrade`")


def create(database: Database) -> None:
    """Make every table of an empty database and stamp it as migrated, in one transaction and without importing Alembic.

    An existing database is left as it is; `check` then tells whether it fits.
    """

    def work(connection: Connection) -> None:
        if inspect(connection).has_table(VERSION.name):
            return
        METADATA.create_all(connection, checkfirst=False)
        VERSION.create(connection)
        connection.execute(insert(VERSION).values(version_num=HEAD))

    database.write_now(work)


def open_or_create(database: Database, path: Path) -> None:
    """Bring an embedded SQLite file to the schema: new ones by `create`, older ones by their migrations, current ones by nothing."""
    if not path.exists() or path.stat().st_size == 0:
        create(database)
    if database.read_now(revision) != HEAD:
        upgrade(database)


def upgrade(database: Database, revision_id: str = "head") -> str:
    """Run the missing migrations and return the revision reached. At head nothing happens, and Alembic is not even imported."""
    found = database.read_now(revision)
    if found == HEAD and revision_id == "head":
        return HEAD
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with database.engine.begin() as connection:
        if database.dialect == "postgresql":
            # Waiting for another migration, or rewriting a large table, may take longer than a request.
            for setting in ("statement_timeout", "lock_timeout"):
                connection.execute(select(func.set_config(setting, "0", True)))
            connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, revision_id)
        return revision(connection) or ""
