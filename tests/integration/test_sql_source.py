"""The `sql` source against a real PostgreSQL: streamed, read-only, and silent about its address."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from mtf.errors import DataError, EndpointError, MtfError
from mtf.plugins import SourceContext
from mtf.testing import StageRun, run_stage
from mtf_acquisition.net.database import Database
from mtf_acquisition.stage import STAGE


@pytest.fixture
def warehouse(fresh_url: str) -> str:
    """The address of a database with one table."""
    engine = sa.create_engine(fresh_url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE sales (id bigint, price numeric(10,2), paid boolean, at timestamptz, day date, name text, ref uuid, tags text[], raw bytea)"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO sales VALUES (1, 1.10, true, '2020-01-01 12:00+02', '2020-01-02', 'a:b %s', "
                "'00000000-0000-0000-0000-000000000001', '{x}', '\\x00'), (2, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL)"
            )
        )
    engine.dispose()
    return fresh_url


def acquire(url: str, query: str, folder: Path, **more: Any) -> StageRun:
    spec = STAGE.validate({"source": {"type": "sql", "credential": "WAREHOUSE", "query": query, **more}}).spec
    return run_stage(STAGE.entry, spec, output=folder / "out", source=SourceContext(credentials={"WAREHOUSE": url}))


def refused(url: str, query: str, folder: Path) -> MtfError:
    with pytest.raises(MtfError) as caught:
        acquire(url, query, folder)
    said = caught.value.problem().model_dump_json()
    parts = sa.make_url(url)
    assert not [part for part in (parts.password, parts.host, parts.query.get("host")) if part and str(part) in said]
    return caught.value


def test_types_of_postgresql(warehouse: str, tmp_path: Path) -> None:
    """Numbers, decimals, truth values, times, dates, texts and identifiers have canonical types."""
    run = acquire(warehouse, "SELECT id, price, paid, at, day, name, ref FROM sales ORDER BY id", tmp_path)
    table = pq.read_table(run.path("data"))
    assert [column["type"] for column in run.outcome.facts["columns"]] == [
        "int64",
        "decimal",
        "bool",
        "timestamp",
        "timestamp",
        "utf8",
        "utf8",
    ]
    assert table.to_pylist()[0] == {
        "id": 1,
        "price": Decimal("1.10"),
        "paid": True,
        "at": dt.datetime(2020, 1, 1, 10, tzinfo=dt.UTC),
        "day": dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
        "name": "a:b %s",
        "ref": "00000000-0000-0000-0000-000000000001",
    }
    assert set(table.to_pylist()[1].values()) == {2, None}


@pytest.mark.parametrize("column", ["tags", "raw"])
def test_values_without_canonical_type(warehouse: str, tmp_path: Path, column: str) -> None:
    """Lists and bytes are refused with their row and column."""
    error = refused(warehouse, f"SELECT {column} FROM sales ORDER BY id", tmp_path)  # noqa: S608 - a fixed list of columns
    assert isinstance(error, DataError)
    assert f"row 1 of column `{column}`" in error.message


def test_rows_are_streamed(warehouse: str) -> None:
    """The first rows of a long answer come before the last are made: a cursor stands on the server's side."""
    parts = Database(warehouse, "W").select(
        "SELECT i, pg_sleep(CASE WHEN i > 100 THEN 5 ELSE 0 END)::text FROM generate_series(1, 200) i", 50
    )
    names, rows = next(parts)
    parts.close()
    assert names[0] == "i"
    assert [row[0] for row in rows] == list(range(1, 51))


def test_nothing_can_be_written(warehouse: str, tmp_path: Path) -> None:
    """The transaction is read-only: a function that writes fails, and so does a statement that got past the door."""
    with pytest.raises(DataError, match="refused"):
        list(Database(warehouse, "W").select("INSERT INTO sales (id) VALUES (9) RETURNING id", 10))
    error = refused(warehouse, "SELECT setval(pg_get_serial_sequence('sales', 'id'), 1), lo_create(0)", tmp_path)
    assert "read-only" in str(error.found)
    assert acquire(warehouse, "SELECT id FROM sales", tmp_path).outcome.facts["rows"] == 2


def test_trouble(warehouse: str, tmp_path: Path) -> None:
    """A bad query, a wrong password or host, and a server that is gone are told apart."""
    assert "nope" in str(refused(warehouse, "SELECT nope FROM sales", tmp_path).found)
    gone = "postgresql+psycopg://ann:hunter2@127.0.0.1:9/x"
    assert isinstance(refused(gone, "SELECT 1", tmp_path), EndpointError)
    other = sa.make_url(warehouse).set(database="no_such_database").render_as_string(hide_password=False)
    assert isinstance(refused(other, "SELECT 1", tmp_path), EndpointError)


def test_many_rows_have_one_digest(warehouse: str, tmp_path: Path) -> None:
    """The size of a trip does not matter."""
    query = "SELECT i, i / 7.0 AS x, 'n' || i AS s FROM generate_series(1, 70000) i ORDER BY i"
    first = acquire(warehouse, query, tmp_path / "a", fetch_rows=1000).outcome.facts
    assert first["digest"] == acquire(warehouse, query, tmp_path / "b", fetch_rows=60_000).outcome.facts["digest"]
    assert first["rows"] == 70_000
