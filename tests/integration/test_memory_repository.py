"""Revisions, re-evaluations and questions over many runs in PostgreSQL."""

from tests.suites.memory import MemorySuite


class TestPostgresql(MemorySuite):
    """The suite on PostgreSQL."""
