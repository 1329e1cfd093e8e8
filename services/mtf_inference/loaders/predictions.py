"""Predictions that were made elsewhere: a CSV or Parquet file with a row for each scored row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from mtf.errors import DataError, SpecError
from mtf.plugins import Prediction

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

SHOWN = 5
SCORE = "score:"
LIMITS = ("lower", "upper")
"""Columns of the limits of prediction intervals."""


class PredictionsArgs(BaseModel):
    """How to read the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["csv", "parquet"] | None = Field(default=None, description="Told from the file's head when absent.")
    delimiter: str = Field(default=",", min_length=1, max_length=1)


class PredictionsLoader:
    """Opens a file with the columns `prediction`, and `score` (of the positive class) or `score:<label>` for each class.

    For a regression `lower` and `upper` may carry the limits of the model's own prediction intervals.
    """

    name: ClassVar[str] = "predictions"
    version: ClassVar[int] = 2
    Args: ClassVar[type[PredictionsArgs]] = PredictionsArgs
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".parquet")
    remote: ClassVar[bool] = False
    unsafe: ClassVar[bool] = False
    aligned: ClassVar[bool] = True
    """Answers by row, not by features, and is data: it needs no process of its own."""
    packages: ClassVar[tuple[str, ...]] = ("pyarrow",)

    def sniff(self, head: bytes) -> bool:
        """Parquet's magic, or a line of text that names one of the columns."""
        if head.startswith(b"PAR1"):
            return True
        first = head.split(b"\n", 1)[0].lower()
        return b"\0" not in head and (b"prediction" in first or b"score" in first)

    def load(self, path: Path | None, args: PredictionsArgs) -> PredictionsModel:
        """Open without an id column: rows in order."""
        return self.align(path, args, id_column=None, rows=None)

    def align(self, path: Path | None, args: PredictionsArgs, *, id_column: str | None, rows: int | None) -> PredictionsModel:
        """Open the file for `rows` scored rows. Raises DataError that says what is wrong with the file."""
        if path is None:
            raise SpecError("predictions are a file", field="model.source.path")
        return PredictionsModel(_read(path, args), id_column, rows)


class PredictionsModel:
    """Looks rows up by the id column where the file has it, else takes them in order."""

    def __init__(self, table: pa.Table, id_column: str | None, rows: int | None) -> None:
        names = table.column_names
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise DataError(f"the predictions file has the column `{doubled[0]}` twice", field="model.source", found=", ".join(names[:20]))
        self._scores = ["score"] if "score" in names else [name for name in names if name.startswith(SCORE)]
        if "prediction" not in names and not self._scores:
            raise DataError(
                "the predictions file has neither a column `prediction` nor `score` nor `score:<label>`",
                field="model.source",
                found=", ".join(names[:20]),
                fix="name the columns so",
            )
        self._limits = LIMITS if set(LIMITS) <= set(names) else ()
        self._table, self._next = table, 0
        self._id = next((name for name in (id_column, "row_id") if name and name in names), None)
        if self._id is None and rows is not None and rows != table.num_rows:
            raise DataError(
                f"the predictions file has {table.num_rows:,} rows, and {rows:,} rows are scored",
                field="model.source",
                fix="write one row for each scored row, or add the id column" + (f" `{id_column}`" if id_column else " `row_id`"),
            )
        self.features: Sequence[str] | None = ["row_id"]
        self.labels: Sequence[Any] | None = [name[len(SCORE) :] for name in self._scores] if self._scores not in ([], ["score"]) else None
        if self._id is not None:
            self._keys = table.column(self._id).cast("string")
            _unique(self._keys, self._id)

    def predict(self, table: pa.Table) -> Prediction:
        """The rows of the file that belong to the `row_id` column of `table`."""
        import numpy as np

        part = self._rows(table)
        labels = part.column("prediction").to_pandas().to_numpy() if "prediction" in part.column_names else None
        scores = np.column_stack([_numbers(part, name) for name in self._scores]) if self._scores else None
        interval = np.column_stack([_numbers(part, name) for name in self._limits]) if self._limits else None
        return Prediction(labels=labels, scores=scores, interval=interval)

    def describe(self) -> dict[str, Any]:
        """What the file holds."""
        return {"format": "predictions", "rows": self._table.num_rows, "columns": self._table.column_names[:50], "by": self._id or "order"}

    def _rows(self, table: pa.Table) -> pa.Table:
        import pyarrow.compute as pc

        start, self._next = self._next, self._next + table.num_rows
        if self._id is None:
            return self._table.slice(start, table.num_rows)
        wanted = table.column("row_id").cast("string")
        if wanted.equals(self._keys.slice(start, table.num_rows)):
            return self._table.slice(start, table.num_rows)
        found = pc.index_in(wanted, value_set=self._keys.combine_chunks())
        if found.null_count:
            lacking = wanted.filter(pc.is_null(found)).to_pylist()
            shown = ", ".join(str(value)[:40] for value in lacking[:SHOWN])
            raise DataError(
                f"the predictions file lacks {len(lacking):,} of the scored rows, first {self._id} {shown}",
                field="model.source",
                found=shown,
                fix="predict every scored row",
            )
        return self._table.take(found)


def _read(path: Path, args: PredictionsArgs) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise DataError("the predictions file is empty", field="model.source")
    try:
        if (args.format or ("parquet" if head == b"PAR1" else "csv")) == "parquet":
            return pq.read_table(path, use_threads=False)
        return pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(use_threads=False),
            parse_options=pa.csv.ParseOptions(delimiter=args.delimiter),
            convert_options=pa.csv.ConvertOptions(null_values=[""], strings_can_be_null=True),
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = "".join(character if character.isprintable() else "?" for character in str(error)[:150])
        raise DataError(
            "the predictions file is neither CSV nor Parquet that can be read",
            field="model.source",
            found=said,
            fix="write a header and one row for each scored row; name another `delimiter` if it is not a comma",
        ) from None


def _unique(keys: pa.ChunkedArray, name: str) -> None:
    import pyarrow.compute as pc

    if keys.null_count:
        raise DataError(f"{keys.null_count:,} rows of the predictions file have no `{name}`", field="model.source")
    if pc.count_distinct(keys).as_py() != len(keys):
        counts = pc.value_counts(keys)
        double = counts.filter(pc.greater(counts.field("counts"), 1))[0]["values"].as_py()
        raise DataError(f"the predictions file has the {name} {double!r} more than once", field="model.source", found=double)


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    """One column of numbers as float64, NaN for null. Raises DataError for text."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        column = pc.fill_null(table.column(name).cast(pa.float64()), float("nan"))
    except pa.ArrowInvalid as error:
        raise DataError(f"the column `{name}` of the predictions file is not numeric ({str(error)[:200]})", field="model.source") from None
    return np.asarray(column.to_numpy(), dtype=np.float64)
