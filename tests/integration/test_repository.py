"""Runs in PostgreSQL."""

from tests.suites.repository import RepositorySuite


class TestPostgresql(RepositorySuite):
    """The suite on PostgreSQL."""
