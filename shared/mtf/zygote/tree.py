"""Which processes are below one, and how much memory they hold. Read from /proc; elsewhere from `ps`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mtf.zygote.linux import LINUX


def children(pid: int) -> list[int]:
    """Direct children of a process, of all its threads. Empty when it is gone."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - runs ten times a second: no Path objects
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    except OSError:
        return found
    return found


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, parents first."""
    if not LINUX:
        return _descendants_by_ps(pid)
    found, queue = [], [pid]
    while queue:
        below = children(queue.pop())
        found += below
        queue += below
    return found


def resident(pid: int) -> int:
    """Bytes of a process that no file on disk backs: anonymous and shared memory. 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123 - see `children`
            fields = dict(line.split(b":", 1) for line in file.read().splitlines() if line.startswith((b"RssAnon", b"RssShmem")))
    except OSError:
        return 0
    return sum(int(value.split()[0]) * 1024 for value in fields.values())


def proportional(pid: int) -> int:
    """The same with pages that several processes share divided among them; dearer to read, and exact after a fork."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
    except OSError:  # not dumpable, so that only the cheap figure can be read
        return resident(pid)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")))


def memory(pid: int, limit: int) -> int:
    """Bytes that everything below `pid` holds. Shared pages are divided only when the cheap sum is above `limit`."""
    below = descendants(pid)
    if not LINUX:
        return sum(rss for found, _, rss in _ps() if found in set(below))
    total = sum(map(resident, below))
    return total if total <= limit else sum(map(proportional, below))


def _ps() -> Iterator[tuple[int, int, int]]:
    """Process, parent and resident bytes of everything that runs."""
    import subprocess

    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, check=False, timeout=5).stdout
    for line in listing.splitlines():
        pid, parent, rss = map(int, line.split())
        yield pid, parent, rss * 1024


def _descendants_by_ps(pid: int) -> list[int]:
    """Every process below `pid`, where there is no /proc."""
    table: dict[int, list[int]] = {}
    for found, parent, _ in _ps():
        table.setdefault(parent, []).append(found)
    result, queue = [], [pid]
    while queue:
        below = table.get(queue.pop(), [])
        result += below
        queue += below
    return result
