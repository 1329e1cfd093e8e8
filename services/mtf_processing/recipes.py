"""Recipes without a model: tables that one can train on, and a fitted recipe applied to new rows.

    join(features, context, out, target="species")      # what the stage wrote, as one table: features, then the target under its own name
    apply(recipe, data, out)                             # a fitted recipe over a stored version; nothing is learned from it
    types(recipe)                                        # what to declare when that version is acquired from text, so that kinds agree

Both stream, and write beside the target first: a reader sees the whole file or none.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mtf.contracts.stages import Roles
from mtf.errors import DataError, UsageError
from mtf_processing.fitted import read_recipe
from mtf_processing.kernels.columns import decoded
from mtf_processing.pipeline import Pipeline
from mtf_processing.rows import TEST, Rows
from mtf_processing.rowset import TableWriter
from mtf_processing.rules import ROLES
from mtf_processing.version import BATCH, Version, fit_types


@dataclass(frozen=True)
class Written:
    """A table that was written."""

    rows: int
    columns: int
    dropped: int = 0
    """Rows that the recipe's steps dropped."""


def join(features: Path, context: Path, out: Path, *, target: str | None) -> Written:
    """Write the features of a row set, and its target as a last column called `target`, in the order of the rows.

    Raises DataError when the files are not of one row set, UsageError when `out` cannot be written.
    """
    with pq.ParquetFile(features, pre_buffer=False) as left, pq.ParquetFile(context, pre_buffer=False) as right:
        if left.metadata.num_rows != right.metadata.num_rows:
            raise DataError(
                "features and context are not of one row set", found=f"{left.metadata.num_rows} and {right.metadata.num_rows} rows"
            )
        names = [name for name in left.schema_arrow.names if name != "row_id"]
        wants_target = target is not None and "target" in right.schema_arrow.names
        if wants_target and target in names:
            raise DataError(
                f"a feature is called `{target}` like the target", field="processing", found=target, fix="`rename` the feature's column"
            )
        with _table(out) as writer:
            truths = right.iter_batches(batch_size=BATCH, columns=["target"]) if wants_target else iter(())
            for batch in left.iter_batches(batch_size=BATCH):
                chosen = batch.select(names)
                writer.write(chosen.append_column(str(target), next(truths).column("target")) if wants_target else chosen)
    return Written(writer.rows, len(names) + wants_target)


def apply(recipe: Path, data: Path, out: Path) -> Written:
    """Write the features that a fitted recipe makes of a stored version (Parquet), and the target where the version has it.

    Raises DataError for a file that is no recipe, for columns that are missing or of another kind, and when no row is left.
    """
    fitted = read_recipe(recipe)
    steps, params = fitted.bound()
    optional = tuple(column for role in ROLES if (column := getattr(fitted.roles, role)) is not None)
    version = fit_types(Version.open(data, "data"), fitted.input, optional)
    names = set(version.schema.names)
    held = {role: column if (column := getattr(fitted.roles, role)) in names else None for role in ROLES}
    roles = Roles(**held, features=fitted.features, drop=[name for name in fitted.roles.drop if name in names])
    line = Pipeline.bind(steps, version.schema, roles, params=params)
    rows = Rows.of(version, line, TEST, lambda _rows, _what: None)
    for k, bound in enumerate(steps):
        if bound.whole():
            rows.decide(k)
    end = len(steps)
    with _table(out) as writer:
        for frame in rows.frames(end, line.features, "applying", context=True):
            columns = {name: decoded(frame.visible.column(name)) for name in line.features}
            if "target" in frame.held:
                columns[str(line.points[end].roles.target)] = decoded(frame.held["target"])
            writer.write(pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns)))
        if writer.rows == 0:
            raise DataError(
                "the recipe drops every row", field="data", found=f"{version.rows:,} rows", fix="look at its steps that drop rows"
            )
    return Written(writer.rows, len(columns), version.rows - writer.rows)


def types(recipe: Path) -> dict[str, str]:
    """Declared types, as acquisition takes them, for the columns that a recipe reads as text, bools or times.

    A file of text does not say that `0123` is a text; the recipe does. Numbers are left to inference, because whole ones suit fractions.
    """
    names = {"text": "utf8", "bool": "bool", "time": "timestamp"}
    return {column: names[kind] for column, kind in read_recipe(recipe).input.items() if kind in names}


@contextmanager
def _table(out: Path) -> Iterator[TableWriter]:
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    writer = TableWriter(draft)
    try:
        yield writer
        writer.close()
        draft.replace(out)
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written: {error.strerror or error}", found=str(out), fix="name a file in a folder that exists"
        ) from None
    finally:
        writer.abandon()
        draft.unlink(missing_ok=True)
