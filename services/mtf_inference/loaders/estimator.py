"""A fitted scikit-learn estimator, or anything with the same `predict`, as the inference stage drives it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mtf.errors import ModelError
from mtf.plugins import Prediction

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray


class EstimatorModel:
    """Answers with `predict` and `predict_proba`. `decision_function` is no probability, so it gives no scores.

    The rows go in as a pandas DataFrame where the estimator knows names (`feature_names_in_`) or a column is text, because pipelines
    select columns by name; else as one numpy matrix, which is what an estimator fitted on a matrix expects. Nulls become NaN.
    """

    def __init__(self, estimator: Any, about: dict[str, Any]) -> None:
        if not callable(getattr(estimator, "predict", None)):
            raise ModelError(
                f"the file holds a {_kind(estimator)}, which has no `predict`",
                field="model",
                found=_kind(estimator),
                fix="save the fitted model itself, or the pipeline that ends with it",
            )
        self._estimator, self._about = estimator, about
        names = getattr(estimator, "feature_names_in_", None)
        self.features: Sequence[str] | None = None if names is None else [str(name) for name in names]
        width = getattr(estimator, "n_features_in_", None)
        self.width: int | None = None if width is None else int(width)
        classes = getattr(estimator, "classes_", None)
        # A list of arrays is several outputs at once; those have no one list of labels.
        self.labels: Sequence[Any] | None = None if classes is None or isinstance(classes, list) else list(classes)

    def predict(self, table: pa.Table) -> Prediction:
        """Hard labels from `predict`, scores from `predict_proba` where there is one."""
        rows = self._rows(table)
        labels = self._estimator.predict(rows)
        probabilities = getattr(self._estimator, "predict_proba", None) if self.labels is not None else None
        scores = probabilities(rows) if callable(probabilities) else None
        return Prediction(labels=labels, scores=scores)

    def describe(self) -> dict[str, Any]:
        """Class and versions."""
        return {
            "class": _kind(self._estimator),
            "scores": "predict_proba" if hasattr(self._estimator, "predict_proba") else None,
            **self._about,
        }

    def _rows(self, table: pa.Table) -> pd.DataFrame | NDArray[Any]:
        import numpy as np

        columns = {name: _array(column) for name, column in zip(table.column_names, table.columns, strict=True)}
        if self.features is None and all(array.dtype.kind in "fiub" for array in columns.values()):
            return np.column_stack(list(columns.values())) if columns else np.empty((table.num_rows, 0))
        import pandas as pd

        return pd.DataFrame({name: pd.Series(array, dtype=array.dtype) for name, array in columns.items()})


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    """One column as numpy: numbers as they are, as float64 with NaN where any is null; text as objects with NaN for null."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_decimal(kind):
        column, kind = column.cast(pa.float64()), pa.float64()
    if pa.types.is_boolean(kind) and column.null_count == 0:
        return np.asarray(column.to_numpy(), dtype=bool)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if column.null_count:
            column = pc.fill_null(column.cast(pa.float64()), math.nan)
        return np.asarray(column.to_numpy())
    if pa.types.is_timestamp(kind):
        return np.asarray(column.to_numpy())
    array = np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)
    if column.null_count:
        array = array.copy()
        array[np.asarray(pc.is_null(column).to_numpy(), dtype=bool)] = math.nan
    return array


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
