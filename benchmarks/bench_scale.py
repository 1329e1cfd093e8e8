"""Predictions beyond memory: 10^8 rows with a slice column, measured in parts; wall time, CPU time and peak memory.

python benchmarks/bench_scale.py [ROWS]     10^8 without an argument: 2 GB of disk, a minute of CPU time
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, CHUNK = 100_000_000, 1_000_000
PLACES = np.array([f"place {index}" for index in range(12)])


def write(path: Path, rows: int) -> None:
    """A scored file as the inference stage writes it: every tenth row positive, 12 places."""
    random, writer = np.random.default_rng(0), None
    for start in range(0, rows, CHUNK):
        n = min(CHUNK, rows - start)
        target = (random.random(n) < 0.1).astype(np.int32)
        score = 1 / (1 + np.exp(-(random.normal(size=n) + 2 * target - 2.5)))
        columns = {
            "row_id": np.arange(start, start + n),
            "target": target,
            "prediction": (score >= 0.5).astype(np.int32),
            "score_0": 1 - score,
            "score_1": score,
            "slice:place": PLACES[random.integers(0, len(PLACES), n)],
        }
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
        writer.write_table(table, row_group_size=200_000)
    if writer is not None:
        writer.close()


def measure(path: Path, slices: str) -> None:
    """In a process of its own, so that its peak is its own."""
    from mtf.compute import local
    from mtf.contracts.stages import EvaluateSpec
    from mtf_evaluation.streams.chunks import ParquetChunks
    from mtf_evaluation.streams.report import report

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spec = EvaluateSpec(task="binary", labels=[0, 1], slices=[["place"]] if slices == "sliced" else [])
    began = time.perf_counter()
    with local(2) as runner:
        found = report(spec, ParquetChunks(path, task="binary", labels=[0, 1]), None, runner=runner, progress=lambda *_: None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    auc = found.metrics["roc_auc"]
    print(
        f"{found.rows.total:,} rows, {len(found.slices)} slices: {time.perf_counter() - began:.0f} s wall, {time.process_time():.0f} s CPU, "
        f"peak {peak:.0f} MiB ({before:.0f} before); roc_auc {auc.value:.6f}, exact to {auc.bound:.1e}"
    )


def main() -> None:
    """Write the rows once, measure them without and with slices."""
    if len(sys.argv) > 2 and sys.argv[1] == "--child":
        measure(Path(sys.argv[2]), sys.argv[3])
        return
    rows = int(float(sys.argv[1])) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder) / "scored.parquet"
        write(path, rows)
        for slices in ("whole", "sliced"):
            subprocess.run([sys.executable, __file__, "--child", str(path), slices], check=True)


if __name__ == "__main__":
    main()
