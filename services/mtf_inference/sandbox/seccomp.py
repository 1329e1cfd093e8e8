"""A seccomp filter in classic BPF, assembled here: no new process, no socket, no tracing, no change of files.

Refused calls answer EPERM, so that the model gets an exception and the run a clear error; `clone3` answers ENOSYS, so that the C
library falls back to `clone`, whose flags a filter can read, and threads keep working. A call of a foreign architecture kills.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from mtf_inference.sandbox import syscalls
from mtf_inference.sandbox.kernel import MACHINE, PR_SET_MM, PR_SET_PDEATHSIG, PR_SET_PTRACER, PR_SET_SECCOMP, prctl, syscall

ARCHITECTURES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
"""Column of the tables, AUDIT_ARCH value, number of seccomp(2)."""
LOAD, EQUAL, ABOVE, SET, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
DENY, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data`; arguments are 64 bits each, low half first."""

CLONE_THREAD = 0x10000
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | 0x400000
"""Flags of open(2) that write or create; the last is O_TMPFILE's own bit."""
OWNERSHIP = (8, 10, 15, 1024, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY: ways to have the kernel send a signal to somebody else."""
TERMINAL = (0x8901, 0x8902, 0x5412, 0x541C)
"""FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX."""
UNSAFE_PRCTL = (PR_SET_PDEATHSIG, PR_SET_MM, PR_SET_PTRACER)


def program(machine: str = MACHINE, pid: int | None = None) -> bytes:
    """The filter for the process `pid` (this one by default) as an array of `struct sock_filter`. Raises OSError elsewhere."""
    if machine not in ARCHITECTURES:
        raise OSError(f"no filter is known for {machine}")
    column, audit, _ = ARCHITECTURES[machine]
    own = os.getpid() if pid is None else pid
    code = [_op(LOAD, ARCHITECTURE), _op(EQUAL, audit, 1, 0), _op(RETURN, KILL), _op(LOAD, NUMBER)]
    # On x86_64 this also refuses the x32 calls, whose numbers have bit 30 set.
    code += [_op(ABOVE, syscalls.NEWEST, 0, 1), _op(RETURN, UNKNOWN)]
    for numbers in syscalls.REFUSED.values():
        if numbers[column]:
            code += [_op(EQUAL, numbers[column], 0, 1), _op(RETURN, DENY)]
    rules = {
        "clone": _unless_bits(0, CLONE_THREAD),
        "clone3": [_op(RETURN, UNKNOWN)],
        "openat2": [_op(RETURN, UNKNOWN)],
        "kill": _only(0, (own,)),
        "tgkill": _only(0, (own,)),
        "rt_sigqueueinfo": _only(0, (own,)),
        "rt_tgsigqueueinfo": _only(0, (own,)),
        "prlimit64": _only(0, (0, own)),
        "fcntl": _never(1, OWNERSHIP),
        "ioctl": _never(1, TERMINAL),
        "prctl": _never(0, UNSAFE_PRCTL),
        "open": _if_bits(1, WRITING),
        "openat": _if_bits(2, WRITING),
    }
    for name, rule in rules.items():
        number = syscalls.JUDGED[name][column]
        if number:
            code += [_op(EQUAL, number, 0, len(rule)), *rule]
    return b"".join([*code, _op(RETURN, ALLOW)])


def restrict() -> None:
    """Install the filter on every thread of this process. Needs PR_SET_NO_NEW_PRIVS. Raises OSError."""
    code = program()
    buffer = ctypes.create_string_buffer(code, len(code))
    fprog = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    try:
        refused = syscall(ARCHITECTURES[MACHINE][2], ctypes.c_uint(1), ctypes.c_uint(1), fprog)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        holder = ctypes.create_string_buffer(fprog, len(fprog))
        prctl(PR_SET_SECCOMP, 2, ctypes.addressof(holder))
        return
    if refused:
        raise OSError(f"the thread {refused} could not be filtered")


def _op(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    """One instruction; jumps count instructions to skip."""
    return struct.pack("<HBBI", code, true, false, value)


def _argument(index: int) -> bytes:
    return _op(LOAD, ARGUMENT + 8 * index)


def _only(index: int, values: tuple[int, ...]) -> list[bytes]:
    """Allow when the argument is one of `values`."""
    tests = [_op(EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)]
    return [_argument(index), *tests, _op(RETURN, DENY), _op(RETURN, ALLOW)]


def _never(index: int, values: tuple[int, ...]) -> list[bytes]:
    """Refuse when the argument is one of `values`."""
    tests = [_op(EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)]
    return [_argument(index), *tests, _op(RETURN, ALLOW), _op(RETURN, DENY)]


def _if_bits(index: int, bits: int) -> list[bytes]:
    """Refuse when the argument has any of `bits`."""
    return [_argument(index), _op(SET, bits, 0, 1), _op(RETURN, DENY), _op(RETURN, ALLOW)]


def _unless_bits(index: int, bits: int) -> list[bytes]:
    """Refuse when the argument has none of `bits`."""
    return [_argument(index), _op(SET, bits, 1, 0), _op(RETURN, DENY), _op(RETURN, ALLOW)]
