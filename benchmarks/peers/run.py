"""Ours, scikit-learn, MLflow and Evidently on the same rows, in one run: `make bench-peers`.

    python benchmarks/peers/run.py [ROUNDS] [ROWS ...]

Each call is a process of its own, in an environment of its own. Rounds go through all sides in turn, so that they meet the same load of
the machine; medians are told. Writes the table into the README beside this folder.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from environments import HERE, python_of

README = HERE.parent / "README.md"
START, END = "<!-- peers: written by `make bench-peers` -->", "<!-- peers: end -->"
LONGEST = 1800


@dataclass
class Side:
    """A script, the environment that it runs in, the budget it sets us, and what was measured."""

    script: str
    environment: str
    budget: str = ""
    found: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""

    def median(self, name: str) -> float:
        """The median of a figure."""
        return float(statistics.median(one[name] for one in self.found))


def sides() -> list[Side]:
    """Ours first."""
    return [
        Side("ours.py", "ours"),
        Side("scikit_learn.py", "ours"),
        Side("mlflow_model.py", "mlflow", "15 x"),
        Side("mlflow_labels.py", "mlflow"),
        Side("evidently_preset.py", "evidently", "40 x"),
    ]


def write_rows(path: Path, rows: int) -> None:
    """A model of moderate skill with three positives in ten."""
    random = np.random.default_rng(0)
    target = (random.random(rows) < 0.3).astype(np.int64)
    score = 1 / (1 + np.exp(-(1.5 * target + random.normal(size=rows) - 1)))
    pd.DataFrame({"target": target, "prediction": (score >= 0.5).astype(np.int64), "score": score}).to_parquet(path, index=False)


def call(side: Side, data: Path) -> None:
    """One process; its last line is its figures."""
    python = python_of(side.environment)
    if isinstance(python, str):
        side.failed = python
        return
    try:
        done = subprocess.run(
            [str(python), str(HERE / side.script), str(data)], capture_output=True, text=True, check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        side.failed = f"took longer than {LONGEST} s"
        return
    if done.returncode:
        side.failed = f"failed: {done.stderr.strip().splitlines()[-1]}"
        return
    side.found.append(json.loads(done.stdout.strip().splitlines()[-1]))


def measure(rows: int, rounds: int, folder: Path) -> list[Side]:
    """Every side, in turn, as often as there are rounds."""
    data = folder / f"{rows}.parquet"
    write_rows(data, rows)
    found = sides()
    for number in range(rounds):
        for side in found:
            if not side.failed:
                call(side, data)
                figures = f"{side.found[-1]['seconds']:.3f} s" if side.found and not side.failed else side.failed
                print(f"{rows:,} rows, round {number + 1} of {rounds}, {side.script}: {figures}", flush=True)
    return found


def table(rows: int, found: list[Side]) -> list[str]:
    """The measured sides as Markdown."""
    ours = found[0]
    lines = [
        f"| {rows:,} rows | version | seconds | over ours | budget | processor s | whole process, s | peak memory, MiB | above the loaded rows, MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for side in found:
        if side.failed or not side.found:
            lines.append(f"| `{side.script}` | | {side.failed} | | | | | | |")
            continue
        first, mib = side.found[0], 2**20
        ratio = "" if side is ours or ours.failed else f"{side.median('seconds') / ours.median('seconds'):.1f} x"
        lines.append(
            f"| {first['library']} | {first['version']} | {side.median('seconds'):.3f} | {ratio} | {side.budget} | {side.median('cpu'):.3f} "
            f"| {side.median('total'):.1f} | {side.median('peak') / mib:,.0f} | {side.median('above') / mib:,.0f} |"
        )
    return lines


def machine() -> str:
    """What the figures were measured on."""
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines() if "model name" in line]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[2]
    return (
        f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else platform.machine()}, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, load of the last 15 minutes {load:.1f}"
    )


def publish(lines: list[str]) -> None:
    """Put the lines between the marks of the README."""
    text = README.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[-1]
    README.write_text(before + "\n".join([START, *lines, END]) + after, encoding="utf-8")


def main() -> None:
    """Measure, print, publish."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    sizes = [int(text) for text in sys.argv[2:]] or [100_000, 1_000_000]
    lines = [f"Medians of {rounds} rounds that go through all sides in turn, each call a process of its own; {machine()}.", ""]
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            lines += [*table(rows, measure(rows, rounds, Path(folder))), ""]
    publish(lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
