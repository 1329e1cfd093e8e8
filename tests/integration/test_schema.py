"""The schema on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, text

from mtf_gateway.db import schema
from mtf_gateway.db.engine import Database, connect

COLUMNS = """
SELECT c.table_name, c.column_name, c.ordinal_position, c.data_type, c.is_nullable, c.column_default,
       col_description(format('%I', c.table_name)::regclass, c.ordinal_position)
FROM information_schema.columns c WHERE c.table_schema = 'public' ORDER BY 1, 3
"""
CONSTRAINTS = "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"


def described(database: Database) -> list[object]:
    """Everything the catalogue says of our tables."""

    def work(connection: Connection) -> list[object]:
        return [connection.execute(text(query)).all() for query in (COLUMNS, CONSTRAINTS, INDEXES)]

    return database.read_now(work)


def test_creating_at_once_and_migrating_lead_to_the_same_schema(database: Database, postgres_url: str, fresh_url: str) -> None:
    """Tables, columns, types, defaults, comments, constraints and indexes are equal, whichever way a database came to be."""
    migrated = described(database)
    with database.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    schema.create(database)
    assert described(database) == migrated
    schema.check(database)


def test_two_that_upgrade_at_once_do_not_meet(fresh_url: str) -> None:
    """The advisory lock lets one migrate while the other waits; both end at head."""
    databases = [connect(fresh_url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(schema.upgrade, databases)) == [schema.HEAD] * 3
    for database in databases:
        schema.check(database)
        database.close()
