"""The plain JSON form: {"columns": [...], "rows": [[...]]} -> {"predictions": [...], "scores": [[...]], "labels": [...]}."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mtf.errors import ModelError
from mtf.plugins import Prediction
from mtf_inference.remote.call import Caller

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

FIELD = "model.source.url"


class Form(Protocol):
    """One way to put rows into a request and to read the answer."""

    features: Sequence[str] | None
    width: int | None
    labels: Sequence[Any] | None
    about: dict[str, Any]

    def ask(self, table: pa.Table, *, regression: bool) -> Prediction:
        """Score one batch."""
        ...


class JsonForm:
    """Nulls go out as null. Either answer key may be missing; `scores` is a list a row, or a number a row for the positive class."""

    def __init__(self, caller: Caller, url: str) -> None:
        self._caller, self._url = caller, url
        self.features: Sequence[str] | None = None
        self.width: int | None = None
        self.labels: Sequence[Any] | None = None
        self.about: dict[str, Any] = {}

    def ask(self, table: pa.Table, *, regression: bool) -> Prediction:  # noqa: ARG002 - the task changes nothing here
        """Post one batch. Raises ModelError for an answer of another shape."""
        columns = [cells(column) for column in table.columns]
        answer = self._caller.post(self._url, {"columns": table.column_names, "rows": [list(row) for row in zip(*columns, strict=True)]})
        if not isinstance(answer, dict) or not ({"predictions", "scores"} & set(answer)):
            raise ModelError(
                "the endpoint's answer has neither `predictions` nor `scores`",
                field=FIELD,
                found=str(list(answer)[:10] if isinstance(answer, dict) else type(answer).__name__),
                fix='answer {"predictions": [...], "scores": [[...]]}',
            )
        labels, scores = answer.get("predictions"), answer.get("scores")
        return Prediction(
            labels=None if labels is None else listed(labels, table.num_rows, "predictions"),
            scores=None if scores is None else floats(scores, table.num_rows, "scores"),
        )


def cells(column: pa.ChunkedArray) -> list[Any]:
    """A column as JSON has it: NaN, infinities and nulls are null; times are text."""
    return [
        None
        if isinstance(value, float) and not math.isfinite(value)
        else value
        if isinstance(value, str | bool | int | float | None)
        else str(value)
        for value in column.to_pylist()
    ]


def listed(values: Any, rows: int, name: str) -> NDArray[Any]:
    """(n,) labels or numbers from JSON. Raises ModelError for another length or another shape."""
    import numpy as np

    if not isinstance(values, list) or len(values) != rows:
        raise wrong(name, values, rows)
    if any(isinstance(value, list | dict) for value in values):
        raise ModelError(f"`{name}` of the endpoint's answer holds lists where one value a row is due", field=FIELD)
    if values and all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in values):
        if all(isinstance(value, int) and abs(value) < 1 << 53 for value in values):
            return np.array(values, dtype=np.int64)
        return np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64)
    return np.array(values, dtype=object)


def floats(values: Any, rows: int, name: str) -> NDArray[Any]:
    """(n, k) or (n,) numbers from JSON; null is NaN. Raises ModelError."""
    import numpy as np

    if not isinstance(values, list) or len(values) != rows:
        raise wrong(name, values, rows)
    try:
        array = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise ModelError(f"`{name}` of the endpoint's answer is no table of numbers", field=FIELD) from None
    if array.ndim not in {1, 2}:
        raise ModelError(f"`{name}` of the endpoint's answer has the shape {array.shape}", field=FIELD)
    return array


def wrong(name: str, values: Any, rows: int) -> ModelError:
    """The error for an answer of another length."""
    found = f"{len(values):,} values" if isinstance(values, list) else type(values).__name__
    return ModelError(f"`{name}` of the endpoint's answer must be a list of {rows:,} values", field=FIELD, found=found)
