"""Start-up: the first example embedded, cold and cached, against the bare imports that it cannot do without; `import mtf` and `mtf --help`.

    python benchmarks/bench_embedded.py [ROUNDS]

All sides alternate in one run, page cache warm. The best of the rounds counts: noise only ever adds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = [sys.executable, "-m", "mtf", "run", str(ROOT / "examples/penguins/run.yaml"), "--quiet", "--inconclusive", "pass"]
SIDES = {
    "bare imports": [sys.executable, "-c", "import sklearn, skops.io, pyarrow, sqlalchemy"],
    "cold run": RUN,
    "cached rerun": RUN,
    "bare interpreter": [sys.executable, "-c", "pass"],
    "import mtf": [sys.executable, "-c", "import mtf"],
    "mtf --help": [sys.executable, "-m", "mtf", "--help"],
}


def seconds(command: list[str], home: str) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "MTF_HOME": home})
    return time.perf_counter() - start


def main() -> None:
    """Measure and print the figures beside their budgets."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    best = dict.fromkeys(SIDES, float("inf"))
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as home:
            for name, command in SIDES.items():
                best[name] = min(best[name], seconds(command, home))
    base, bare = best["bare imports"], best["bare interpreter"]
    print(f"bare imports (sklearn, skops.io, pyarrow, sqlalchemy)  {base:.2f} s")
    print(f"cold run of examples/penguins                         {best['cold run']:.2f} s = {best['cold run'] / base:.2f} x (budget 2)")
    share = best["cached rerun"] / best["cold run"]
    print(f"cached rerun                                          {best['cached rerun']:.2f} s = {share:.2f} x the cold run (budget 0.5)")
    print(
        f"import mtf                                            {1000 * (best['import mtf'] - bare):.0f} ms above a bare interpreter (budget 150)"
    )
    print(
        f"mtf --help                                            {1000 * (best['mtf --help'] - bare):.0f} ms above a bare interpreter (budget 300)"
    )


if __name__ == "__main__":
    main()
