"""Every default metric with its interval beside scikit-learn's point values alone, in one run.

    python benchmarks/bench_evaluate.py [ROWS] [CPUS]

First all rows of a binary task, then its slices: 10 columns of 12 values are 120 slices, and one column of 120 values as many small
ones; then 10 classes (a fifth of the rows) and numbers. scikit-learn is called on each slice in a loop. Prints the best seconds of
rounds that alternate between the sides after a warm-up, on the wall and of the processor (which a busy machine disturbs less), their
ratios, and the extra peak memory of our side per row.
"""

from __future__ import annotations

import math
import os
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.parts import measure_many

COLUMNS, VALUES = 10, 12
CLASSES = 10
Rows = NDArray[np.intp]


def make(rows: int) -> Sample:
    """A model of moderate skill with three positives in ten."""
    random = np.random.default_rng(0)
    target = (random.random(rows) < 0.3).astype(np.int32)
    score = 1 / (1 + np.exp(-(1.5 * target + random.normal(size=rows) - 1)))
    return Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1))


def make_classes(rows: int) -> Sample:
    """Ten classes of unequal size."""
    random = np.random.default_rng(0)
    target = random.choice(CLASSES, size=rows, p=np.arange(1, CLASSES + 1) / 55).astype(np.int32)
    raw = np.exp(random.normal(size=(rows, CLASSES)) + 1.5 * np.eye(CLASSES)[target])
    scores = raw / raw.sum(axis=1, keepdims=True)
    return Sample("multiclass", target, scores.argmax(axis=1).astype(np.int32), scores, tuple(range(CLASSES)))


def make_numbers(rows: int) -> Sample:
    """Numbers far from 0 with normal errors."""
    random = np.random.default_rng(0)
    target = random.normal(50, 10, size=rows)
    return Sample("regression", target, target + random.normal(size=rows))


def by_scikit_learn(sample: Sample) -> dict[str, float]:
    """The same numbers without an interval; what scikit-learn lacks (ece; wape and bias) is left out to its favour."""
    y, p = sample.target, sample.prediction
    if sample.task == "regression":
        return {
            "mae": sk.mean_absolute_error(y, p),
            "rmse": sk.root_mean_squared_error(y, p),
            "r2": sk.r2_score(y, p),
            "median_ae": sk.median_absolute_error(y, p),
            "max_error": sk.max_error(y, p),
            "mape": sk.mean_absolute_percentage_error(y, p),
        }
    if sample.scores is None:
        raise ValueError("the sample has no scores")
    shared = {"accuracy": sk.accuracy_score(y, p), "balanced_accuracy": sk.balanced_accuracy_score(y, p), "mcc": sk.matthews_corrcoef(y, p)}
    if sample.task == "multiclass":
        labels = np.arange(len(sample.labels))
        return shared | {
            "precision_macro": sk.precision_score(y, p, average="macro"),
            "recall_macro": sk.recall_score(y, p, average="macro"),
            "f1_macro": sk.f1_score(y, p, average="macro"),
            "f1_weighted": sk.f1_score(y, p, average="weighted"),
            "cohen_kappa": sk.cohen_kappa_score(y, p),
            "roc_auc_ovr": sk.roc_auc_score(y, sample.scores, multi_class="ovr", labels=labels),
            "log_loss": sk.log_loss(y, sample.scores, labels=labels),
            "brier": sk.brier_score_loss(y, sample.scores, labels=labels),
        }
    score = sample.scores[:, 1]
    return shared | {
        "precision": sk.precision_score(y, p),
        "recall": sk.recall_score(y, p),
        "f1": sk.f1_score(y, p),
        "specificity": sk.recall_score(y, p, pos_label=0),
        "roc_auc": sk.roc_auc_score(y, score),
        "average_precision": sk.average_precision_score(y, score),
        "log_loss": sk.log_loss(y, score),
        "brier": sk.brier_score_loss(y, score),
    }


@dataclass
class Seconds:
    """The best of some calls."""

    wall: float = math.inf
    processor: float = math.inf
    """Of all threads together."""

    def __str__(self) -> str:
        """Both."""
        return f"{self.wall:.3f} s ({self.processor:.3f} s of the processor)"

    def over(self, other: Seconds) -> str:
        """Both ratios."""
        return f"{self.wall / other.wall:.3f} x ({self.processor / other.processor:.3f} x)"


def seconds(*works: Callable[[], object], rounds: int = 5) -> list[Seconds]:
    """The best times of each; rounds alternate between them, so that both meet the same load of the machine."""
    best = [Seconds() for _ in works]
    for _ in range(rounds):
        for found, work in zip(best, works, strict=True):
            start, busy = time.perf_counter(), time.process_time()
            work()
            found.wall = min(found.wall, time.perf_counter() - start)
            found.processor = min(found.processor, time.process_time() - busy)
    return best


def peak(work: Callable[[], object]) -> int:
    """Bytes that a call holds at most beyond what was held before."""
    tracemalloc.start()
    work()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def parted(rows: int, columns: int, values: int) -> list[Rows]:
    """The rows of each value of random columns."""
    random = np.random.default_rng(1)
    codes = [random.integers(0, values, size=rows) for _ in range(columns)]
    return [np.flatnonzero(code == value) for code in codes for value in range(values)]


def same(sample: Sample) -> None:
    """Both sides agree before they are timed."""
    ours = measure.measure(sample, None)
    for name, value in by_scikit_learn(sample).items():
        np.testing.assert_allclose(np.array(ours[name].value, dtype=np.float64), value, rtol=1e-10)


def on_all_rows(sample: Sample, small: Sample) -> None:
    """One measurement of everything."""
    same(small)
    rows = sample.target.size
    mine, other = seconds(lambda: measure.measure(sample, None), lambda: by_scikit_learn(sample))
    print(f"{sample.task}, {rows:,} rows: ours with intervals {mine}, scikit-learn's values {other}: {mine.over(other)}", flush=True)
    print(f"  extra peak memory {peak(lambda: measure.measure(sample, None)) / rows:.0f} bytes a row")


def on_slices(sample: Sample, parts: list[Rows], cpus: int, rounds: int, what: str) -> None:
    """Every slice, with one thread and with `cpus`."""

    def theirs() -> list[Any]:
        return [by_scikit_learn(measure.subset(sample, part)) for part in parts]

    alone, mine, other = seconds(
        lambda: measure_many(sample, parts, None),
        lambda: measure_many(sample, parts, None, cpus=cpus),
        theirs,
        rounds=rounds,
    )
    print(
        f"{sample.task}, {sample.target.size:,} rows, {what}: ours with intervals {alone}, in {cpus} threads {mine}, "
        f"a scikit-learn loop {other}: {alone.over(other)} and {mine.over(other)}",
        flush=True,
    )
    print(f"  extra peak memory {peak(lambda: measure_many(sample, parts, None, cpus=cpus)) / sample.target.size:.0f} bytes a row")


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    cpus = int(sys.argv[2]) if len(sys.argv) > 2 else min(2, os.cpu_count() or 1)
    many, fewer = f"{COLUMNS} columns of {VALUES} values", rows // 5
    on_all_rows(make(rows), make(10_000))
    on_slices(make(rows), parted(rows, COLUMNS, VALUES), cpus, 3, many)
    on_slices(make(rows), parted(rows, 1, COLUMNS * VALUES), cpus, 3, f"1 column of {COLUMNS * VALUES} values")
    on_all_rows(make_classes(fewer), make_classes(10_000))
    on_slices(make_classes(fewer), parted(fewer, COLUMNS, VALUES), cpus, 2, many)
    on_all_rows(make_numbers(rows), make_numbers(10_000))
    on_slices(make_numbers(rows), parted(rows, COLUMNS, VALUES), cpus, 2, many)


if __name__ == "__main__":
    main()
