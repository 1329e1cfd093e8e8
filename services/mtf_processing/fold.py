"""Merging states in a fixed tree, and blocks of rows whose borders do not depend on how a file was cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pyarrow as pa

S = TypeVar("S")

BLOCK = 65_536
"""Rows of a block: states are made of the same rows, whatever the row groups of the file are."""


def fold(states: Iterable[S], merge: Callable[[S, S], S]) -> S | None:
    """Merge states pairwise as in a binary counter: state 0 with 1, 2 with 3, then the pairs, and so on. None without states.

    The tree depends on the number of states alone, and log2(n) states are held at a time.
    """
    stack: list[tuple[int, S]] = []
    for state in states:
        level, merged = 0, state
        while stack and stack[-1][0] == level:
            merged = merge(stack.pop()[1], merged)
            level += 1
        stack.append((level, merged))
    if not stack:
        return None
    _, total = stack.pop()
    while stack:
        total = merge(stack.pop()[1], total)
    return total


def blocks(batches: Iterable[pa.RecordBatch], rows: int = BLOCK) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of exactly `rows`; the last one may be shorter."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        rest = batch
        while count + rest.num_rows >= rows:
            cut = rows - count
            yield _joined([*held, rest.slice(0, cut)])
            held, count, rest = [], 0, rest.slice(cut)
        if rest.num_rows:
            held.append(rest)
            count += rest.num_rows
    if count:
        yield _joined(held)


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)
