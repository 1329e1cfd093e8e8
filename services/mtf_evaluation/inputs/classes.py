"""Task, labels and codes: what the values of the truth mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.errors import DataError, SpecError
from mtf_evaluation.inputs.columns import SHOWN
from mtf_evaluation.measure import MOST_CLASSES

MOST_INTEGERS = 20
"""Distinct integers up to which a target is taken for classes."""
FAR = 2**62
"""Integers beyond it are left to Arrow, which knows unsigned ones."""
TASKS = ("binary", "multiclass", "regression")


def distinct(values: pa.Array) -> list[Any]:
    """The distinct values in ascending order."""
    near = _near(values)
    if near is not None:
        return [int(value) for value in np.flatnonzero(np.bincount(near.places)) + near.least]
    return sorted(pc.unique(values).to_pylist())


@dataclass(frozen=True)
class _Near:
    """Integers that lie close together, as labels do: counted and looked up without a hash."""

    least: int
    places: NDArray[np.intp]
    """(n,) distance from the least."""


def _near(values: pa.Array) -> _Near | None:
    if not pa.types.is_integer(values.type) or values.null_count or not len(values):
        return None
    least, most = (limit.as_py() for limit in pc.min_max(values).values())
    if most - least >= MOST_CLASSES or max(-least, most) > FAR:
        return None
    return _Near(least, values.to_numpy().astype(np.intp, copy=False) - least)


def infer_task(truth: pa.Array, declared: Sequence[Any] | None) -> str:
    """Two distinct values binary; text, or integers with at most 20 values, multiclass; else regression."""
    if declared is not None:
        return "binary" if len(declared) == 2 else "multiclass"  # noqa: PLR2004 - two labels
    values = distinct(truth)
    if pa.types.is_floating(truth.type) and any(not float(value).is_integer() for value in values):
        return "regression"
    if len(values) <= 2:  # noqa: PLR2004 - two labels
        return "binary"
    if pa.types.is_floating(truth.type):
        return "regression"
    if pa.types.is_integer(truth.type):
        return "multiclass" if len(values) <= MOST_INTEGERS else "regression"
    return "multiclass"


def order_labels(truth: pa.Array, prediction: pa.Array | None, declared: Sequence[Any] | None, task: str) -> list[Any]:
    """Labels in the order of the score columns: the declared ones, else every label seen, ascending."""
    if declared is not None:
        return _checked(declared, task)
    found = distinct(truth)
    if len(found) < 2:  # noqa: PLR2004 - two labels
        raise DataError(
            f"`y_true` has one class, {found[0]!r}", field="y_true", found=repr(found), fix="declare every label, for example labels=[0, 1]"
        )
    if task == "binary":
        if len(found) > 2:  # noqa: PLR2004 - two labels
            raise DataError(f"`y_true` has {len(found)} classes", field="y_true", found=repr(found[:SHOWN]), fix="use task='multiclass'")
        return found
    if prediction is not None and _kind(prediction.type) == _kind(truth.type):
        found = sorted({*found, *distinct(prediction)})
    if len(found) > MOST_CLASSES:
        raise DataError(
            f"`y_true` and the predictions have {len(found):,} distinct labels; at most {MOST_CLASSES:,} classes are measured",
            field="y_true",
            found=f"{len(found):,} labels",
            fix="an identifier is no class; numbers are measured with task='regression'",
        )
    return found


def _checked(declared: Sequence[Any], task: str) -> list[Any]:
    labels = [value.item() if isinstance(value, np.generic) else value for value in declared]
    if len(set(labels)) < len(labels) or len(labels) < 2:  # noqa: PLR2004 - two labels
        raise SpecError("`labels` must name at least two labels, each once", field="labels", found=labels)
    if task == "binary" and len(labels) != 2:  # noqa: PLR2004 - two labels
        raise SpecError("a binary task has two labels", field="labels", found=labels, fix="use task='multiclass'")
    return labels


def positive_of(labels: Sequence[Any], positive: Any) -> Any:
    """The positive label of two. Raises SpecError where it is neither named nor 1 nor True."""
    if positive is not None:
        plain = positive.item() if isinstance(positive, np.generic) else positive
        if plain not in labels:
            raise SpecError("`positive` is not one of the labels", field="positive", found=plain, fix=f"labels: {list(labels)}")
        return plain
    for label in labels:
        if isinstance(label, bool | int | float) and label == 1:
            return label
    raise SpecError(
        f"which label counts as positive: {labels[0]!r} or {labels[1]!r}?",
        field="positive",
        found=list(labels),
        fix=f"positive={labels[1]!r}",
    )


def encode(values: pa.Array, labels: Sequence[Any], name: str) -> NDArray[np.int32]:
    """(n,) codes into the labels. Raises DataError for other values, and says so when only the type differs."""
    known = {label: code for code, label in enumerate(labels)}
    near = _near(values)
    if near is not None:
        codes = np.array([known.get(near.least + place, -1) for place in range(int(near.places.max()) + 1)], dtype=np.int32)
        found: NDArray[np.int32] = codes.take(near.places)
        if found.min() >= 0:
            return found
    encoded = values.dictionary_encode()
    entries = encoded.dictionary.to_pylist()
    unknown = [value for value in entries if value not in known]
    if unknown:
        raise _unknown(values, unknown, labels, name)
    code = np.array([known[value] for value in entries], dtype=np.int32)
    array: NDArray[np.int32] = code[encoded.indices.to_numpy(zero_copy_only=False)]
    return array


def _unknown(values: pa.Array, unknown: list[Any], labels: Sequence[Any], name: str) -> DataError:
    texts = {str(label) for label in labels}
    shown = ", ".join(repr(value) for value in unknown[:SHOWN])
    if all(str(value) in texts for value in unknown):
        kinds = sorted({type(label).__name__ for label in labels})
        fix = f"labels are {', '.join(kinds)}, `{name}` is {values.type}: use one type for both"
    elif name == "y_pred":
        fix = "declare every label with labels=[...], or use task='regression' if numbers are predicted"
    else:
        fix = "declare every label with labels=[...]"
    return DataError(f"`{name}` has labels that are not among {list(labels)[:SHOWN]}: {shown}", field=name, found=shown, fix=fix)


def _kind(kind: pa.DataType) -> str:
    """Numbers may meet numbers; texts meet texts."""
    return "number" if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) else str(kind)
