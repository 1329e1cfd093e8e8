"""`sql`: the rows of one query, streamed from a database that a named credential opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mtf.errors import DataError
from mtf.plugins import SourceContext
from mtf_acquisition.credentials import secret
from mtf_acquisition.formats.options import CredentialName
from mtf_acquisition.statement import problem_of

if TYPE_CHECKING:
    import pyarrow as pa

_FIELD = "dataset.source.query"


class SqlArgs(BaseModel):
    """A query and the name of the database's address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    credential: CredentialName = Field(
        description="The name of a secret that is a whole SQLAlchemy URL, for example postgresql+psycopg://user:password@host/database."
    )
    query: str = Field(
        min_length=1, max_length=100_000, description="One SELECT. Add ORDER BY: without it a database may answer in any order."
    )
    na_values: list[str] = Field(default=[""], description="Texts that mean missing, in every column.")
    fetch_rows: int = Field(default=8_192, ge=1, le=65_536, description="Rows of one trip to the database.")

    @field_validator("query")
    @classmethod
    def _one_select(cls, value: str) -> str:
        problem = problem_of(value)
        if problem:
            raise ValueError(problem)
        return value


class SqlSource:
    """One SELECT over SQLAlchemy, in a read-only transaction, with a cursor on the server's side."""

    name: ClassVar[str] = "sql"
    version: ClassVar[int] = 1
    Args: ClassVar[type[SqlArgs]] = SqlArgs

    def freshness(self, args: SqlArgs, context: SourceContext) -> str | None:
        """None: a database does not tell whether a query's answer changed. The credential must exist."""
        secret(args.credential, context)
        return None

    def read(self, args: SqlArgs, context: SourceContext) -> Iterator[pa.RecordBatch]:
        """Yield batches of `fetch_rows` rows. Raises SpecError, DataError or EndpointError without a word of the address."""
        from mtf_acquisition.net.database import Database

        database = Database(secret(args.credential, context), args.credential)
        before = 0
        with closing(database.select(args.query, args.fetch_rows)) as parts:
            for names, rows in parts:
                yield _batch(names, rows, before)
                before += len(rows)


def _batch(names: Sequence[str], rows: Sequence[Sequence[Any]], before: int) -> pa.RecordBatch:
    import pyarrow as pa

    from mtf_acquisition.values import NestedError, column_of

    arrays = []
    for name, values in zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True):
        try:
            arrays.append(column_of(values))
        except NestedError as error:
            raise DataError(
                f"row {before + error.position + 1:,} of column `{name[:100]}` holds a value that is no number, text or time",
                field=_FIELD,
                found=type(error.found).__name__,
                fix="cast it in the query, for example to text, or select its parts",
            ) from None
    return pa.RecordBatch.from_arrays(arrays, names=list(names))
