"""Writes `<set>.scored.parquet`: the context, the prediction, a score for each label, the limits of prediction intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mtf.errors import DataError, ModelError
from mtf_inference.labels import Labels, encode_truth
from mtf_inference.outputs import Scored

if TYPE_CHECKING:
    import pyarrow as pa


class ScoredWriter:
    """A row group for each batch. Codes of -1 and NaN values are written as null."""

    def __init__(self, path: Path, labels: Labels | None, known: frozenset[int] | None) -> None:
        self._path, self._labels, self._known = path, labels, known
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Nothing is opened before the first batch, whose columns decide the schema."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()

    def write(self, context: pa.Table, scored: Scored) -> None:
        """Append one batch. Raises ModelError when it has scores or intervals and an earlier one had none, or the other way round."""
        import pyarrow.parquet as pq

        table = self._table(context, scored)
        if self._writer is not None and table.schema != self._writer.schema:
            raise ModelError("the model gives scores or prediction intervals for some rows only", field="model")
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd", compression_level=1)
        self._writer.write_table(table)

    def _table(self, context: pa.Table, scored: Scored) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        arrays = {name: context.column(name) for name in context.column_names}
        if "target" in arrays:
            arrays["target"] = self._target(arrays["target"])
        kind = pa.float64() if self._labels is None else pa.int32()
        lost = np.isnan(scored.prediction) if self._labels is None else scored.prediction < 0
        arrays["prediction"] = pa.array(scored.prediction, type=kind, mask=lost)
        for index, values in enumerate(() if scored.scores is None else scored.scores.T):
            arrays[f"score_{index}"] = pa.array(values, type=pa.float64(), mask=np.isnan(values))
        for name, values in zip(("lower", "upper"), () if scored.interval is None else scored.interval.T, strict=False):
            arrays[name] = pa.array(values, type=pa.float64(), mask=np.isnan(values))
        return pa.table(arrays)

    def _target(self, column: pa.ChunkedArray) -> Any:
        import pyarrow as pa

        if self._labels is None:
            return _numbers(column)
        codes = encode_truth(column, self._labels, self._known)
        return pa.array(codes, type=pa.int32(), mask=codes < 0)


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The truth of a regression as float64, NaN as null. Raises DataError for text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        values = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError("the target is not numeric, and the task is regression", field="dataset.target") from None
    return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
