"""SQL, on SQLite files."""

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal
from typing import Any

import pytest

from mtf.errors import DataError, EndpointError, MtfError, SpecError
from mtf_acquisition.stage import STAGE
from mtf_acquisition.statement import problem_of
from mtf_acquisition.values import column_of

QUERY = "SELECT id, name, score, note FROM people ORDER BY id"


@pytest.fixture
def bank(lab: Any) -> Any:
    """A laboratory with a database of three rows behind the credential `WAREHOUSE`."""
    path = lab.folder / "bank-hunter2.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (id INTEGER, name TEXT, score REAL, note TEXT)")
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", [(1, "Ann", 1.5, ""), (2, "50%", None, "a:b"), (3, None, 2, "?")])
    connection.close()
    lab.credentials["WAREHOUSE"] = f"sqlite:///{path}"
    return lab


def sql(lab: Any, query: str = QUERY, **more: Any) -> Any:
    return lab.acquire({"type": "sql", "credential": "WAREHOUSE", "query": query, **more})


def refused(lab: Any, query: str = QUERY, **more: Any) -> MtfError:
    with pytest.raises(MtfError) as caught:
        sql(lab, query, **more)
    said = caught.value.problem().model_dump_json()
    assert "hunter2" not in said
    assert caught.value.fix
    return caught.value


def test_rows_arrive_in_order(bank: Any) -> None:
    """Types, missing values and order are the database's."""
    done = sql(bank)
    assert done.types == {"id": "int64", "name": "utf8", "score": "float64", "note": "utf8"}
    assert done.table.to_pydict() == {"id": [1, 2, 3], "name": ["Ann", "50%", None], "score": [1.5, None, 2.0], "note": [None, "a:b", "?"]}


def test_the_digest_does_not_depend_on_trips(bank: Any) -> None:
    """One row a trip or all at once is the same version."""
    assert sql(bank, fetch_rows=1).facts["digest"] == sql(bank).facts["digest"]


def test_percent_and_colon_are_themselves(bank: Any) -> None:
    """A query's text reaches the database as it is."""
    assert sql(bank, "SELECT id FROM people WHERE name LIKE '50%' AND note = 'a:b'").facts["rows"] == 1


def test_a_late_type_reads_again(bank: Any) -> None:
    """SQLite keeps any value in any column; a text among integers widens once."""
    query = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < 66000) SELECT CASE WHEN i = 65999 THEN 'x' ELSE i END AS v FROM n"
    done = sql(bank, query)
    assert done.types == {"v": "utf8"}
    assert done.table["v"][65999].as_py() == "x"
    assert done.table["v"][7].as_py() == "7"


def test_nothing_can_be_written(bank: Any) -> None:
    """The connection itself refuses, should a statement get past the door."""
    from mtf_acquisition.net.database import Database

    with pytest.raises(DataError, match="refused"):
        list(Database(bank.credentials["WAREHOUSE"], "W").select("INSERT INTO people VALUES (9, 'x', 1, 'y') RETURNING id", 10))
    assert sql(bank).facts["rows"] == 3


def test_bad_queries(bank: Any) -> None:
    """A column that is absent, no SELECT, no row, two columns of one name, bytes."""
    assert "nope" in str(refused(bank, "SELECT nope FROM people").found)
    assert isinstance(refused(bank, "DROP TABLE people"), SpecError)
    assert "no rows" in refused(bank, "SELECT id FROM people WHERE id > 9").message
    assert "same name" in refused(bank, "SELECT id, name AS id FROM people").message
    assert "row 1 of column `b`" in refused(bank, "SELECT x'00ff' AS b").message


def test_credentials(bank: Any) -> None:
    """Unknown, unreachable, nonsense and driverless ones are told apart, without their value."""
    bank.credentials["WAREHOUSE"] = "sqlite:////nowhere/hunter2.db"
    assert isinstance(refused(bank), EndpointError)
    bank.credentials["WAREHOUSE"] = "hunter2"
    assert "no database address" in refused(bank).message
    bank.credentials["WAREHOUSE"] = "nosuchdb://ann:hunter2@host/x"
    assert "driver" in refused(bank).message
    bank.credentials.clear()
    unknown = refused(bank)
    assert isinstance(unknown, SpecError)
    assert "`WAREHOUSE`" in unknown.message
    assert "MTF_CREDENTIAL_WAREHOUSE" in str(unknown.fix)
    assert "MTF_CREDENTIALS_DIR" in str(unknown.fix)


def test_provenance_has_the_name_of_the_credential_alone(bank: Any) -> None:
    """Neither facts, nor events, nor warnings hold its value."""
    done = sql(bank)
    assert done.facts["provenance"]["source"]["credential"] == "WAREHOUSE"
    assert "hunter2" not in repr((done.run.outcome, done.run.events))


def test_a_query_is_never_fresh(bank: Any) -> None:
    """A database does not tell, so that the answer is asked for anew each time."""
    spec = STAGE.validate({"source": {"type": "sql", "credential": "WAREHOUSE", "query": QUERY}}).spec
    assert STAGE.freshness(spec, bank.context) is None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        " select a from t;",
        "-- drop\n/* delete */ SELECT 'insert; x' AS \"update\" FROM t",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT deleted, updated_at FROM t",
        "SELECT $$drop; table$$",
        "SELECT replace(a, 'x', 'y') FROM t",
    ],
)
def test_selects_pass(query: str) -> None:
    """Comments, texts and quoted names are not statements."""
    assert problem_of(query) is None


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM t",
        "SELECT 1; DROP TABLE t",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "SELECT * INTO u FROM t",
        "/* SELECT */ UPDATE t SET a = 1",
        "PRAGMA query_only = OFF",
        "ATTACH 'x' AS y",
        "SELECT 'a' ; -- x\n DELETE FROM t",
        "",
        "SELECT 1\0",
    ],
)
def test_anything_else_does_not(query: str) -> None:
    """Several statements, and every word that changes something."""
    assert problem_of(query)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([True, None], "bool", [True, None]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([2**70, 1], "double", [float(2**70), 1.0]),
        ([Decimal("1.10"), Decimal(2)], "decimal128(38, 2)", [Decimal("1.10"), Decimal("2.00")]),
        ([Decimal("1.5"), 2], "decimal128(38, 1)", [Decimal("1.5"), Decimal("2.0")]),
        ([Decimal("NaN"), Decimal(1)], "decimal128(38, 0)", [None, Decimal(1)]),
        ([Decimal("1e50")], "double", [1e50]),
        ([dt.date(2020, 1, 2)], "timestamp[us, tz=UTC]", [dt.datetime(2020, 1, 2, tzinfo=dt.UTC)]),
        ([dt.time(1, 2)], "string", ["01:02:00"]),
        ([1, "x", True, 1.5, dt.date(2020, 1, 2)], "string", ["1", "x", "true", "1.5", "2020-01-02 00:00:00.000000Z"]),
    ],
)
def test_values_of_drivers(values: list[Any], kind: str, expected: list[Any]) -> None:
    """Each kind of value has its type; several kinds make text."""
    column = column_of(values)
    assert str(column.type) == kind
    assert column.to_pylist() == expected
