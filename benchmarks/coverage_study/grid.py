"""Which populations, which sizes, which metrics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from benchmarks.coverage_study.worlds import World

from mtf.plugins import load, names
from mtf_evaluation.measure import default_metrics

SMALL = (30, 100, 300, 1_000, 10_000)
LARGE = 100_000


@dataclass(frozen=True)
class Cell:
    """One population at one size."""

    world: World
    n: int
    metrics: tuple[str, ...]

    @property
    def key(self) -> str:
        """What tells it apart."""
        return f"{self.world.task}|{self.world.name}|{self.n}|{len(self.metrics)}"


@cache
def with_interval(task: str, *, extended: bool) -> tuple[str, ...]:
    """Metrics that claim an interval: those of every report, or the others."""
    found = [name for name in names("metric") if task in load("metric", name).tasks and load("metric", name).has_interval]
    return tuple(name for name in found if (name in default_metrics(task)) != extended)


def grid() -> list[Cell]:
    """The metrics of every report everywhere, the others where regions begin and end."""
    return [*_binary(extended=False), *_multiclass(extended=False), *_regression(extended=False), *others()]


def others() -> list[Cell]:
    """The metrics that a report has when they are asked for."""
    return [*_binary(extended=True), *_multiclass(extended=True), *_regression(extended=True)]


def reduced() -> list[Cell]:
    """The smallest test set of each kind of population, small enough for every check of the code."""
    found: dict[tuple[object, ...], Cell] = {}
    for cell in grid():
        kind = (cell.world.task, frozenset(cell.world.options), cell.world.options.get("errors"), cell.world.options.get("k"), cell.metrics)
        if 100 <= cell.n <= 2_000:
            found[kind] = min(found.get(kind, cell), cell, key=lambda one: one.n)
    return list(found.values())


def _binary(*, extended: bool) -> list[Cell]:
    metrics = with_interval("binary", extended=extended)
    sizes = (100, 1_000, 10_000) if extended else SMALL
    shares = (0.5, 0.1) if extended else (0.5, 0.2, 0.1, 0.05, 0.01)
    found = [(World("binary", f"prevalence {share}", {"share": share}), n) for share in shares for n in sizes]
    found += [(World("binary", f"prevalence {share}", {"share": share}), LARGE) for share in (0.5, 0.01) if not extended]
    found += [(World("binary", "prevalence 0.02", {"share": 0.02}), 10_000)] if extended else []
    near = {"share": 0.3, "signal": 4.0}
    found += [(World("binary", "near perfect, prevalence 0.3", near), n) for n in ((3_000,) if extended else (100, 1_000, 10_000))]
    sure = {"share": 0.3, "slope": 2.0}
    found += [(World("binary", "overconfident, prevalence 0.3", sure), n) for n in ((3_000,) if extended else (300, 3_000))]
    found += [
        (World("binary", f"weights, prevalence {share}", {"share": share, "weighted": True}), n)
        for share in ((0.3,) if extended else (0.5, 0.1))
        for n in ((1_000,) if extended else (100, 1_000, 10_000))
    ]
    found += [
        (World("binary", f"groups of {size}, prevalence {share}", {"share": share, "cluster": size}), n)
        for share, size in (((0.3, 10),) if extended else ((0.5, 5), (0.5, 20), (0.1, 20)))
        for n in ((2_000,) if extended else (300, 2_000, 10_000))
    ]
    return [Cell(world, n, metrics) for world, n in found if metrics]


def _multiclass(*, extended: bool) -> list[Cell]:
    metrics = with_interval("multiclass", extended=extended)
    sizes = (1_000,) if extended else (100, 300, 1_000, 10_000)
    found = [(World("multiclass", f"{k} classes", {"k": k}), n) for k in (3, 10) for n in sizes]
    found += [(World("multiclass", "4 classes, weights", {"k": 4, "weighted": True}), n) for n in ((1_000,) if extended else (300, 3_000))]
    found += [
        (World("multiclass", "4 classes, groups of 10", {"k": 4, "cluster": 10}), n) for n in ((2_000,) if extended else (500, 5_000))
    ]
    return [Cell(world, n, metrics) for world, n in found if metrics]


def _regression(*, extended: bool) -> list[Cell]:
    metrics = with_interval("regression", extended=extended)
    sizes = (100, 1_000, 10_000) if extended else SMALL
    laws = ("normal", "relative", "lognormal") if extended else ("normal", "relative", "exponential", "lognormal", "t3", "pareto")
    found = [(World("regression", f"{law} errors", {"errors": law}), n) for law in laws for n in sizes]
    found += [(World("regression", "normal errors", {"errors": "normal"}), LARGE)] if not extended else []
    found += [
        (World("regression", f"{law} errors, weights", {"errors": law, "weighted": True}), n)
        for law in ("normal", "exponential")
        for n in ((1_000,) if extended else (100, 1_000, 10_000))
    ]
    found += [
        (World("regression", "normal errors, groups of 10", {"errors": "normal", "cluster": 10}), n)
        for n in ((2_000,) if extended else (300, 2_000, 10_000))
    ]
    return [Cell(world, n, metrics) for world, n in found if metrics]
