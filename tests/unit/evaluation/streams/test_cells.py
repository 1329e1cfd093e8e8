"""Counted rows can be counted apart and added up."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtf_evaluation.streams.cells import Cells, merge, tally


def _same(a: Cells, b: Cells) -> None:
    np.testing.assert_array_equal(a.keys, b.keys)
    np.testing.assert_array_equal(a.rows, b.rows)
    for name in ("weight", "squares", "inside", "inside_squared"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-12)


@given(st.integers(1, 300), st.lists(st.integers(0, 300), max_size=5), st.booleans(), st.sampled_from([40, 10_000]))
def test_any_partition_adds_up_to_the_whole(n: int, cuts: list[int], weighted: bool, size: int) -> None:
    """However the rows are cut, in a table or by sorting, the merged cells are those of all rows."""
    random = np.random.default_rng(n)
    keys, places = random.integers(0, size, n), random.random(n)
    weight = random.uniform(0.1, 3, n) if weighted else None
    borders = [0, *sorted(min(cut, n) for cut in cuts), n]
    parts = [tally(keys[a:b], places[a:b], None if weight is None else weight[a:b], size) for a, b in pairwise(borders)]
    _same(reduce(merge, parts), tally(keys, places, weight, size))


def test_cells_count_what_numpy_counts() -> None:
    """Rows, weights and their squares by cell."""
    cells = tally(np.array([3, 1, 3]), None, np.array([2.0, 1.0, 0.5]), 5)
    assert cells.keys.tolist() == [1, 3]
    assert cells.rows.tolist() == [1, 2]
    assert cells.weight.tolist() == [1.0, 2.5]
    assert cells.squares.tolist() == [1.0, 4.25]
    assert cells.total == 3
