"""The user's scores as one column per label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.errors import DataError
from mtf_evaluation.inputs.columns import missing, numbers

Floats = NDArray[np.float64]


def scores_of(values: Any, k: int, *, positive: int, name: str = "y_score") -> Floats:
    """(n, k) scores in the order of the labels.

    Args:
        values: (n,) scores of the positive class, or (n, k) in the order of the labels.
        k: Number of labels.
        positive: For two labels the position of the positive one.
        name: The argument, for errors.

    Raises:
        DataError: Wrong shape, no numbers, or values that are missing or infinite.
    """
    shape = getattr(values, "shape", None)
    table = _nested(values) if shape is None else (len(shape) == 2 and shape[1] > 1)  # noqa: PLR2004 - two dimensions
    if not table:
        column = numbers(values, name)
        if k != 2:  # noqa: PLR2004 - two labels
            raise DataError(
                f"`{name}` needs one column for each of the {k} labels", field=name, found="one column", fix="give predict_proba's answer"
            )
        scores = np.empty((column.size, 2))
        scores[:, positive], scores[:, 1 - positive] = column, 1 - column
        return scores
    return _table(values, k, name)


def _table(values: Any, k: int, name: str) -> Floats:
    try:
        scores = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"`{name}` must be numbers, in rows of one length", field=name, fix="give predict_proba's answer") from None
    if scores.ndim != 2 or scores.shape[1] != k:  # noqa: PLR2004 - two dimensions
        raise DataError(
            f"`{name}` must have one column for each of the {k} labels",
            field=name,
            found=f"shape {scores.shape}",
            fix="declare the labels in the order of the columns with labels=[...]",
        )
    wrong = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if wrong.size:
        raise missing(name, wrong, len(scores))
    return scores


def _nested(values: Any) -> bool:
    """Whether a list holds rows."""
    return bool(isinstance(values, list | tuple) and values and hasattr(values[0], "__len__") and len(values[0]) > 1)


def labels_from(scores: Floats, positive: int | None) -> NDArray[np.int32]:
    """(n,) hard labels: for two labels positive from 0.5 on, else the label with the highest score.

    Raises:
        DataError: Two labels and scores outside 0 to 1, where 0.5 means nothing.
    """
    if positive is None:
        return np.asarray(scores.argmax(axis=1), dtype=np.int32)
    chosen = scores[:, positive]
    if chosen.min() < 0 or chosen.max() > 1:
        raise DataError(
            f"`y_score` ranges from {chosen.min():.4g} to {chosen.max():.4g}: these are no probabilities, so 0.5 is no threshold",
            field="y_score",
            found=f"{chosen.min():.4g} to {chosen.max():.4g}",
            fix="give probabilities, or give the labels as y_pred as well",
        )
    found: NDArray[np.int32] = np.where(chosen >= 0.5, positive, 1 - positive).astype(np.int32)  # noqa: PLR2004 - the default threshold
    return found
