"""Runners and the merge tree."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.compute import AHEAD, Inline, local, reduce

FLOATS = st.lists(st.floats(-1e12, 1e12), max_size=70)


def joined(a: str, b: str) -> str:
    """A merge that shows its tree."""
    return f"({a}{b})"


@given(FLOATS)
def test_sums_are_the_same_bit_by_bit_with_any_number_of_threads(values: list[float]) -> None:
    """The tree is fixed, so that rounding is too."""
    with local(3) as pool:
        assert reduce(pool, float, lambda a, b: a + b, values) == reduce(Inline(), float, lambda a, b: a + b, values)


@given(FLOATS)
def test_the_tree_merges_every_part_once(values: list[float]) -> None:
    """Against an exact sum of the same numbers."""
    total = reduce(Inline(), float, lambda a, b: a + b, values)
    assert math.isclose(total or 0.0, math.fsum(values), rel_tol=1e-9, abs_tol=1e-2)


@given(st.integers(0, 100))
def test_parts_keep_their_order(count: int) -> None:
    """A merge that is not commutative sees earlier parts on its left."""
    parts = [chr(0x4E00 + number) for number in range(count)]
    merged = reduce(Inline(), str, joined, parts)
    assert (merged or "").replace("(", "").replace(")", "") == "".join(parts)


def test_the_tree_is_balanced() -> None:
    """Five parts: two pairs, their pair, then the rest."""
    assert reduce(Inline(), str, joined, "abcde") == "(((ab)(cd))e)"


def test_a_pool_reads_only_a_little_ahead() -> None:
    """Memory does not grow with the number of parts."""
    read = []

    def parts() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    with local(2) as pool:
        results = pool.map(lambda number: number * 2, parts())
        assert [next(results) for _ in range(5)] == [0, 2, 4, 6, 8]
        assert len(read) <= 5 + 2 * AHEAD


def test_threads_work_at_the_same_time() -> None:
    """Two threads meet at a barrier that one could not pass."""
    barrier = threading.Barrier(2, timeout=5)
    with local(2) as pool:
        assert len(list(pool.map(lambda _: barrier.wait(), range(4)))) == 4


def test_an_error_is_raised_in_its_turn() -> None:
    """Results before the error are handed out; the rest is dropped."""

    def fail_at_three(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        time.sleep(0.001)
        return number

    with local(2) as pool:
        results = pool.map(fail_at_three, range(100))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="three"):
            next(results)
