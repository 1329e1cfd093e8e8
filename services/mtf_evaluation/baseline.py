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
from mtf_evaluation.scored import Scored

_FIX = "compare with a run on the same dataset version with the same split"


def align(ours: Scored, theirs: Scored, *, title: str) -> Scored:
    """The baseline's rows in our order and with our label codes. Raises DataError that says how many rows differ."""
    positions = _positions(ours.row_id, theirs.row_id, title)
    rows = replace(_reordered(theirs, positions), slices={})
    sample = _recoded(rows.sample, ours.sample.labels, title)
    differ = _differ(ours.sample.target, sample.target, ours.sample.task)
    if differ:
        raise DataError(
            f"the baseline {title} has another target in {differ:,} of {ours.rows:,} rows",
            field="evaluation.baseline",
            found=f"{differ:,} rows",
            fix=_FIX,
        )
    return replace(rows, sample=sample)


def _positions(ours: pa.Array, theirs: pa.Array, title: str) -> NDArray[np.int64]:
    """For each of our rows its position in the baseline."""
    if ours.type != theirs.type:
        ours, theirs = ours.cast(pa.string()), theirs.cast(pa.string())
    if ours.equals(theirs):
        return np.arange(len(ours))
    found = pc.index_in(ours, value_set=theirs)
    absent = found.null_count
    extra = int(pc.invert(pc.is_in(theirs, value_set=ours)).sum().as_py() or 0)
    if absent or extra:
        raise DataError(
            f"the baseline {title} was not scored on the same rows: {absent:,} of our {len(ours):,} rows are not among its "
            f"{len(theirs):,}, and {extra:,} of its rows are not among ours",
            field="evaluation.baseline",
            found=f"{absent + extra:,} rows differ",
            fix=_FIX,
        )
    if len(ours) != len(theirs):
        raise DataError(
            f"the baseline {title} names a row more than once", field="evaluation.baseline", found=f"{len(theirs):,} rows", fix=_FIX
        )
    positions: NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return positions


def _reordered(scored: Scored, positions: NDArray[np.int64]) -> Scored:
    sample = scored.sample
    moved = replace(
        sample,
        target=sample.target[positions],
        prediction=sample.prediction[positions],
        scores=None if sample.scores is None else sample.scores[positions],
        weight=None if sample.weight is None else sample.weight[positions],
        group=None if sample.group is None else sample.group[positions],
    )
    return replace(scored, row_id=scored.row_id.take(pa.array(positions)), sample=moved, kept=scored.kept[positions])


def _recoded(sample: Sample, labels: tuple[Any, ...], title: str) -> Sample:
    """The same predictions as codes into our labels."""
    if sample.task == "regression" or sample.labels == labels:
        return sample
    if set(map(repr, sample.labels)) != set(map(repr, labels)):
        raise DataError(
            f"the baseline {title} has other labels",
            field="evaluation.baseline",
            found=f"{list(sample.labels)} instead of {list(labels)}",
            fix=_FIX,
        )
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
