"""Slices that share no row, laid into one array of codes: one pass over all rows sums every slice of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf_evaluation.rest.side import Floats, Rows

FILLED = 0.25
"""Share of the rows that a layer's slices hold at least; below it, going to the slices' own rows is faster."""
LARGEST = 1_000_000
"""Sums that are held for one layer."""
Codes = NDArray[np.intp]


class Layers:
    """The slices of a report, packed into layers of disjoint ones.

    Args:
        slices: Rising positions of the rows of each slice. Results are kept by these very arrays, which must live as long.
        n: All rows.
    """

    def __init__(self, slices: Sequence[Rows], n: int) -> None:
        self.sizes = {id(rows): rows.size for rows in slices}
        self._layers: list[tuple[Codes, list[Rows]]] = []
        code, held, size = np.zeros(n, dtype=np.intp), list[Rows](), 0
        for rows in slices:
            if size + rows.size > n or (held and code.take(rows).any()):
                self._keep(code, held, size)
                code, held, size = np.zeros(n, dtype=np.intp), [], 0
            held.append(rows)
            size += rows.size
            code[rows] = len(held)
        self._keep(code, held, size)

    def _keep(self, code: Codes, held: list[Rows], size: int) -> None:
        if len(held) > 1 and size >= FILLED * code.size:
            self._layers.append((code, held))

    def counts(self, key: NDArray[Any], size: int, weights: Sequence[Floats]) -> dict[int, Floats]:
        """(1 + weights, size) rows and sums of each weight by key, for the slices of the layers, by the id of their array."""
        found: dict[int, Floats] = {}
        for code, held in self._layers:
            total = (len(held) + 1) * size
            if total * (1 + len(weights)) > LARGEST:
                continue
            both = code * size + key
            table = [np.bincount(both, minlength=total), *(np.bincount(both, weights=one, minlength=total) for one in weights)]
            by_slice = np.stack(table).reshape(len(table), len(held) + 1, size).astype(np.float64)
            found |= {id(rows): by_slice[:, place] for place, rows in enumerate(held, start=1)}
        return found

    def sums(self, columns: Sequence[Floats]) -> dict[int, Floats]:
        """(columns,) sums of (n,) columns over the slices of the layers, by the id of their array."""
        found: dict[int, Floats] = {}
        for code, held in self._layers:
            table = np.stack([np.bincount(code, weights=one, minlength=len(held) + 1) for one in columns], axis=1)
            found |= {id(rows): table[place] for place, rows in enumerate(held, start=1)}
        return found
