"""Connections. Repositories are written once; what differs between SQLite and PostgreSQL is said here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Double, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from mtf.errors import LimitError, SpecError, UnavailableError

T = TypeVar("T")

_POSTGRESQL = {
    "application_name": "mtf-gateway",
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    # A gateway that is stopped within a transaction must not keep a run's row locked for the others.
    "options": "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000",
}
"""How long anything on a connection may take, in seconds or milliseconds as each setting wants it."""

BUSY_TIMEOUT = 10.0
"""Seconds that a SQLite connection waits for the one writer."""


class clock(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """The database's own time, in seconds since 1970: the one clock that every owner of a lease can agree on."""

    type = Double()
    inherit_cache = True


@compiles(clock, "postgresql")
def _postgresql_clock(*_: Any, **__: Any) -> str:
    # clock_timestamp() moves within a transaction; now() would stand still while a claim waits for a lock.
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


@compiles(clock, "sqlite")
def _sqlite_clock(*_: Any, **__: Any) -> str:
    # unixepoch('subsec') needs SQLite 3.42; the Julian day is as good to a millisecond and everywhere.
    return "((julianday('now') - 2440587.5) * 86400.0)"


def connect(url: str) -> Database:
    """Open a database by SQLAlchemy URL: `sqlite:////path/mtf.db`, `postgresql://user@host/name`. Nothing is read or written yet.

    Raises SpecError for a URL of another kind.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SpecError("the database URL cannot be parsed", field="MTF_DATABASE_URL", fix="use postgresql://user@host/name") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args=_POSTGRESQL,
            pool_size=8,
            max_overflow=8,
            pool_timeout=10,
            pool_recycle=1800,
        )
    elif backend == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=8, max_overflow=8)
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        raise SpecError("only SQLite files and PostgreSQL are supported", field="MTF_DATABASE_URL", found=backend)
    return Database(engine)


def upgrade(url: str) -> str:
    """Bring the database behind a URL to the newest schema and return its revision; for `mtf db upgrade` and the one-shot service.

    Raises SpecError for a URL of another kind, UnavailableError for a server that does not answer within a minute.
    """
    from mtf_gateway.db import schema

    database = connect(url)
    try:
        asyncio.run(database.read(lambda _: None, patience=60.0))
        return schema.upgrade(database)
    finally:
        database.close()


class Database:
    """One pool of connections. `read` and `write` run a function with a connection in a thread, and outlive a restart of the server."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="mtf-db")

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    async def read(self, work: Callable[[Connection], T], *, patience: float = 2.0) -> T:
        """Run `work` outside a transaction, each statement by itself. Raises UnavailableError after `patience` seconds without a server."""
        return await self._attempt(lambda: self.read_now(work), patience)

    async def write(self, work: Callable[[Connection], T], *, patience: float = 2.0) -> T:
        """Run `work` in one transaction, again when the connection broke: `work` must bear being repeated after a commit that was lost.

        Raises UnavailableError after `patience` seconds without a server, LimitError when the disk is full.
        """
        return await self._attempt(lambda: self.write_now(work), patience)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """`read` in this thread, once."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return work(connection)

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """`write` in this thread, once."""
        with self.engine.begin() as connection:
            return work(connection)

    async def _attempt(self, work: Callable[[], T], patience: float) -> T:
        loop = asyncio.get_running_loop()
        give_up, pause = time.monotonic() + patience, 0.05
        while True:
            try:
                return await loop.run_in_executor(self._threads, work)
            except DBAPIError as error:
                if _disk_full(error):
                    raise LimitError("the disk of the database is full", fix="free space; the run goes on where it stood") from error
                if not _passing(error):
                    raise
                if time.monotonic() + pause > give_up:
                    raise UnavailableError("the database does not answer", fix="see whether it runs; nothing was lost") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    def close(self) -> None:
        """Close every connection."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()


def _sqlite_connect(connection: Any, _: Any) -> None:
    """WAL lets readers pass the writer; FULL makes a commit survive a power cut; transactions begin where we say so."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={int(BUSY_TIMEOUT * 1000)}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    """Take the write lock at the start: a transaction that reads first and then writes could otherwise fail without any way to wait."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _passing(error: DBAPIError) -> bool:
    """Whether the same statement may succeed in a moment: the server went away or restarts, or SQLite's writer is busy."""
    if error.connection_invalidated:
        return True
    text = str(error.orig).lower()
    if type(error.orig).__module__.startswith("sqlite3"):
        return "locked" in text or "busy" in text
    # psycopg's OperationalError covers refused connections, shutdown, start-up, deadlocks and serialisation failures.
    return type(error).__name__ in {"OperationalError", "InterfaceError"}


def _disk_full(error: DBAPIError) -> bool:
    text = str(error.orig).lower()
    return "disk is full" in text or "no space left" in text or "disk full" in text
