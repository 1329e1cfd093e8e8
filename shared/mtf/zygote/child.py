"""The process that computes one job: fenced in first, then the entry, then one last line that says how it went."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mtf.zygote import linux
from mtf.zygote.trouble import problem_of

if TYPE_CHECKING:
    from mtf.zygote.keeper import Job

NICENESS = 10
OOM_SCORE = 800
"""When the machine runs out of memory, the kernel takes a job before it takes the service."""
TRACE_LINES = 12


def compute(job: Job, keeper: int) -> NoReturn:
    """Fence this process in, run the job's entry, write the last line and leave without any exit handler."""
    code = 1
    try:
        _fence(job, keeper)
        last = _run(job)
        write(job.events, last)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may unwind into the zygote's frames, of which this process has a copy
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def write(descriptor: int, line: dict[str, Any]) -> None:
    """Write one JSON line."""
    data = memoryview(json.dumps(line, allow_nan=False).encode() + b"\n")
    while data:
        data = data[os.write(descriptor, data) :]


def _fence(job: Job, keeper: int) -> None:
    os.setsid()
    linux.die_with_parent(keeper, signal.SIGKILL)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(job.output, 1)
    os.dup2(job.output, 2)
    _close_all_but({0, 1, 2, job.events, job.payload})
    _limit(job.limits)
    gc.enable()


def _close_all_but(keep: set[int]) -> None:
    """Close whatever the zygote had open, so that a job holds nothing that is not its own."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names are numbers, not paths
    except OSError:
        numbers = list(range(3, 256))
    for number in numbers:
        if number not in keep:
            with contextlib.suppress(OSError):
                os.close(number)


def _limit(limits: dict[str, Any]) -> None:
    """Backstops behind the parent's watch: it samples, these always hold."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_DATA, limits.get("data"))
    _lower(resource.RLIMIT_FSIZE, limits.get("file_size"))
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def _lower(kind: int, value: int | None) -> None:
    """Lower a limit; one that is lower already stays."""
    hard = resource.getrlimit(kind)[1]
    if value is not None and (hard == resource.RLIM_INFINITY or value < hard):
        resource.setrlimit(kind, (value, value))


def _run(job: Job) -> dict[str, Any]:
    """The last line: what the entry returned, or the problem it ended with."""
    try:
        with os.fdopen(job.payload, "rb") as file:
            payload = json.loads(file.read())
        module, _, name = job.entry.partition(":")
        entry = getattr(importlib.import_module(module), name)
        return {"type": "outcome", **entry(payload, job.events)}
    except BaseException as error:  # noqa: BLE001 - whatever a job raises, SystemExit included, is its answer
        problem = problem_of(error)
        if problem.code == "stage-crashed":
            trace = "".join(traceback.format_exception(error)[-TRACE_LINES:])
            write(job.events, {"type": "log", "level": "error", "message": trace[-4000:]})
        return {"type": "problem", "problem": problem.model_dump(mode="json")}
