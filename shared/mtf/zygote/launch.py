"""Start the zygote's process with an environment that is written down here, and nothing that this process happens to have.

Imports the standard library alone, so that a command can start the zygote first thing and do its own imports meanwhile.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from mtf.zygote.linux import LINUX


@dataclass(frozen=True)
class Launched:
    """A zygote that is on its way up."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    stderr: IO[bytes]


def environment(cpus: float, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """All that zygote and children see. Thread pools get one thread per CPU of the quota, at least one."""
    threads = str(max(1, round(cpus)))
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "ARROW_IO_THREADS")
    temporary = tempfile.gettempdir()
    return {
        "PATH": os.defpath,
        "HOME": temporary,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        **dict.fromkeys(pools, threads),
        **(extra or {}),
    }


def launch(*, cpus: float = 1.0, env: Mapping[str, str] | None = None) -> Launched:
    """Start the zygote and return at once; it imports its base and waits to be told what else. Linux only."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process that writes to it
    with theirs:
        process = _python([str(theirs.fileno())], (theirs.fileno(),), stderr, environment(cpus, env))
    return Launched(process, ours, stderr)


def launch_once(head: Mapping[str, Any], descriptors: Sequence[int], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process for one job: the form for systems other than Linux."""
    arguments = ["--once", json.dumps(head), *map(str, descriptors)]
    return _python(arguments, descriptors, subprocess.DEVNULL, env)


def preload_message(modules: Sequence[str], path: Sequence[str]) -> bytes:
    """What to import, in order, and where else to look for it."""
    return json.dumps({"type": "preload", "modules": list(modules), "path": list(path)}).encode()


def _python(arguments: list[str], descriptors: Sequence[int], stderr: Any, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-m", "mtf.zygote", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        pass_fds=tuple(descriptors),
        env=dict(env),
        cwd="/",
        start_new_session=True,  # a Ctrl-C in the terminal is the command's to handle
    )


FORKS = LINUX
"""Whether a warm process forks the children; elsewhere each job starts its own."""
