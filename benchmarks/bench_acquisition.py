"""CSV to a stored version with types, digest and profile, beside pyarrow alone (`open_csv` to zstd Parquet) on the same file.

    python benchmarks/bench_acquisition.py [rows] [repeats]

Both sides run alternately in fresh processes; the figures are the median wall times, their ratio (budget: at most 1.5) and the peak of
resident memory. A file of twice as many rows shows that our memory does not grow with it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BUDGET = 1.5


def make(path: Path, rows: int) -> None:
    """A table of 17 columns as people have them: numbers, codes, categories, a truth value, names."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    rng = np.random.default_rng(0)
    words = np.array([f"category {index:02d}" for index in range(50)])
    with csv.CSVWriter(path, table_of(rng, words, 0, 1).schema) as writer:
        for start in range(0, rows, 100_000):
            writer.write_table(pa.Table.from_batches([table_of(rng, words, start, min(100_000, rows - start))]))


def table_of(rng: Any, words: Any, start: int, rows: int) -> Any:
    """One batch of the table."""
    import numpy as np
    import pyarrow as pa

    columns: dict[str, Any] = {"id": np.arange(start, start + rows)}
    columns |= {f"x{index}": np.round(rng.normal(size=rows) * 100, 4) for index in range(6)}
    columns |= {f"k{bound}": rng.integers(0, bound, rows) for bound in (10, 100, 5_000, 1_000_000)}
    columns |= {f"c{index}": words[rng.integers(0, 50, rows)] for index in range(4)}
    columns["flag"] = rng.random(rows) < 0.5
    columns["name"] = np.char.add("user ", rng.integers(0, 10**7, rows).astype(str))
    return pa.RecordBatch.from_pydict(columns)


def theirs(path: Path, folder: Path) -> None:
    """What pyarrow needs to store the file, without digest, profile or a second look at types."""
    import pyarrow.parquet as pq
    from pyarrow import csv

    reader = csv.open_csv(path)
    with pq.ParquetWriter(folder / "data.parquet", reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def ours(path: Path, folder: Path) -> None:
    """Stage 1, as the child runs it."""
    from mtf.plugins import SourceContext
    from mtf.testing import run_stage
    from mtf_acquisition.stage import STAGE

    spec = STAGE.validate({"source": {"type": "file", "path": str(path)}}).spec
    run_stage(STAGE.entry, spec, output=folder / "out", source=SourceContext(credentials={}, base=path.parent, confined=False))


def once(side: str, path: Path) -> dict[str, float]:
    """Run one side in a fresh process and return its figures."""
    done = subprocess.run([sys.executable, __file__, "--side", side, str(path)], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def child(side: str, path: Path) -> None:
    """Measure without the imports: the service's children are forked from a process that has them."""
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401

    import mtf_acquisition.execute  # noqa: F401

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        {"theirs": theirs, "ours": ours}[side](path, Path(folder))
        figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**figures, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> None:
    """Make the file, run both sides in turn, print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        path, twice = Path(folder) / "table.csv", Path(folder) / "twice.csv"
        make(path, rows)
        runs: dict[str, list[dict[str, float]]] = {"theirs": [], "ours": []}
        for _ in range(repeats):
            for side, results in runs.items():
                results.append(once(side, path))
        median = {side: {key: statistics.median(run[key] for run in results) for key in results[0]} for side, results in runs.items()}
        size = path.stat().st_size / 1e6
        path.unlink()
        make(twice, 2 * rows)
        double = once("ours", twice)
    print(f"{rows:,} rows, {size:,.0f} MB, {os.cpu_count()} cores, median of {repeats}")
    for side, figures in median.items():
        print(f"{side:>7}: wall {figures['wall']:.2f} s   cpu {figures['cpu']:.2f} s   peak {figures['peak']:.0f} MiB")
    print(f"  ratio: wall {median['ours']['wall'] / median['theirs']['wall']:.2f} (budget {BUDGET})")
    print(f"2 x rows: wall {double['wall']:.2f} s   peak {double['peak']:.0f} MiB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
