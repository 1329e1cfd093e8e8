"""How often intervals hold the truth, in populations where it is known. Nominal: 95 %.

python -m benchmarks.coverage_study               every cell, 4,000 test sets each; hours. Goes on where it was stopped
python -m benchmarks.coverage_study --reduced     a few cells, 400 test sets each
python -m benchmarks.coverage_study --write       what was computed so far, into docs/statistics/coverage.md
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from benchmarks.coverage_study import cells, grid, table
from benchmarks.coverage_study.cells import Count, Outcome

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "statistics" / "coverage.md"
KEPT = ROOT / "benchmarks" / ".coverage_study.jsonl"
BEGIN, END = "<!-- generated: coverage-study -->", "<!-- end -->"
REPLICATES, FEW = 4_000, 400
WIDE = 7
"""Metrics side by side in a table."""


def kept(place: Path) -> dict[str, Outcome]:
    """Cells that were computed before."""
    if not place.exists():
        return {}
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines() if line]
    found = [Outcome(**line | {"counts": {name: Count(**count) for name, count in line["counts"].items()}}) for line in lines]
    return {one.key: one for one in found}


def compute(wanted: list[grid.Cell], replicates: int, jobs: int, *, keep: Path | None) -> list[Outcome]:
    """The cells that are missing, a population at a time, cheapest first, each written down as soon as it is done."""
    done = kept(keep) if keep else {}
    missing = [cell for cell in wanted if cell.key not in done]
    together: dict[object, list[grid.Cell]] = {}
    for cell in missing:
        together.setdefault((cell.world, cell.metrics, cell.n > grid.SMALL[-1]), []).append(cell)
    groups = sorted(together.values(), key=lambda group: sum((cell.n + 3_000) * len(cell.metrics) for cell in group))
    count = 0
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(run, group, replicates) for group in groups]):
            for outcome in future.result():
                count += 1
                done[outcome.key] = outcome
                if keep:
                    keep.parent.mkdir(exist_ok=True)
                    with keep.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(outcome)) + "\n")
                print(f"{count} of {len(missing)}: {outcome.task}, {outcome.world}, {outcome.n:,} rows", flush=True)
    return [done[cell.key] for cell in wanted if cell.key in done]


def run(group: list[grid.Cell], replicates: int) -> list[Outcome]:
    """The sizes of one population, whose truth is computed once."""
    return [cells.run(cell, replicates) for cell in group]


def written(outcomes: list[Outcome]) -> str:
    """The generated part of the page."""
    misses = sum(table.missed(count, one.replicates) for one in outcomes for count in one.counts.values())
    inside = sum(table.place(count, one.replicates) == "inside" for one in outcomes for count in one.counts.values())
    head = ("metric", "task", "cells inside", "coverage inside", "on the border", "outside", "misses")
    parts = [
        (
            f"{len(outcomes)} populations and sizes, {min(one.replicates for one in outcomes):,} test sets each; {inside:,} cells of a metric lie inside "
            f"its validity region, {misses or 'none'} of them {'misses' if misses == 1 else 'miss'} 0.93 to 0.99 by more than the simulation's own noise.\n"
        ),
        table.markdown(head, table.summary(outcomes)),
    ]
    for task in ("binary", "multiclass", "regression"):
        for metrics in _columns([one for one in outcomes if one.task == task]):
            rows = table.detail(outcomes, task, metrics)
            parts += [
                f"\n### {task}: {', '.join(metrics)}\n",
                table.markdown(("population", "rows", *(f"`{name}`" for name in metrics)), rows),
            ]
    return "\n".join(parts)


def _columns(outcomes: list[Outcome]) -> list[list[str]]:
    """Metrics that were measured in the same cells, a few side by side."""
    found: list[list[str]] = []
    for metrics in dict.fromkeys(tuple(one.counts) for one in outcomes):
        found += [list(metrics[start : start + WIDE]) for start in range(0, len(metrics), WIDE)]
    return found


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reduced", action="store_true", help="a few cells, fewer test sets")
    parser.add_argument("--write", action="store_true", help=f"only write what is known into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--replicates", type=int, help="test sets of each cell")
    parser.add_argument("--kept", type=Path, default=KEPT, help="where finished cells are kept")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    chosen = parser.parse_args()
    os.nice(5)
    replicates = chosen.replicates or (FEW if chosen.reduced else REPLICATES)
    wanted = grid.reduced() if chosen.reduced else grid.grid()
    if chosen.write:
        known = kept(chosen.kept)
        outcomes = [known[cell.key] for cell in wanted if cell.key in known]
    else:
        outcomes = compute(wanted, replicates, chosen.jobs, keep=None if chosen.reduced else chosen.kept)
    if chosen.reduced:
        print(written(outcomes))
        return
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{written(outcomes)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
