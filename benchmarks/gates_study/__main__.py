"""How often a gate passes although the truth lies exactly on its bound. Nominal: 2.5 %, one side of a 95 % interval.

python -m benchmarks.gates_study               every cell, 4,000 test sets each; prints the tables
python -m benchmarks.gates_study --reduced     a cell of each kind, 400 test sets each
python -m benchmarks.gates_study --write       every cell, into docs/statistics/gates.md
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.gates_study import cells, families, table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "statistics" / "gates.md"
BEGIN, END = "<!-- measured: gates-study -->", "<!-- end of what was measured -->"
REPLICATES, FEW = 4_000, 400


def grid() -> list[cells.Cell]:
    """Every cell."""
    return [*cells.singles(), *families.slices(), *families.baselines()]


def reduced() -> list[cells.Cell]:
    """Every eighth cell: some of each kind."""
    return grid()[::8]


def run(place: int, replicates: int) -> cells.Outcome:
    """One cell by its place in the grid; the outcome without its functions crosses processes."""
    found = cells.run(grid()[place], replicates)
    plain = cells.Cell(found.cell.table, found.cell.name, _never)
    return cells.Outcome(plain, found.replicates, found.passed, found.failed, found.unreliable)


def _never(_: object) -> None:
    raise NotImplementedError("an outcome is not run again")


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reduced", action="store_true", help="a cell of each kind, fewer test sets")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.relative_to(PAGE.parents[2])}")
    parser.add_argument("--replicates", type=int, help="test sets of each cell")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    chosen = parser.parse_args()
    if chosen.write and chosen.reduced:
        parser.error("the page shows the whole grid: leave --reduced out")
    os.nice(10)
    replicates = chosen.replicates or (FEW if chosen.reduced else REPLICATES)
    places = range(0, len(grid()), 8 if chosen.reduced else 1)
    began, outcomes = time.perf_counter(), []
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for done, outcome in enumerate(pool.map(run, places, [replicates] * len(places)), 1):
            outcomes.append(outcome)
            sys.stderr.write(f"\r{done} of {len(places)} cells, {time.perf_counter() - began:.0f} s ")
    sys.stderr.write("\n")
    text = f"{table.summary(outcomes)}\n\n{table.markdown(outcomes)}"
    if chosen.write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
