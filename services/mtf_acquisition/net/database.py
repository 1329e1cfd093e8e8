"""Reading from a database: read-only, in a stream, and without a word of the address in any message."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc, pool

from mtf.errors import DataError, EndpointError, SpecError

CONNECT_TIMEOUT = 10
_FIELD = "dataset.source.credential"


class Database:
    """One database, opened for one query at a time. `address` is a SQLAlchemy URL and a secret; `name` is what messages call it."""

    def __init__(self, address: str, name: str) -> None:
        self._name = name
        try:
            self._url = sa.make_url(address)
        except exc.ArgumentError:
            raise self._unusable(
                "is no database address", "its value reads like postgresql+psycopg://user:password@host/database"
            ) from None
        if self._url.drivername in {"postgres", "postgresql"}:
            self._url = self._url.set(drivername="postgresql+psycopg")
        self._check_file()

    def select(self, query: str, rows: int) -> Generator[tuple[list[str], Sequence[Sequence[Any]]], None, None]:
        """Yield column names with at most `rows` rows at a time; names alone where there is no row."""
        engine = self._engine()
        try:
            with self._connected(engine) as connection:
                yield from self._rows(connection, query, rows)
        finally:
            engine.dispose()

    def _rows(self, connection: sa.Connection, query: str, rows: int) -> Iterator[tuple[list[str], Sequence[Sequence[Any]]]]:
        options = {"stream_results": True, "max_row_buffer": rows, "no_parameters": True}
        try:
            with closing(connection.exec_driver_sql(query, execution_options=options)) as result:
                names = [str(name) for name in result.keys()]  # noqa: SIM118 - a result is no mapping
                some = False
                for part in result.partitions(rows):
                    some = True
                    yield names, part
                if not some:
                    yield names, []
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                raise EndpointError(
                    f"the database behind `{self._name}` closed the connection", field=_FIELD, found=self._said(error), fix="run again"
                ) from None
            raise DataError(
                "the database refused the query", field="dataset.source.query", found=self._said(error), fix="correct the query"
            ) from None
        except exc.ResourceClosedError:
            raise DataError("the query gives no rows back", field="dataset.source.query", fix="give one SELECT") from None

    def _engine(self) -> sa.Engine:
        backend = self._url.get_backend_name()
        arguments: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT} if backend in {"postgresql", "mysql", "mariadb"} else {}
        try:
            engine = sa.create_engine(self._url, poolclass=pool.NullPool, connect_args=arguments, hide_parameters=True)
        except (exc.NoSuchModuleError, ImportError):
            raise self._unusable(f"names a database that this service has no driver for (`{backend}`)", "install its driver") from None
        if backend == "sqlite":
            sa.event.listen(engine, "connect", _forbid_writing)
        return engine

    def _connected(self, engine: sa.Engine) -> sa.Connection:
        try:
            connection = engine.connect()
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
            elif engine.dialect.name in {"mysql", "mariadb"}:
                connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
                connection.rollback()
        except exc.DBAPIError as error:
            raise EndpointError(
                f"the database behind `{self._name}` cannot be reached",
                field=_FIELD,
                found=self._said(error),
                fix="check that it runs, and the credential's value",
            ) from None
        return connection

    def _check_file(self) -> None:
        """A SQLite file that is absent would be made, empty, by opening it."""
        file = self._url.database
        if self._url.get_backend_name() == "sqlite" and file and not file.startswith((":", "file:")) and not Path(file).is_file():
            raise EndpointError(
                f"the database behind `{self._name}` cannot be reached",
                field=_FIELD,
                found="no such file",
                fix="check the credential's value",
            )

    def _said(self, error: exc.DBAPIError) -> str:
        """The driver's first line, without the parts of the address."""
        said = (str(error.orig).strip() or type(error.orig).__name__).split("\n")[0]
        for part in (self._url.password, self._url.username, self._url.host, self._url.database, *self._url.query.values()):
            if part:
                said = said.replace(str(part), "…")
        return said

    def _unusable(self, what: str, fix: str) -> SpecError:
        return SpecError(f"the credential `{self._name}` {what}", field=_FIELD, found=self._name, fix=fix)


def _forbid_writing(connection: Any, record: Any) -> None:  # noqa: ARG001 - SQLAlchemy's event gives both
    """SQLite has no read-only transaction; its connection has."""
    connection.execute("PRAGMA query_only = ON")
