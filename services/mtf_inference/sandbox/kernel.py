"""The few system calls that Python has no name for, through ctypes."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
PR_SET_MM, PR_SET_SECCOMP, PR_SET_PTRACER = 35, 22, 0x59616D61

MACHINE = platform.machine()
"""`x86_64` and `aarch64` are known; elsewhere only resource limits hold."""

LINUX = sys.platform == "linux"

_LIBC = ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *args: object) -> int:
    """Call the kernel by number. Raises OSError."""
    ctypes.set_errno(0)
    result = int(_LIBC.syscall(ctypes.c_long(number), *args))
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def prctl(option: int, *args: int) -> None:
    """Set one property of this process. Raises OSError."""
    ctypes.set_errno(0)
    if _LIBC.prctl(ctypes.c_int(option), *(ctypes.c_ulong(value) for value in (*args, 0, 0, 0, 0)[:4])) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def hide_from_peers() -> None:
    """Make this process undumpable: no process of the same user may read its memory, its environment or its descriptors."""
    if LINUX:
        prctl(PR_SET_DUMPABLE, 0)


def wipe_environment() -> None:
    """Overwrite and forget the environment; clearing it alone would leave the values readable in this process's memory."""
    if not LINUX:
        os.environ.clear()
        return
    environ = ctypes.POINTER(ctypes.c_void_p).in_dll(_LIBC, "environ")
    index = 0
    while environ and environ[index]:
        address = environ[index]
        ctypes.memset(address, 0, len(ctypes.string_at(address)))
        index += 1
    _LIBC.clearenv()
    os.environ._data.clear()  # type: ignore[attr-defined]  # noqa: SLF001 - unsetting names one by one would read what was wiped


def drop_capabilities() -> None:
    """Give up every capability, so that a model run by root has no more rights than any user's."""
    number = {"x86_64": 126, "aarch64": 91}.get(MACHINE)
    if number is None:
        return
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    syscall(number, header, (ctypes.c_uint32 * 6)())
