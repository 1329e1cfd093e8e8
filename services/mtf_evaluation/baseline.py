"""Puts another run's predictions beside this run's, row by row: a paired comparison needs the same rows with the same truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.scored import Scored

FIELD = "evaluation.baseline"
_FIX = "compare with a run on the same dataset version with the same split"


def align(ours: Scored, theirs: Scored, *, title: str, field: str = FIELD) -> Scored:
    """Their rows in our order and with our label codes. `title` names theirs. Raises DataError that says how many rows differ."""
    rows = _reordered(theirs, _positions(ours.row_id, theirs.row_id, title, field))
    rows = replace(rows, slices={}, sample=recoded(rows.sample, ours.sample.labels, title=title, field=field))
    differ = _differ(ours.sample.target, rows.sample.target, ours.sample.task)
    if differ:
        raise DataError(f"{title} has another target in {differ:,} of {ours.rows:,} rows", field=field, found=f"{differ:,} rows", fix=_FIX)
    return rows


def shared(ours: pa.Array, theirs: pa.Array) -> int:
    """How many of our row ids are among theirs."""
    ours, theirs = _alike(ours, theirs)
    return int(pc.is_in(ours, value_set=theirs).sum().as_py() or 0)


def _alike(ours: pa.Array, theirs: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Ids of one type: integers of one run and their text of the other name the same rows."""
    return (ours, theirs) if ours.type == theirs.type else (ours.cast(pa.string()), theirs.cast(pa.string()))


def _positions(ours: pa.Array, theirs: pa.Array, title: str, field: str) -> NDArray[np.int64]:
    """For each of our rows its position among theirs."""
    ours, theirs = _alike(ours, theirs)
    if ours.equals(theirs):
        return np.arange(len(ours))
    found = pc.index_in(ours, value_set=theirs)
    absent = found.null_count
    extra = int(pc.invert(pc.is_in(theirs, value_set=ours)).sum().as_py() or 0)
    if absent or extra:
        raise DataError(
            f"{title} was not scored on the same rows: {absent:,} of our {len(ours):,} rows are not among its "
            f"{len(theirs):,}, and {extra:,} of its rows are not among ours",
            field=field,
            found=f"{absent + extra:,} rows differ, {len(ours) - absent:,} are shared",
            fix=_FIX,
        )
    if len(ours) != len(theirs):
        raise DataError(f"{title} names a row more than once", field=field, found=f"{len(theirs):,} rows", fix=_FIX)
    positions: NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return positions


def _reordered(scored: Scored, positions: NDArray[np.int64]) -> Scored:
    moved = measure.subset(scored.sample, positions)
    return replace(scored, row_id=scored.row_id.take(pa.array(positions)), sample=moved, kept=scored.kept[positions])


def recoded(sample: Sample, labels: tuple[Any, ...], *, title: str, field: str = FIELD) -> Sample:
    """The same predictions as codes into our labels. Raises DataError for other labels."""
    if sample.task == "regression" or sample.labels == labels:
        return sample
    if set(map(repr, sample.labels)) != set(map(repr, labels)):
        found = f"{list(sample.labels)} instead of {list(labels)}"
        raise DataError(f"{title} has other labels", field=field, found=found, fix=_FIX)
    ours = [list(map(repr, labels)).index(repr(label)) for label in sample.labels]
    code = np.array([*ours, -1], dtype=np.int32)  # -1, a missing code, stays -1
    scores = sample.scores
    if scores is not None:
        scores = np.empty_like(sample.scores)
        scores[:, ours] = sample.scores
    return replace(sample, target=code[sample.target], prediction=code[sample.prediction], scores=scores, labels=labels)


def _differ(ours: NDArray[Any], theirs: NDArray[Any], task: str) -> int:
    if task == "regression":
        return int((~((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)))).sum())
    return int((ours != theirs).sum())
