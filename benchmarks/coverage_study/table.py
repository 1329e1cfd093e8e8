"""The table of the study, and what it says against the claims."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.coverage_study.cells import Count, Outcome

LOW, HIGH = 0.93, 0.99
INSIDE, OUTSIDE = 0.9, 0.1
"""Share of reliable test sets from which a cell lies inside the validity region, and up to which it lies outside."""
Z = 2.58
"""Standard errors by which a cell must miss its range before it counts as a miss."""


def share(count: Count) -> float:
    """Coverage among test sets whose value is called reliable."""
    return count.reliable_held / count.reliable if count.reliable else math.nan


def place(count: Count, replicates: int) -> str:
    """Inside, outside or on the border of the validity region."""
    part = count.reliable / replicates
    return "inside" if part >= INSIDE else "outside" if part <= OUTSIDE else "border"


def missed(count: Count, replicates: int) -> bool:
    """Whether a cell inside the region misses 0.93 to 0.99 by more than the simulation's own noise."""
    if place(count, replicates) != "inside":
        return False
    found = share(count)
    error = math.sqrt(max(found * (1 - found), 1e-4) / count.reliable)
    return found < LOW - Z * error or found > HIGH + Z * error


def summary(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """One row per metric and task: cells inside, their lowest and highest coverage, cells outside and on the border, misses."""
    rows = []
    for task in ("binary", "multiclass", "regression"):
        of_task = [one for one in outcomes if one.task == task]
        for name in sorted({name for one in of_task for name in one.counts}):
            found = [(one.counts[name], one.replicates) for one in of_task if name in one.counts]
            inside = [share(count) for count, replicates in found if place(count, replicates) == "inside"]
            kinds = [place(count, replicates) for count, replicates in found]
            limits = f"{min(inside):.3f} to {max(inside):.3f}" if inside else "-"
            misses = sum(missed(count, replicates) for count, replicates in found)
            rows.append(
                (
                    f"`{name}`",
                    task,
                    str(len(inside)),
                    limits,
                    str(kinds.count("border")),
                    str(kinds.count("outside")),
                    str(misses) if misses else "",
                )
            )
    return rows


def detail(outcomes: Iterable[Outcome], task: str, metrics: Sequence[str]) -> list[tuple[str, ...]]:
    """One row per cell of a task, one column per metric: the coverage, `u` where values are called unreliable, `~` on the border."""
    rows = []
    for one in outcomes:
        if one.task != task or not set(metrics) <= set(one.counts):
            continue
        cells = [_shown(one.counts[name], one.replicates) for name in metrics]
        rows.append((one.world, f"{one.n:,}", *cells))
    return rows


def _shown(count: Count, replicates: int) -> str:
    kind = place(count, replicates)
    if kind == "outside":
        return f"u {count.held / count.intervals:.3f}" if count.intervals else "u"
    return f"{'~' if kind == 'border' else ''}{share(count):.3f}{' **!**' if missed(count, replicates) else ''}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)
