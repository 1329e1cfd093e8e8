"""The few kernel calls that Python does not wrap. Elsewhere than on Linux they do nothing."""

from __future__ import annotations

import os
import sys

LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int, signal: int) -> None:
    """Have the kernel send `signal` to this process when its parent dies; leave at once when `parent` is gone already."""
    _prctl(_PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:
        os._exit(1)


def become_subreaper() -> None:
    """Orphans below this process become its own children, so that nothing can slip away by forking twice."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if not LINUX:
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")
