"""Tells labels, scores and values apart in what a graph or a server answers, by type and shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mtf.errors import ModelError
from mtf.plugins import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray


def understood(outputs: Iterable[NDArray[Any]], rows: int, *, regression: bool = False) -> Prediction:
    """Integers, truth values or text are labels; floats in several columns are scores; one float a row is a value, or the positive's score.

    For a regression one number a row, of any type, is the value. Raises ModelError when nothing fits.
    """
    labels: NDArray[Any] | None = None
    scores: NDArray[Any] | None = None
    single: NDArray[Any] | None = None
    for array in outputs:
        flat = array.reshape(rows) if array.size == rows and 1 <= array.ndim <= 2 else None  # noqa: PLR2004 - a vector or one column
        if flat is not None and array.dtype.kind in "iubOUS" and labels is None:
            labels = flat
        elif flat is not None and array.dtype.kind == "f" and single is None:
            single = flat
        elif array.ndim == 2 and array.dtype.kind == "f" and array.shape[0] == rows and scores is None:  # noqa: PLR2004 - rows and columns
            scores = array
    if regression and (single is not None or labels is not None):
        return Prediction(labels=single if single is not None else labels)
    if labels is None and scores is None and single is None:
        raise ModelError(f"the model gives neither labels nor scores nor values for {rows:,} rows", field="model")
    # Beside labels a single float is the positive class's score; alone it is that or a regression value: the task decides.
    return Prediction(labels=labels, scores=single if scores is None else scores)
