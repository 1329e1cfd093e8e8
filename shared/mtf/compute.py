"""Where work over parts of a table runs: here, in threads, or wherever else something shaped like `concurrent.futures.Executor` leads.

Results do not depend on where: parts keep their order, and mergeable states are combined along one fixed tree, so that sums of floats come out
bit by bit the same with one thread, with eight, and on a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

Item = TypeVar("Item")
State = TypeVar("State")

AHEAD = 2
"""Parts that wait per thread: enough to keep it busy, few enough to keep memory flat."""


class Runner(Protocol):
    """What computes parts. A cluster's client with `submit` serves through `Pool`."""

    def map(self, function: Callable[[Item], State], parts: Iterable[Item]) -> Iterator[State]:
        """Results in the order of the parts, of which only a few are held at once. An error of a part is raised in its turn."""
        ...


class Inline:
    """Computes in the caller's thread, one part after the other."""

    def map(self, function: Callable[[Item], State], parts: Iterable[Item]) -> Iterator[State]:
        """Results in order, each made when it is asked for."""
        return map(function, parts)

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing to close."""


class Pool:
    """Computes with an executor. `width` parts run at once and as many again wait; memory does not grow with the number of parts."""

    def __init__(self, executor: Executor, width: int) -> None:
        self._executor, self._width = executor, width

    def map(self, function: Callable[[Item], State], parts: Iterable[Item]) -> Iterator[State]:
        """Results in the order of the parts, however long each takes."""
        rest = iter(parts)
        running = [self._executor.submit(function, part) for part in islice(rest, self._width * AHEAD)]
        try:
            while running:
                yield running.pop(0).result()
                running += [self._executor.submit(function, part) for part in islice(rest, 1)]
        finally:
            _drop(running)

    def __enter__(self) -> Self:
        """The pool itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Wait for the threads to end."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def local(cpus: float = 1.0) -> Inline | Pool:
    """A runner for this machine: inline up to one CPU, else a thread per CPU. Close it with `with`."""
    width = max(1, round(cpus))
    return Inline() if width == 1 else Pool(ThreadPoolExecutor(width, thread_name_prefix="mtf-compute"), width)


def reduce(
    runner: Runner, summarise: Callable[[Item], State], merge: Callable[[State, State], State], parts: Iterable[Item]
) -> State | None:
    """One state from all parts: summarise each, merge along the fixed tree. None without parts.

    Holds one state per level of the tree, that is the logarithm of the number of parts.
    """
    levels: list[State | None] = []
    for state in runner.map(summarise, parts):
        carry, level = state, 0
        while level < len(levels) and (waiting := levels[level]) is not None:
            carry, levels[level] = merge(waiting, carry), None
            level += 1
        if level == len(levels):
            levels.append(None)
        levels[level] = carry
    return _fold([state for state in reversed(levels) if state is not None], merge)


def _fold(states: Sequence[State], merge: Callable[[State, State], State]) -> State | None:
    """Merge what is left on the levels, earlier parts first."""
    if not states:
        return None
    total = states[-1]
    for state in reversed(states[:-1]):
        total = merge(state, total)
    return total


def _drop(running: Sequence[Future[Any]]) -> None:
    """Forget parts that nobody waits for any more."""
    for future in running:
        future.cancel()
