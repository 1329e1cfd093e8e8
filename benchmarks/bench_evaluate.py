"""Every default metric of 1M binary rows with its interval, beside scikit-learn's point values alone, in one run.

    python benchmarks/bench_evaluate.py [ROWS] [SLICES]

Prints seconds (the best of five alternating rounds after a warm-up of both sides), their ratio, and the extra peak memory of our side per row.
With SLICES > 0 also the same metrics in that many slices against a scikit-learn loop over the slices.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
from sklearn import metrics as sk

from mtf.plugins import Sample
from mtf_evaluation import measure

ROUNDS = 5


def make(rows: int) -> Sample:
    """A model of moderate skill with three positives in ten."""
    random = np.random.default_rng(0)
    target = (random.random(rows) < 0.3).astype(np.int32)
    score = 1 / (1 + np.exp(-(1.5 * target + random.normal(size=rows) - 1)))
    return Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1))


def by_scikit_learn(sample: Sample) -> dict[str, float]:
    """The same numbers without an interval; ece, which scikit-learn lacks, is left out to its favour."""
    if sample.scores is None:
        raise ValueError("the sample has no scores")
    y, p, score = sample.target, sample.prediction, sample.scores[:, 1]
    return {
        "accuracy": sk.accuracy_score(y, p),
        "balanced_accuracy": sk.balanced_accuracy_score(y, p),
        "precision": sk.precision_score(y, p),
        "recall": sk.recall_score(y, p),
        "f1": sk.f1_score(y, p),
        "specificity": sk.recall_score(y, p, pos_label=0),
        "mcc": sk.matthews_corrcoef(y, p),
        "roc_auc": sk.roc_auc_score(y, score),
        "average_precision": sk.average_precision_score(y, score),
        "log_loss": sk.log_loss(y, score),
        "brier": sk.brier_score_loss(y, score),
    }


def seconds(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The best wall time of each; rounds alternate between them, so that both meet the same load of the machine."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            start = time.perf_counter()
            work()
            best[place] = min(best[place], time.perf_counter() - start)
    return best


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    slices = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    small, sample = make(10_000), make(rows)
    ours, theirs = measure.measure(small, None), by_scikit_learn(small)
    for name, value in theirs.items():
        np.testing.assert_allclose(np.array(ours[name].value, dtype=np.float64), value, rtol=1e-10)
    mine, other = seconds(lambda: measure.measure(sample, None), lambda: by_scikit_learn(sample))
    tracemalloc.start()
    measure.measure(sample, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"{rows:,} rows: ours with intervals {mine:.3f} s, scikit-learn's values {other:.3f} s, ratio {mine / other:.3f} (budget 0.25)")
    print(f"extra peak memory {peak / rows:.0f} bytes a row (budget 150)")
    if slices:
        parts = np.array_split(np.random.default_rng(1).permutation(rows), slices)
        mine, other = seconds(
            lambda: [measure.measure(measure.subset(sample, part), None) for part in parts],
            lambda: [by_scikit_learn(measure.subset(sample, part)) for part in parts],
            rounds=2,
        )
        print(
            f"{slices} slices: ours with intervals {mine:.3f} s, a scikit-learn loop {other:.3f} s, ratio {mine / other:.3f} (budget 0.05)"
        )


if __name__ == "__main__":
    main()
