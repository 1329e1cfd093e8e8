"""The error over each column that the rows were sliced by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import special

from mtf.plugins import Sample
from mtf_evaluation.metrics.facts import Facts, facts_of
from mtf_evaluation.plots.effective import clustered, wilson_many
from mtf_evaluation.plots.thin import label, short

Floats = NDArray[np.float64]
COLUMNS = 12
PARTS = 10
"""Parts of equal numbers of rows that a column of numbers is cut into."""
VALUES = 20
"""Values of other columns that are shown, the most frequent ones."""
FEW = 12
"""Up to as many distinct numbers each stands for itself."""


@dataclass(frozen=True)
class _Parts:
    """A column as codes of parts; -1 belongs to none."""

    codes: NDArray[np.int64]
    names: list[dict[str, Any]]
    numbers: bool
    left_out: int


def errors(sample: Sample, columns: Mapping[str, pa.Array], level: float = 0.95) -> dict[str, Any]:
    """Mean error by part of each column: the share of wrong rows (Wilson), or the mean absolute error (Student's t).

    Args:
        sample: The n rows.
        columns: (n,) values by column. Numbers with many values are cut into parts of equal numbers of rows, other columns by value.
        level: Confidence level of the limits.
    """
    if not columns:
        return {}
    facts = facts_of(sample)
    numbers = sample.task == "regression"
    error = np.abs(sample.prediction - sample.target) if numbers else (sample.prediction != sample.target).astype(np.float64)
    every = np.zeros(facts.n, dtype=np.int64)
    whole = _measured(facts, error, every, 1, level)
    shown = []
    for name, values in list(columns.items())[:COLUMNS]:
        parts = _parts(values)
        if len(parts.names) > 1:
            measured = _measured(facts, error, parts.codes, len(parts.names), level)
            shown.append(
                {
                    "column": name,
                    "numbers": parts.numbers,
                    "left_out": parts.left_out,
                    "parts": [named | found for named, found in zip(parts.names, measured, strict=True)],
                }
            )
    if not shown:
        return {}
    measure = "mean absolute error" if numbers else "share of wrong rows"
    return {"measure": measure, "all": whole[0], "columns": shown, "left_out": max(0, len(columns) - COLUMNS), "level": level}


def _measured(facts: Facts, error: Floats, codes: NDArray[np.int64], parts: int, level: float) -> list[dict[str, Any]]:
    """Mean error, limits and rows of each part."""
    inside = codes >= 0
    every = bool(inside.all())
    part = codes if every else codes[inside]
    weight = np.ones(len(part)) if facts.sample.weight is None else facts.sample.weight if every else facts.sample.weight[inside]
    value = error if every else error[inside]
    rows = np.bincount(part, minlength=parts)
    mass, squares = np.bincount(part, weight, parts), np.bincount(part, weight * weight, parts)
    mean = np.bincount(part, weight * value, parts) / mass
    effective = mass * mass / squares
    if facts.design.group is not None:
        effective = np.maximum(effective * clustered(error, facts.sample.weight, facts.design.group, inside), 1.0)
    if facts.sample.task == "regression":
        spread = np.bincount(part, weight * (value - mean[part]) ** 2, parts) / mass
        freedom = np.maximum(effective - 1, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            half = special.stdtrit(freedom, 0.5 + level / 2) * np.sqrt(spread / freedom)
        lower, upper = np.maximum(mean - half, 0.0), mean + half
    else:
        lower, upper = wilson_many(mean, effective, level)
    values, lows, highs = short(mean), short(lower), short(upper)
    return [
        {"value": value, "lower": low, "upper": high, "rows": int(count)}
        for value, low, high, count in zip(values, lows, highs, rows.tolist(), strict=True)
    ]


def _parts(values: pa.Array) -> _Parts:
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers: Floats = pc.fill_null(values.cast(pa.float64(), safe=False), float("nan")).to_numpy(zero_copy_only=False)
        known = np.isfinite(numbers)
        if known.any():
            return _cut(numbers, known)
    return _by_value(values)


def _cut(numbers: Floats, known: NDArray[np.bool_]) -> _Parts:
    """Every number for itself where there are few, else parts of equal numbers of rows."""
    inner = numbers[known]
    marks = np.unique(np.quantile(inner, np.linspace(0, 1, PARTS + 1), method="inverted_cdf"))
    distinct = np.unique(inner[: 20 * FEW])
    if len(distinct) <= FEW and len(distinct := np.unique(inner)) <= FEW:
        codes = np.searchsorted(distinct, numbers)
        names = [{"label": f"{value:.6g}", "from": float(value), "to": float(value)} for value in distinct]
    else:
        # A part ends with its upper mark, so that equal numbers share one.
        codes = np.searchsorted(marks[1:], numbers, side="left")
        lows, highs = [marks[0], *marks[1:-1]], marks[1:]
        names = [
            {"label": f"{low:.6g} to {high:.6g}" if at == 0 else f"above {low:.6g} to {high:.6g}", "from": float(low), "to": float(high)}
            for at, (low, high) in enumerate(zip(lows, highs, strict=True))
        ]
    codes = np.where(known, np.minimum(codes, len(names) - 1), -1).astype(np.int64)
    if not known.all():
        codes = np.where(known, codes, len(names))
        names = [*names, {"label": "(missing)"}]
    return _filled(codes, names)


def _filled(codes: NDArray[np.int64], names: list[dict[str, Any]]) -> _Parts:
    """Only the parts that have rows."""
    present = np.bincount(codes, minlength=len(names)) > 0
    place = np.cumsum(present) - 1
    return _Parts(place[codes], [name for name, there in zip(names, present.tolist(), strict=True) if there], numbers=True, left_out=0)


def _by_value(values: pa.Array) -> _Parts:
    encoded = values.dictionary_encode(null_encoding="encode")
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    found = [_named(value) for value in encoded.dictionary.to_pylist()]
    rows = np.bincount(codes, minlength=len(found))
    kept = sorted(range(len(found)), key=lambda code: (-int(rows[code]), found[code]))[:VALUES]
    place = np.full(len(found), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return _Parts(place[codes], [{"label": found[code]} for code in kept], numbers=False, left_out=len(found) - len(kept))


def _named(value: Any) -> str:
    return "(missing)" if value is None else label(value)
