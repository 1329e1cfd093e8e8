"""The study as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.gates_study.cells import Outcome

NOMINAL = 0.025
HEADS = {
    "metrics": ("metric", "true value", "world", "design", "rows"),
    "slices": ("metric", "slices", "truth", "rows of each"),
    "baseline": ("metric", "margin", "design", "rows"),
}
TITLES = {
    "metrics": "A metric on all rows",
    "slices": "The worst slice",
    "baseline": "Not worse than a baseline by a margin",
}


def tolerance(replicates: int) -> float:
    """Three standard errors of a rate of 2.5 % in this many replicates: what chance alone may add."""
    return 3 * math.sqrt(NOMINAL * (1 - NOMINAL) / replicates)


def above(outcome: Outcome) -> bool:
    """Whether wrong passes are more frequent than chance can explain."""
    return outcome.passed > NOMINAL + tolerance(outcome.replicates)


def markdown(outcomes: Sequence[Outcome]) -> str:
    """A table for each kind of gate."""
    blocks = []
    for table, head in HEADS.items():
        chosen = [one for one in outcomes if one.cell.table == table]
        if not chosen:
            continue
        columns = (*head, "wrong pass", "wrong fail", "not reliable")
        lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(head) + "--:|" * 3]
        for one in chosen:
            passed = f"**{one.passed:.2%}**" if above(one) else f"{one.passed:.2%}"
            lines.append("| " + " | ".join([*one.cell.name, passed, f"{one.failed:.2%}", f"{one.unreliable:.1%}"]) + " |")
        blocks.append(f"### {TITLES[table]}\n\n" + "\n".join(lines))
    return "\n\n".join(blocks).replace("%", " %")


def summary(outcomes: Sequence[Outcome]) -> str:
    """The study in a sentence."""
    high = [one for one in outcomes if above(one)]
    replicates = outcomes[0].replicates
    rates = sorted(one.passed for one in outcomes)
    return (
        f"{len(outcomes)} cells of {replicates:,} test sets each: wrong passes between {rates[0]:.2%} and {rates[-1]:.2%}, "
        f"median {rates[len(rates) // 2]:.2%}; {len(high)} of them above 2.5% by more than three standard errors "
        f"({NOMINAL + tolerance(replicates):.2%})."
    ).replace("%", " %")
