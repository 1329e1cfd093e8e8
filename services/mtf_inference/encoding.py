"""Hard labels of any type as fixed-size numbers: float64 values, or int32 codes into the distinct labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from mtf.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_LABELS = 10_000
"""Distinct hard labels of one batch; more mean that a regression model answers a classification task."""

Kind = Literal["none", "float64", "codes"]


def encode(found: Any, rows: int, *, regression: bool) -> tuple[Kind, list[Any], NDArray[Any] | None]:
    """Kind, distinct labels and (n,) numbers; -1 stands for a label that is missing, NaN or infinite. Raises ModelError for a wrong shape."""
    import numpy as np

    if found is None:
        return "none", [], None
    array = np.asarray(found)
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004 - a column of labels
        array = array[:, 0]
    if array.shape != (rows,):
        raise ModelError(f"the predictions have the shape {array.shape} for {rows:,} rows", fix="answer with one value for each row")
    if regression and array.dtype.kind == "O" and all(isinstance(value, float | int | None) for value in array):
        array = array.astype(np.float64)
    if regression and array.dtype.kind in "fiub":
        return "float64", [], np.ascontiguousarray(array, dtype="<f8")
    if array.dtype.kind in "iub":
        distinct, inverse = np.unique(array, return_inverse=True)
        _few(len(distinct))
        return "codes", distinct.tolist(), np.ascontiguousarray(inverse, dtype="<i4")
    codes = np.empty(rows, dtype="<i4")
    known: dict[Any, int] = {}
    for index, value in enumerate(array.tolist()):
        missing = value is None or (isinstance(value, float) and not math.isfinite(value))
        codes[index] = -1 if missing else known.setdefault(plain(value), len(known))
        _few(len(known))
    return "codes", list(known), codes


def plain(label: Any) -> str | bool | int | float:
    """A label as JSON carries it."""
    value = label.item() if hasattr(label, "item") else label
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str | bool | int | float) else str(value)


def _few(distinct: int) -> None:
    if distinct > MOST_LABELS:
        raise ModelError(
            f"the predictions have more than {MOST_LABELS:,} distinct values: this is no classification",
            fix="declare `evaluation.task: regression`, or predict labels",
        )
