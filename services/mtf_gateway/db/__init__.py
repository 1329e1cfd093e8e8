"""The database: tables, connections, repositories and migrations. SQL stands in this folder alone."""
