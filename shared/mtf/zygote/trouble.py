"""From what happened to a process, or was raised in it, to a problem that a person understands."""

from __future__ import annotations

import errno
import os
import signal

from mtf.contracts.problem import Problem
from mtf.errors import LimitError, LostError, MtfError, PlatformError, StageCrashError

_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file grew over the size that is allowed",
}


def error_of(error: BaseException) -> MtfError:
    """The error of ours that says what `error` means. Its text never shows Python's own traceback."""
    if isinstance(error, MtfError):
        return error
    if isinstance(error, MemoryError):
        return LimitError("the job needed more memory than it may use", fix="raise the memory limit, or use fewer columns or rows")
    if isinstance(error, OSError) and error.errno in _DISK:
        return disk_error(error)
    text = " ".join(str(error).split())[:300]
    return StageCrashError(f"{type(error).__name__}: {text}" if text else type(error).__name__, fix="the run's log has the details")


def disk_error(error: OSError) -> MtfError:
    """No room: ours to repair when the disk is full, the user's when a limit says so."""
    kind = PlatformError if error.errno == errno.ENOSPC else LimitError
    what = _DISK.get(error.errno or 0, "writing failed")
    return kind(f"{what}: nothing of this job was kept", found=error.strerror, fix="free space on the storage volume or raise the limit")


def problem_of(error: BaseException) -> Problem:
    """`error_of` as a document."""
    return error_of(error).problem()


def death_of(status: int | None, *, out_of_memory: bool = False) -> MtfError:
    """Why a process that left no answer ended. `status` is a wait status; None when nobody could tell.

    `out_of_memory`: whether the kernel ended a process of this container for memory meanwhile.
    """
    if status is None:
        return LostError("the process that computed this was lost", fix="the run tries again by itself")
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        if out_of_memory:
            return LimitError("the kernel ended the job because the machine ran out of memory", fix="lower the memory limit or add memory")
        return LostError("the job was killed from outside (SIGKILL)", fix="the run tries again by itself")
    if code == -signal.SIGXFSZ:
        return disk_error(OSError(errno.EFBIG, "File too large"))
    if code < 0:
        return StageCrashError(f"the job crashed with {signal.Signals(-code).name}", fix="the run's log has its last words")
    return StageCrashError(f"the job ended with exit code {code} and without an answer", fix="the run's log has its last words")
