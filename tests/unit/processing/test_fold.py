"""The merging tree and the blocks of rows that states are made of."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf_processing.fold import blocks, fold


def test_the_tree_depends_on_the_number_of_states_alone() -> None:
    """Pairs are merged as they come, then pairs of pairs, always left before right."""
    assert fold("abcdefg", lambda a, b: f"({a}{b})") == "(((ab)(cd))((ef)g))"
    assert fold("a", lambda a, b: f"({a}{b})") == "a"
    assert fold("", lambda a, b: f"({a}{b})") is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 7))
def test_blocks_have_one_size_whatever_the_batches(sizes: list[int], rows: int) -> None:
    """Every block but the last has exactly the asked rows, and none is lost or moved."""
    numbers = iter(range(sum(sizes)))
    batches = [pa.record_batch({"x": pa.array([next(numbers) for _ in range(size)], pa.int64())}) for size in sizes]
    found = [block.column("x").to_pylist() for block in blocks(batches, rows)]
    assert [value for block in found for value in block] == list(range(sum(sizes)))
    assert all(len(block) == rows for block in found[:-1])
    assert all(0 < len(block) <= rows for block in found)
