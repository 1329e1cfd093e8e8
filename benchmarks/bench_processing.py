"""The recipe impute, scale, one_hot against pandas and scikit-learn's ColumnTransformer: Parquet in and Parquet out on both sides.

    python benchmarks/bench_processing.py [--rows 1000000] [--side ours|theirs|both]

Both sides read the same file, split off the same share of test rows, learn from the training rows, and write both row sets. Each runs in a
process of its own, which reports its wall time, its CPU time and its peak of resident memory. The budget at 10 million rows: at least 2 times faster,
peak under 2 GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUMBERS = [f"n{index}" for index in range(15)]
TEXTS = [f"c{index}" for index in range(5)]
TEST = 0.2


def make(path: Path, rows: int) -> None:
    """15 columns of numbers and 5 of categories, a twentieth of the values missing, in row groups of 131,072 rows."""
    rng = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, 131_072):
        count = min(131_072, rows - start)
        columns: dict[str, pa.Array] = {"id": pa.array(np.arange(start, start + count))}
        columns |= {name: pa.array(rng.normal(5, 3, count), mask=rng.random(count) < 0.05) for name in NUMBERS}
        for index, name in enumerate(TEXTS):
            values = pa.array([f"{name} value {code}" for code in range(4 + 2 * index)])
            columns[name] = values.take(pa.array(rng.integers(0, len(values), count), mask=rng.random(count) < 0.05))
        columns["y"] = pa.array(rng.integers(0, 2, count))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def ours(path: Path, folder: Path) -> None:
    """The processing stage."""
    from mtf.contracts.job import Limits
    from mtf.testing import run_stage
    from mtf_processing.stage import STAGE

    steps = [{"split": {"test": TEST}}, {"impute": {"numeric": "median"}}, {"scale": {}}, {"one_hot": {}}]
    spec = STAGE.validate({"steps": steps, "roles": {"target": "y", "id": "id"}}).spec
    run_stage(STAGE.entry, spec, output=folder / "ours", inputs={"data": path}, limits=Limits(cpus=2))


def theirs(path: Path, folder: Path) -> None:
    """The same with pandas and scikit-learn."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.read_parquet(path)
    train, test = train_test_split(frame, test_size=TEST, random_state=0)
    recipe = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
            (
                "texts",
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
                TEXTS,
            ),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    (folder / "theirs").mkdir()
    for name, rows, transform in (("train", train, recipe.fit_transform), ("test", test, recipe.transform)):
        features = transform(rows)
        features.to_parquet(folder / "theirs" / f"{name}.features.parquet", compression="zstd")
        rows[["id", "y"]].to_parquet(folder / "theirs" / f"{name}.context.parquet", compression="zstd")


SIDES: dict[str, Callable[[Path, Path], None]] = {"ours": ours, "theirs": theirs}


def measure(side: str, path: Path, folder: Path) -> dict[str, float]:
    """Wall seconds, CPU seconds and peak memory of one side, in a process of its own."""
    code = subprocess.run(
        [sys.executable, __file__, "--child", side, "--data", str(path), "--folder", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(code.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--side", choices=[*SIDES, "both"], default="both")
    parser.add_argument("--child", choices=list(SIDES))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if args.child:
        start = time.perf_counter()
        SIDES[args.child](args.data, args.folder)
        seconds = time.perf_counter() - start
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss // 1024}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "data.parquet", args.rows)
        found = {side: measure(side, folder / "data.parquet", folder) for side in SIDES if args.side in {side, "both"}}
        for side, figures in found.items():
            print(
                f"{side:7} {args.rows:,} rows: {figures['seconds']:.2f} s, {figures['cpu']:.2f} s of CPU, peak {figures['peak_mib']:,.0f} MiB"
            )
        if len(found) == len(SIDES):
            ratios = [found["theirs"][key] / found["ours"][key] for key in ("seconds", "cpu")]
            print(f"ratio   {ratios[0]:.1f} times faster, {ratios[1]:.1f} times less CPU")


if __name__ == "__main__":
    main()
