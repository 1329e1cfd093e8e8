"""Landlock: the process may read the model and the libraries, and nothing else; it may write nothing and call no network port."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from mtf_inference.sandbox.kernel import syscall

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture."""
READ_FILE, READ_DIR = 1 << 2, 1 << 3
FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""File-system rights that each version of the interface knows (bits from 0)."""
NET_RIGHTS = 0b11
"""Bind and connect over TCP, from version 4."""
SCOPES = 0b11
"""Abstract Unix sockets and signals to processes outside, from version 6."""

SYSTEM = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
    "/dev/random",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
)
"""What numerical libraries read while they load and when they count processors."""


def version() -> int:
    """The version of the interface that this kernel offers, 0 for none."""
    try:
        return syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    except OSError:
        return 0


def readable(model: Path | None) -> list[Path]:
    """The model's file, Python's library, installed packages and what the system's libraries need."""
    paths = [Path(path) for path in SYSTEM]
    paths += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [Path(sys.base_prefix, "lib"), Path(sys.prefix, "pyvenv.cfg")]
    home = Path(os.path.expanduser("~")) if "HOME" in os.environ else None  # noqa: PTH111 - pathlib's raises where there is no home
    for entry in sys.path:
        folder = Path(entry) if entry else None
        # An import path that is a whole home or the root would open everything below it; packages live deeper.
        if folder is not None and folder.is_absolute() and folder not in {Path("/"), Path("/tmp"), home}:  # noqa: S108 - compared, not used
            paths.append(folder)
    return [*paths, *([model] if model else [])]


def restrict(paths: Iterable[Path]) -> int:
    """Restrict this thread, and all it starts, to reading `paths`. Needs PR_SET_NO_NEW_PRIVS. Returns the version. Raises OSError."""
    found = version()
    if not found:
        raise OSError("the kernel has no Landlock")
    rights = (1 << FS_RIGHTS.get(found, 16)) - 1
    attributes = struct.pack("<Q", rights)
    if found >= 4:  # noqa: PLR2004 - a version of the interface
        attributes += struct.pack("<Q", NET_RIGHTS)
    if found >= 6:  # noqa: PLR2004
        attributes += struct.pack("<Q", SCOPES)
    ruleset = syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for path in paths:
            _allow(ruleset, path)
        syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return found


def _allow(ruleset: int, path: Path) -> None:
    """Let `path` be read, with everything below it where it is a folder. A path that does not exist needs no rule."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = READ_FILE | READ_DIR if path.is_dir() else READ_FILE
        syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), struct.pack("<Qi", rights, descriptor), ctypes.c_uint32(0))
    finally:
        os.close(descriptor)
