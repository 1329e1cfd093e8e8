"""Health checks of every service while every worker computes: two gateways and four workers as processes, runs of the diamonds example.

python benchmarks/bench_health.py [SECONDS]
"""

from __future__ import annotations

import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.chaos.cluster import Cluster  # noqa: E402 - the path comes first

from mtf.client import Client  # noqa: E402 - the path comes first


def main() -> None:
    """Keep the workers busy, ask every service in turn, print percentiles."""
    lasting = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    folder = ROOT / "examples/diamonds"
    spec = yaml.safe_load((folder / "run.yaml").read_text())
    with tempfile.TemporaryDirectory() as home, Cluster(Path(home), f"sqlite:///{home}/mtf.db") as cluster:
        with Client(cluster.url("gateway-a")) as client:
            for seed in range(60):
                steps = [{"split": {"test": 0.2, "seed": seed}} if "split" in step else step for step in spec["processing"]]
                client.submit({**spec, "name": f"health-{seed}", "processing": steps}, base=folder)
        taken: dict[str, list[float]] = {name: [] for name in cluster.ports}
        end = time.monotonic() + lasting
        while time.monotonic() < end:
            for name, times in taken.items():
                start = time.perf_counter()
                urllib.request.urlopen(f"{cluster.url(name)}/healthz", timeout=10).read()
                times.append(time.perf_counter() - start)
            time.sleep(0.02)
        with Client(cluster.url("gateway-a")) as client:
            done = sum(view.status == "succeeded" for view in client.list_runs(limit=100).items)
    print(f"{done} runs of 43,161 training and 10,779 test rows went through in {lasting:.0f} s; budget: p99 under 100 ms")
    for name, times in taken.items():
        ordered = sorted(1000 * one for one in times)
        print(
            f"{name:<12} p50 {ordered[len(ordered) // 2]:6.1f} ms   p99 {ordered[int(0.99 * len(ordered))]:6.1f} ms   {len(ordered)} checks"
        )


if __name__ == "__main__":
    main()
