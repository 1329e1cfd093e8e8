"""Slices by quantiles need edges that hold for every partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.slices import SlicePart
from mtf_evaluation.slices.columns import numbers
from mtf_evaluation.slices.encode import column
from mtf_evaluation.streams.chunks import Chunks

ROWS = 1_000_000
"""Rows that edges are taken from: their share below an edge is then right to a tenth of a percent."""
Part = str | SlicePart
Numbers = NDArray[Any]


def with_edges(crosses: Sequence[Sequence[Part]], chunks: Chunks) -> list[list[Part]]:
    """The ways to part the rows, with the edges of quantiles written out from every k-th row."""
    wanted = {part.name for cross in crosses for part in cross if isinstance(part, SlicePart) and _needs(part)}
    if not wanted:
        return [list(cross) for cross in crosses]
    seen: dict[str, list[Numbers]] = {name: [] for name in wanted}
    stride = max(1, chunks.rows // ROWS)
    for index in range(len(chunks)):
        slices = chunks.read(index).slices
        for name in wanted:
            found, absent = numbers(column(slices, name), name, "quantiles")
            seen[name].append(found[::stride][~absent[::stride]])
    known = {name: np.concatenate(parts) for name, parts in seen.items()}
    return [[_written(part, known) for part in cross] for cross in crosses]


def _needs(part: Part) -> bool:
    return isinstance(part, SlicePart) and part.kind == "quantiles"


def _written(part: Part, known: Mapping[str, Numbers]) -> Part:
    if isinstance(part, str) or not _needs(part) or not known[part.name].size:
        return part
    edges = np.quantile(known[part.name].astype(np.float64), np.linspace(0, 1, part.quantiles + 1))
    return part.model_copy(update={"edges": np.unique(edges).tolist()})
