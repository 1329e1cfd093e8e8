"""Every k-th row, for what needs rows and not all of them: curves, checks, edges of quantiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from mtf.contracts.report import Check
from mtf.plugins import Sample, load, names
from mtf_evaluation import measure
from mtf_evaluation.streams.chunks import Chunks
from mtf_evaluation.streams.parts import joined, taken

ROWS = 200_000
"""Rows that are kept at least, where there are as many: finer than a plot can show."""


@dataclass(frozen=True)
class Thinned:
    """Rows at equal distances."""

    sample: Sample
    """The measurable ones of them."""
    columns: dict[str, pa.Array]
    """Their slice columns."""
    stride: int


def thinned(chunks: Chunks, rows: int = ROWS) -> Thinned:
    """Every k-th row of all partitions, counted within each."""
    stride = max(1, chunks.rows // rows)
    sample: Sample | None = None
    columns: dict[str, list[pa.Array]] = {}
    for index in range(len(chunks)):
        scored = chunks.read(index)
        places = np.arange(0, scored.rows, stride)
        places = places[scored.kept[places]]
        if scored.sample.weight is not None:
            places = places[scored.sample.weight[places] > 0]
        part = taken(scored.sample, places)
        sample = part if sample is None else joined(sample, part)
        for name, values in scored.slices.items():
            columns.setdefault(name, []).append(values.take(pa.array(places)))
    if sample is None:
        raise ValueError("there is no partition")
    # Codes of groups are of one partition each; curves of thinned rows need none.
    return Thinned(
        measure.prepared(replace(sample, group=None)), {name: pa.concat_arrays(parts) for name, parts in columns.items()}, stride
    )


def checks(thin: Thinned) -> list[Check]:
    """What the checks find in the thinned rows, and that they saw no others."""
    found = (load("check", name).check(thin.sample) for name in names("check"))
    seen = "" if thin.stride == 1 else f" (of every {thin.stride:,}th row)"
    return [one.model_copy(update={"detail": one.detail + seen}) for one in found if one is not None]
