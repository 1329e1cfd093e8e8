"""Parallel code in a process that may start threads but no processes."""

from __future__ import annotations

import multiprocessing.context
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def locks_of_threads() -> None:
    """Let `multiprocessing` make its locks from threads' locks.

    Its thread pool (joblib's, for `n_jobs=-1`) takes locks that work between processes, which need files. Here there never is
    another process, so that a thread's lock is the same thing.
    """
    context: Any = multiprocessing.context.BaseContext
    for name in ("Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier"):
        setattr(context, name, _maker(getattr(threading, name)))


def within(threads: int) -> AbstractContextManager[Any]:
    """Have joblib use threads where the job has several processors, and none where it has one."""
    joblib = sys.modules.get("joblib")  # whoever uses it has imported it
    if joblib is None:
        return nullcontext()
    found: AbstractContextManager[Any] = joblib.parallel_config(backend="threading" if threads > 1 else "sequential")
    return found


def _maker(kind: Any) -> Any:
    return lambda _, *args: kind(*args)
