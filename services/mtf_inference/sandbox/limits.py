"""Resource limits: the part of the sandbox that every Unix has."""

from __future__ import annotations

import contextlib
import math
import re
import resource
from pathlib import Path

DESCRIPTORS = 64


def data_in_use() -> int:
    """Bytes that RLIMIT_DATA counts for this process now; a forked process starts with what its parent had."""
    try:
        found = re.search(r"^VmData:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def apply(memory: int, cpu_seconds: float) -> None:
    """Bound what this process may use from now on.

    `memory` is bytes beyond what is in use now, `cpu_seconds` CPU seconds over all threads. Files can be written up to 0 bytes,
    no core is dumped, and at most 64 descriptors are open.
    """
    cpu = max(1, math.ceil(cpu_seconds))
    wanted = {
        resource.RLIMIT_DATA: (data_in_use() + memory,) * 2,
        resource.RLIMIT_CPU: (cpu, cpu + 5),
        resource.RLIMIT_NOFILE: (DESCRIPTORS,) * 2,
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    for name, (soft, hard) in wanted.items():
        _, most = resource.getrlimit(name)
        ceiling = hard if most == resource.RLIM_INFINITY else min(hard, most)
        # macOS refuses some of these; the level that is reported there is `process` at best, which promises no more.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(name, (min(soft, ceiling), ceiling))
