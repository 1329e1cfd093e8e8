"""Which level this machine's kernel gives: a process of its own locks itself down and says what it reached. `mtf doctor` asks."""

from __future__ import annotations

import os
import subprocess
import sys

from mtf_inference.sandbox.lockdown import Plan, lock
from mtf_inference.sandbox.ranks import Level

LEVELS: tuple[Level, ...] = ("strict", "partial", "process")
SECONDS = 20.0


def probe() -> Level:
    """The level that a model would be confined at here; `process` where the probe itself could not run."""
    code = subprocess.run([sys.executable, "-I", "-m", __name__], capture_output=True, timeout=SECONDS, check=False).returncode
    return LEVELS[code - 10] if 0 <= code - 10 < len(LEVELS) else "process"


def main() -> None:
    """Lock this process down and leave with a code that tells the level; a locked-down process can say little else."""
    reached = lock(Plan(model=None, memory=1 << 30, cpu_seconds=SECONDS, keep=(), parent=os.getppid()))
    os._exit(10 + LEVELS.index(reached.level))


if __name__ == "__main__":
    main()
