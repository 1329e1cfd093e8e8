"""The cells of the study: one gate whose true value lies exactly on its bound, judged on thousands of test sets."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from benchmarks.gates_study import designs
from benchmarks.gates_study.worlds import World, binormal, calibrated, confusion, numbers, three_classes

from mtf.contracts.report import Gate
from mtf.contracts.stages import Term
from mtf_evaluation import measure
from mtf_evaluation.catalogue import describe
from mtf_evaluation.gates import judge
from mtf_evaluation.gates.grammar import parse


@dataclass(frozen=True)
class Cell:
    """One row of a table: how a test set is drawn and judged."""

    table: str
    name: tuple[str, ...]
    once: Callable[[np.random.Generator], Gate]


@dataclass(frozen=True)
class Outcome:
    """Verdicts of a cell, as shares of its replicates."""

    cell: Cell
    replicates: int
    passed: float
    failed: float
    unreliable: float


def run(cell: Cell, replicates: int) -> Outcome:
    """Judge this many test sets. The cell's name decides the random numbers."""
    random = np.random.default_rng(zlib.crc32(repr((cell.table, cell.name)).encode()))
    passed = failed = unreliable = 0
    for _ in range(replicates):
        gate = cell.once(random)
        passed += gate.verdict == "pass"
        failed += gate.verdict == "fail"
        unreliable += gate.verdict == "inconclusive" and not gate.observed.get("reliable", True)
    return Outcome(cell, replicates, passed / replicates, failed / replicates, unreliable / replicates)


def towards(metric: str, bound: float) -> Term:
    """The gate that a user of this metric writes: at least, or at most for a loss."""
    return parse(f"{metric} {'>=' if describe(metric).greater_is_better else '<='} {bound!r}")


def single(world: World, design: str, n: int) -> Cell:
    """A gate on all rows."""
    term = towards(world.metric, world.truth)

    def once(random: np.random.Generator) -> Gate:
        sample = world.sample(designs.draw(design, n, 2, random))
        value = measure.measure(sample, [world.metric])[world.metric]
        return judge.metric(term, value, world.metric)

    return Cell("metrics", (world.metric, f"{world.truth:.4g}", world.note, design, f"{n:,}"), once)


def worlds() -> list[World]:
    """One or more worlds for each kind of interval."""
    return [
        confusion("accuracy", 0.5, 0.9, 0.9),
        confusion("accuracy", 0.5, 0.98, 0.98),
        confusion("recall", 0.3, 0.85, 0.9),
        confusion("precision", 0.3, 0.85, 0.9),
        confusion("balanced_accuracy", 0.3, 0.85, 0.9),
        confusion("f1", 0.3, 0.85, 0.9),
        confusion("mcc", 0.3, 0.85, 0.9),
        three_classes("f1_macro"),
        three_classes("cohen_kappa"),
        binormal("roc_auc", 0.3, 1.8),
        binormal("roc_auc", 0.1, 2.6),
        binormal("average_precision", 0.3, 1.8),
        calibrated("log_loss", 1.0, 2.0),
        calibrated("brier", 1.0, 2.0),
        numbers("mae"),
        numbers("mae", "laplace"),
        numbers("rmse"),
        numbers("r2"),
        numbers("median_ae"),
    ]


def singles() -> list[Cell]:
    """Every world on independent rows, and one of each kind of interval with weights and in groups."""
    cells = [single(world, "rows", n) for world in worlds() for n in (100, 1000, 5000)]
    some = [world for world in worlds() if world.note not in {"prevalence 0.1", "laplace errors"} and world.metric not in {"mcc", "brier"}]
    cells += [single(world, "weights", n) for world in some for n in (300, 2000)]
    return cells + [single(world, "groups", n) for world in some for n in (300, 2000)]
