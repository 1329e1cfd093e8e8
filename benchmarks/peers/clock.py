"""What every side of the comparison with peers does alike: load the same rows, warm up, be timed, tell its figures.

Runs in each peer's own environment, so it imports nothing but pandas.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

WARM = 2_000
"""Rows of the call that comes before the clock starts: it imports what is imported on use, and fills caches."""
STARTED = time.perf_counter()


def measured(work: Callable[[pd.DataFrame, Path], object], library: str, version: str) -> None:
    """Call `work(rows, folder)` on few rows, then on all; print seconds, peak memory and version as JSON on the last line.

    The rows have the columns target, prediction (0 or 1) and score (probability of 1); results go into the folder.
    """
    warnings.simplefilter("ignore")
    frame = pd.read_parquet(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        work(frame.head(WARM), Path(folder))
        before = _resident()
        start, busy = time.perf_counter(), time.process_time()
        work(frame, Path(folder))
        seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found = {
        "library": library,
        "version": version,
        "seconds": seconds,
        "cpu": cpu,
        "total": time.perf_counter() - STARTED,
        "peak": peak,
        "above": max(peak - before, 0),
    }
    print("\n" + json.dumps(found), flush=True)


def _resident() -> int:
    """Bytes of this process in memory now: imports, the rows, and what the first call left."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
