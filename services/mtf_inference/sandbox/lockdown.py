"""Puts the layers together, and tells which of them hold."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtf_inference.sandbox import kernel, landlock, limits, seccomp
from mtf_inference.sandbox.ranks import Level


@dataclass(frozen=True)
class Plan:
    """What the process may have after the lock-down."""

    model: Path | None
    memory: int
    cpu_seconds: float
    keep: tuple[int, ...]
    """Descriptors that stay open."""
    parent: int
    layers: frozenset[str] = frozenset({"landlock", "seccomp"})
    """Layers to try; tests leave one out to see the level fall."""


@dataclass(frozen=True)
class Reached:
    """What holds: `strict` is Landlock and seccomp, `partial` one of them, `process` resource limits alone."""

    level: Level
    lacking: tuple[str, ...]


def lock(plan: Plan) -> Reached:
    """Lock this process down for good. Called right after a fork, while it has one thread; it opens no model before."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    sys.dont_write_bytecode = True
    _silence(plan.keep)
    kernel.wipe_environment()
    limits.apply(plan.memory, plan.cpu_seconds)
    if sys.platform != "linux":
        return Reached("process", ("Landlock and seccomp are Linux's",))
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != plan.parent:
        os._exit(1)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    # The parent hid itself before the fork; this process is nobody's secret, and its own /proc/self must stay readable.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    lacking = [] if _single() else ["more than one thread was running"]
    with contextlib.suppress(OSError):
        kernel.drop_capabilities()
    held = 0
    restrictions: dict[str, Callable[[], object]] = {
        "landlock": lambda: landlock.restrict(landlock.readable(plan.model)),
        "seccomp": seccomp.restrict,
    }
    for name, restrict in restrictions.items():
        if name not in plan.layers:
            lacking.append(f"{name}: left out")
            continue
        try:
            restrict()
            held += 1
        except OSError as error:
            lacking.append(f"{name}: {error}")
    if lacking and held:
        return Reached("partial", tuple(lacking))
    return Reached("strict" if held else "process", tuple(lacking))


def _single() -> bool:
    """Whether this thread is alone; Landlock binds the calling thread and those it starts, not its siblings."""
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - counted before anything is imported for it
    except OSError:
        return False


def _silence(keep: tuple[int, ...]) -> None:
    """Point standard streams at /dev/null and close every other descriptor but `keep`."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    # Whatever stood here may write to a descriptor that is closed below.
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, closefd=False) for number, mode in ((0, "r"), (1, "w"), (2, "w")))  # noqa: SIM115
    top = 65_536
    with contextlib.suppress(OSError):
        top = max(int(name) for name in os.listdir("/proc/self/fd")) + 1  # noqa: PTH208
    low = 3
    for number in sorted({*keep, top}):
        os.closerange(low, number)
        low = number + 1
