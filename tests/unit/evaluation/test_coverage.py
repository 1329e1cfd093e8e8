"""A reduced coverage study: where a metric calls itself reliable, its intervals hold the truth. The whole one is `make coverage`."""

from __future__ import annotations

import pytest
from benchmarks.coverage_study import cells, grid, table

ROUNDS = 300
TRUTH = 150_000
"""Rows of each of the two samples that the truth comes from: 150 times a test set and more."""


@pytest.mark.slow
@pytest.mark.parametrize("cell", grid.reduced(), ids=lambda cell: cell.key)
def test_reliable_intervals_cover(cell: grid.Cell) -> None:
    """No metric inside its region misses 0.93 to 0.99 by more than 4.5 standard errors of the simulation, in populations of every kind."""
    outcome = cells.run(cell, ROUNDS, TRUTH)
    off = {}
    for name, count in outcome.counts.items():
        if table.place(count, ROUNDS) == "inside":
            found = table.share(count)
            # Most cells lie near 0.95, whose error this is; a share of 1 has none of its own.
            error = (0.95 * 0.05 / count.reliable) ** 0.5
            if not table.LOW - 4.5 * error <= found <= table.HIGH + 4.5 * error:
                off[name] = round(found, 3)
    assert off == {}


def test_the_study_knows_every_metric_with_an_interval() -> None:
    """A new metric is part of the study without a word."""
    studied = {(cell.world.task, name) for cell in grid.grid() for name in cell.metrics}
    for task in ("binary", "multiclass", "regression"):
        for extended in (False, True):
            assert {(task, name) for name in grid.with_interval(task, extended=extended)} <= studied
