"""Categories to columns of numbers, a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.errors import DataError
from mtf_processing.kernels.columns import decoded, from_floats, missing, plain
from mtf_processing.kernels.counts import Counts, ordered

MOST_COLUMNS = 10_000
"""More columns than this from one column are refused: nobody meant to encode an id."""

_INFREQUENT = "infrequent_sklearn"
_UNKNOWN = -1


def plan(counts: Counts, name: str, *, drop: str | None, most: int | None) -> dict[str, Any]:
    """Which category goes to which column: scikit-learn's rules for rare categories, for names and for the dropped one.

    `codes[i]` is the column of category i, -1 for none; a category null stands for missing values.
    """
    categories: list[Any] = ordered(counts)
    if counts.get(None):
        categories.append(None)
    if not categories:
        raise DataError(
            f"column `{name}` has no value in the training rows, so it has no categories",
            field="columns",
            found=name,
            fix="drop the column",
        )
    rows = np.array([counts[category] for category in categories], dtype=np.int64)
    rare = np.zeros(len(categories), dtype=bool)
    if most is not None and most < len(categories) + 1:
        rare[np.argsort(rows, kind="stable")[: len(categories) - (most - 1)]] = True
    codes = np.where(rare, int((~rare).sum()), np.cumsum(~rare) - 1)
    names = [f"{name}_{_text(category)}" for category, is_rare in zip(categories, rare, strict=True) if not is_rare]
    if rare.any():
        names.append(f"{name}_{_INFREQUENT}")
    if drop == "first":
        codes, names = codes - 1, names[1:]
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"column `{name}` has {len(names):,} categories, too many for a column each",
            field="columns",
            found=len(names),
            fix="set `max_categories`, use `ordinal`, or drop the column",
        )
    return {"categories": categories, "codes": codes.tolist(), "names": names}


def _text(category: Any) -> str:
    """A category as scikit-learn writes it into a name: Python's `str`, and `nan` for missing."""
    return "nan" if category is None else str(category)


def expand(column: pa.Array, name: str, learned: dict[str, Any], *, strict: bool) -> list[pa.Array]:
    """A float64 column of 0 and 1 for each learned name. Raises DataError for an unknown category where `strict`."""
    found = _codes(column, learned["categories"])
    if strict and (found == _UNKNOWN).any():
        first = plain(decoded(column)[int(np.argmax(found == _UNKNOWN))].as_py())
        raise DataError(
            f"column `{name}` holds a category that the training rows do not have: {'missing' if first is None else str(first)[:100]}",
            field="handle_unknown",
            found=first,
            fix="set `handle_unknown: ignore`, or replace the value",
        )
    places = np.array([*learned["codes"], _UNKNOWN], dtype=np.int64)[found]
    return [from_floats((places == code).astype(np.float64), complete=True) for code in range(len(learned["names"]))]


def rank(column: pa.Array, categories: Sequence[Any], unknown: float) -> pa.Array:
    """The position of each value in `categories` as float64; `unknown` for one that is not there, null for a missing one."""
    found = _codes(column, categories)
    numbers = np.where(found == _UNKNOWN, unknown, found.astype(np.float64))
    absent = missing(column)
    return from_floats(np.where(absent, math.nan, numbers)) if absent.any() else from_floats(numbers, complete=True)


def values_of(categories: Sequence[Any], type_: pa.DataType) -> pa.Array | None:
    """The categories in the column's own type, or None when they do not fit it."""
    plain_type = type_.value_type if pa.types.is_dictionary(type_) else type_
    present = [category for category in categories if category is not None]
    try:
        if pa.types.is_decimal(plain_type) or pa.types.is_timestamp(plain_type):
            return pa.array([str(value) for value in present], pa.string()).cast(plain_type)
        return pa.array(present, plain_type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return None


def _codes(column: pa.Array, categories: Sequence[Any]) -> NDArray[np.int64]:
    """(n,) the position of each value in `categories` (null stands for missing), -1 where it is not there."""
    if pa.types.is_dictionary(column.type):
        places = _codes(column.dictionary, [category for category in categories if category is not None])
        indices = column.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
        found = np.append(places, _UNKNOWN)[indices]
    else:
        known = values_of(categories, column.type)
        if known is None:
            return np.full(len(column), _UNKNOWN, dtype=np.int64)
        found = np.asarray(pc.index_in(column, value_set=known, skip_nulls=True).fill_null(_UNKNOWN).to_numpy(zero_copy_only=False))
    if None in categories:
        found = np.where(missing(column), len(categories) - 1, found)
    codes: NDArray[np.int64] = found.astype(np.int64, copy=False)
    return codes
