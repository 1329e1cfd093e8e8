"""Alembic's entry: it always gets an open connection from `mtf_gateway.db.schema.upgrade`, which holds the lock and the transaction."""

from alembic import context

from mtf_gateway.db.tables import METADATA, OPEN_INDEX

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite cannot alter most of a table in place; Alembic then copies it.
    render_as_batch=True,
    compare_type=True,
    # This index is made by text; to Alembic's comparison it would look like one too many.
    include_name=lambda name, _kind, _parents: name != OPEN_INDEX,
)
context.run_migrations()
