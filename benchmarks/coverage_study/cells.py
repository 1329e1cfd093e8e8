"""One cell: draw test sets, and count the intervals that hold the truth."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from benchmarks.coverage_study.grid import Cell
from benchmarks.coverage_study.worlds import World

from mtf_evaluation import measure

TRUTH = 1_000_000
TIMES = 2
"""The truth is the mean over this many samples of that many rows: 20 times the largest test set."""


@dataclass
class Count:
    """One metric in one cell."""

    intervals: int = 0
    """Test sets whose value had an interval."""
    held: int = 0
    """Of these, how many held the truth."""
    reliable: int = 0
    reliable_held: int = 0
    """The same among those that the metric calls reliable."""


@dataclass
class Outcome:
    """One cell."""

    key: str
    task: str
    world: str
    n: int
    replicates: int
    counts: dict[str, Count] = field(default_factory=dict)


def seed_of(world: World) -> int:
    """A seed that a population keeps from run to run."""
    return zlib.crc32(f"{world.task} {world.name}".encode())


@cache
def truth(world: World, metrics: tuple[str, ...], rows: int = TRUTH) -> Mapping[str, float]:
    """The population's values."""
    random = np.random.default_rng([seed_of(world), 1])
    found: dict[str, list[float]] = {name: [] for name in metrics}
    for _ in range(TIMES):
        sample = world.draw(rows, random)
        plugins = measure.find(metrics, sample.task, sample.labels)
        ready = measure.prepared(sample)
        for name, plugin in plugins.items():
            value = measure.value_of(plugin, ready)
            found[name].append(np.nan if value is None else value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def run(cell: Cell, replicates: int, rows: int = TRUTH) -> Outcome:
    """Draw the cell's test sets; the truth is computed from twice `rows`."""
    with np.errstate(all="ignore"):
        wanted = truth(cell.world, cell.metrics, rows)
    outcome = Outcome(cell.key, cell.world.task, cell.world.name, cell.n, replicates, {name: Count() for name in cell.metrics})
    random = np.random.default_rng([seed_of(cell.world), cell.n])
    for _ in range(replicates):
        sample = cell.world.draw(cell.n, random)
        if sample.task != "regression" and np.unique(sample.target).size < len(sample.labels):
            continue  # a test set without a class is undefined for some metrics, and tells nothing about intervals
        for name, value in measure.measure(sample, cell.metrics).items():
            if value.lower is None or value.upper is None or not np.isfinite(wanted[name]):
                continue
            count = outcome.counts[name]
            holds = value.lower <= wanted[name] <= value.upper
            count.intervals += 1
            count.held += holds
            count.reliable += value.reliable
            count.reliable_held += holds and value.reliable
    return outcome
