"""Alembic's entry: it always gets an open connection from `mtf_gateway.db.schema.upgrade`, which holds the lock and the transaction."""

from alembic import context

from mtf_gateway.db.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite cannot alter most of a table in place; Alembic then copies it.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
