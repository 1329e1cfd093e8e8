"""Small stage functions and entries that the tests run in real children."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from mtf.errors import DataError
from mtf.jobs.child import JobContext
from mtf.plugins import StageOutcome


def say(descriptor: int, **event: Any) -> None:
    """Write one event line."""
    os.write(descriptor, json.dumps(event).encode() + b"\n")


def echo(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Answer with the payload, the environment and the open descriptors."""
    say(events, type="log", level="info", message="hello")
    descriptors = {int(path.name): _target(path) for path in Path("/proc/self/fd").iterdir()}
    return {"payload": payload, "environment": dict(os.environ), "descriptors": descriptors, "session": os.getsid(0) == os.getpid()}


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def raises(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Raise something that is not ours."""
    raise ValueError("seven is not a colour")


def wrong_data(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Raise an error of ours."""
    raise DataError("no such column", field="dataset.target", found="speces", fix="did you mean `species`?")


def segfault(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Read address 0."""
    ctypes.string_at(0)
    return {}


def leaves(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Exit without an answer."""
    os._exit(payload.get("code", 3))


def kills_itself(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Die as the kernel's out-of-memory killer would have it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def hangs(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Never end."""
    say(events, type="log", message="asleep")
    time.sleep(600)
    return {}


def eats(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Hold more and more memory, in a process of its own when asked."""
    if payload.get("forked") and (child := os.fork()):
        os.waitpid(child, 0)
        return {}
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 16) * 128))
        time.sleep(0.005)


def shouts(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Print megabytes, and garbage on the event pipe."""
    os.write(events, b"\x00\xff not json\n[1, 2]\n")
    sys.stdout.write("x" * 5_000_000 + "\n")
    sys.stdout.flush()
    return {"printed": True}


def detaches(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Leave a grandchild in a session of its own that holds every descriptor."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            say(events, type="log", message=f"pid {os.getpid()}")
            time.sleep(600)
        os._exit(0)
    os.wait()
    time.sleep(0.05)
    return {}


def fills_the_disk(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Meet a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_memory(payload: dict[str, Any], events: int) -> dict[str, Any]:
    """Ask for more address space than the backstop allows."""
    return {"size": len(bytearray(1 << 44))}


def copy(job: JobContext) -> StageOutcome:
    """A stage: write the text of the spec `times` times, telling progress."""
    with (job.output / "out.txt").open("w") as file:
        for step in range(job.spec.get("times", 3)):
            file.write(f"{job.spec['text']}\n")
            job.progress(step + 1, job.spec.get("times", 3))
            time.sleep(job.spec.get("pause", 0.0))
    job.log(f"inputs: {sorted(job.inputs)}")
    job.log(f"credentials: {sorted(job.source.credentials)}")
    return StageOutcome({"text": "out.txt"}, {"times": job.spec.get("times", 3), "nan": float("nan")}, ["a warning"])


def too_large(job: JobContext) -> StageOutcome:
    """A stage that meets the file size limit while it writes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    (job.output / "out.bin").write_bytes(bytes(100_000))
    return StageOutcome({"out": "out.bin"})


def crashes_once(job: JobContext) -> StageOutcome:
    """A stage whose first child is killed."""
    marker = Path(job.spec["marker"])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return copy(job)


def liar(job: JobContext) -> StageOutcome:
    """A stage that names a file outside its folder."""
    return StageOutcome({"out": "../../../etc/passwd"})
