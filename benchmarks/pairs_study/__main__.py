"""How often two equally good models are told apart at p < 0.05: `python -m benchmarks.pairs_study [--replicates N] [--task TASK]`.

Each line is a cell: the rate over all test sets with a p-value, and over those where the comparison calls itself reliable.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field

import numpy as np
from benchmarks.pairs_study.worlds import WORLDS

from mtf_evaluation import measure
from mtf_evaluation.catalogue import describe
from mtf_evaluation.compare import compare_many

CELLS = [
    ("binary", 100, 0.4), ("binary", 150, 0.4), ("binary", 400, 0.4), ("binary", 600, 0.1), ("binary", 2000, 0.1), ("binary", 10_000, 0.01),
    ("multiclass", 600, 0.0), ("multiclass", 2000, 0.0),
    ("regression", 40, 0.0), ("regression", 100, 0.0), ("regression", 400, 0.0),
]  # fmt: skip  # one line per task
ALPHA = 0.05
BAND = (0.04, 0.06)


@dataclass
class Tally:
    """Test sets with a p-value, those below 0.05, and the same of those that call themselves reliable."""

    tested: int = 0
    wrong: int = 0
    reliable: int = 0
    reliably_wrong: int = 0


@dataclass(frozen=True)
class Cell:
    """One kind of test set."""

    task: str
    n: int
    prevalence: float
    paired: bool
    tallies: dict[str, Tally] = field(default_factory=dict)

    def run(self, replicates: int) -> None:
        """Compare two equal models on that many test sets."""
        names = [name for name in measure.known_metrics(self.task) if describe(name).paired]
        for replicate in range(replicates):
            random = np.random.default_rng([29, replicate, self.n, round(self.prevalence * 1000), self.paired])
            first, second = WORLDS[self.task](random, self.n, self.prevalence)
            if not self.paired:
                second = WORLDS[self.task](random, self.n, self.prevalence)[0]
            for one in compare_many([first, second], ["a", "b"], names, paired=self.paired).comparisons:
                if one.p_value is not None:
                    self._count(one.metric, wrong=one.p_value < ALPHA, reliable=one.reliable)

    def _count(self, metric: str, *, wrong: bool, reliable: bool) -> None:
        tally = self.tallies.setdefault(metric, Tally())
        tally.tested += 1
        tally.wrong += wrong
        tally.reliable += reliable
        tally.reliably_wrong += wrong and reliable

    def lines(self, replicates: int) -> list[str]:
        """A Markdown row for each metric."""
        head = f"| {self.task} | {self.n:,} | {f'{self.prevalence:g}' if self.prevalence else ''} | {'paired' if self.paired else 'unpaired'} |"
        rows = []
        for name, tally in self.tallies.items():
            inside = "" if not tally.reliable else f"{tally.reliably_wrong / tally.reliable:.4f}"
            trusted = tally.reliable >= replicates / 2
            mark = "" if not trusted or BAND[0] <= tally.reliably_wrong / tally.reliable <= BAND[1] else "outside"
            share = f"{tally.reliable / replicates:.0%}"
            rows.append(f"{head} {name} | {tally.wrong / tally.tested:.4f} | {inside} | {share} | {mark} |")
        return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=4000, help="test sets of a cell")
    parser.add_argument("--task", choices=sorted(WORLDS), help="only this task")
    asked = parser.parse_args()
    print("| task | rows | prevalence | design | metric | rate | rate where reliable | reliable | |\n|---|---|---|---|---|---|---|---|---|")
    for paired in (True, False):
        for task, n, prevalence in CELLS:
            if asked.task in (None, task):
                cell = Cell(task, n, prevalence, paired)
                cell.run(asked.replicates)
                print("\n".join(cell.lines(asked.replicates)), flush=True)


if __name__ == "__main__":
    main()
