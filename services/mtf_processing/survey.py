"""The pass behind acquisition: who stays, who is a training row, and whether the run file fits the data. Nothing is learned yet."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from mtf.contracts.stages import ProcessingSpec, Roles
from mtf.errors import DataError, SpecError
from mtf_processing.census import Census, Judge
from mtf_processing.kernels.columns import decoded, kind_of, plain
from mtf_processing.kernels.hashing import column_hash
from mtf_processing.names import absent, listed
from mtf_processing.pipeline import Pipeline
from mtf_processing.rows import TEST, TRAIN, Rows
from mtf_processing.rules import ROLES, Bound
from mtf_processing.version import Version


def check_columns(version: Version, spec: ProcessingSpec, steps: list[Bound]) -> None:
    """Raise SpecError for a column that the run file names and the version lacks, with the nearest one."""
    names = version.schema.names
    for role in ROLES:
        column = getattr(spec.roles, role)
        if column is not None and column not in names:
            raise absent(f"the {role}", column, names, where=f"dataset.{role}")
    for key, columns in (("features", spec.roles.features or ()), ("drop", spec.roles.drop)):
        for column in columns:
            if column not in names:
                raise absent("the column", column, names, where=f"dataset.{key}")
    known = {*names, *(new for bound in steps for new in bound.renames().values())}
    for key, named in (("gates", list(spec.slice_values)), ("slices", spec.slices)):
        for column in named:
            if column not in known:
                raise absent("the slice", column, names, where=f"evaluation.{key}")
    _check_types(version, spec)


def _check_types(version: Version, spec: ProcessingSpec) -> None:
    for item in version.schema:
        if item.name in spec.roles.drop:
            continue
        try:
            kind_of(item.type)
        except DataError as error:
            name = item.name[:100]
            raise DataError(
                f"column `{name}`: {error.message}", field="dataset.source", found=str(item.type), fix="add it to `dataset.drop`"
            ) from None


def survey(rows: Rows, census: Census, roles: Roles) -> None:
    """Run the steps that need no learning, decide every row's fate, count labels and slice values, and judge the rows that remain."""
    pipeline = rows.pipeline
    stop = pipeline.known
    for k in range(stop):
        if pipeline.steps[k].whole():
            _check_classes(pipeline, k)
            rows.decide(k)
    judge = Judge(roles, rows.version.name)
    for frame in rows.frames(stop, (), "looking at every row", context=True, every=True, count=True):
        census.add(frame, slices=rows.version.name == "data")
        judge.add(frame)
        rows.settle(stop, frame)
    _check_rows(rows)
    if not any(bound.kind == "rows" for bound in pipeline.steps[stop:]):
        conclude(rows, judge)


def conclude(rows: Rows, judge: Judge) -> None:
    """Raise DataError for rows that cannot be tested."""
    judge.check()
    suspects = judge.suspects()
    if len(suspects):
        _check_ids(rows, suspects, judge.roles)


def _check_rows(rows: Rows) -> None:
    if rows.version.name != "data":
        if not (rows.fate == TRAIN).any():
            raise DataError("the steps drop every row of the training data", field="processing", fix="look at the steps that drop rows")
        return
    if not (rows.fate != 0).any():
        raise DataError("the steps drop every row", field="processing", found=_dropped(rows), fix="look at the steps that drop rows")
    if not (rows.fate == TEST).any():
        split = next(bound for bound in rows.pipeline.steps if bound.kind == "split")
        count = int((rows.fate == TRAIN).sum())
        raise DataError(
            f"the split leaves no test rows of {count:,}",
            field=split.where,
            found="0 test rows",
            fix="give it a larger share, or more data",
        )


def _dropped(rows: Rows) -> str:
    return ", ".join(f"{rows.pipeline.steps[k].name}: {before:,} to {after:,} rows" for k, (before, after) in rows.counts.items())


def _check_classes(pipeline: Pipeline, k: int) -> None:
    bound = pipeline.steps[k]
    if bound.kind == "split" and getattr(bound.args, "stratify", False) is True and pipeline.points[k].roles.target is None:
        raise SpecError(
            "there is no target to stratify by", field=f"{bound.where}.stratify", found=True, fix="name the target, or a column"
        )


def _check_ids(rows: Rows, suspects: Any, roles: Roles) -> None:
    counts: Counter[Any] = Counter()
    for frame in rows.frames(rows.pipeline.known, (), "comparing ids", context=True):
        column = frame.held.get("id")
        if column is None:
            return
        chosen = np.isin(column_hash(column), suspects)
        counts.update(plain(value) for value in decoded(column).filter(pa.array(chosen)).to_pylist())
    twice = [value for value, count in counts.items() if count > 1]
    if twice:
        extra = sum(count - 1 for count in counts.values() if count > 1)
        raise DataError(
            f"the id `{roles.id}` repeats: {extra:,} of the rows have one that another row has",
            field="dataset.id",
            found=listed(twice[:5]),
            fix="name a column that is different in every row, drop the repetitions with `drop_duplicates`, or leave `id` out",
        )
