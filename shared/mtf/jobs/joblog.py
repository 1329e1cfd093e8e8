"""What a job said, as a file that outlives the worker: `logs:jobs/<job id>.ndjson`."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from mtf.contracts.job import AnyEvent, Failed, Heartbeat, Progress, Result
from mtf.storage.store import Store

CAP = 8 << 20
"""Bytes of log that one job may leave."""


def log_ref(job_id: str) -> str:
    """Where the log of a job lies."""
    return f"logs:jobs/{job_id}.ndjson"


class JobLog:
    """Collects lines in memory; `flush` appends them to the file. Attempts of one job follow each other in one file."""

    def __init__(self, store: Store, job_id: str) -> None:
        self._store, self._ref = store, log_ref(job_id)
        self._lines: list[bytes] = []
        self._room = CAP
        self._lock = threading.Lock()
        self.error: OSError | None = None
        """Why lines are missing, where some are."""

    @property
    def pending(self) -> bool:
        """Whether lines wait for a flush."""
        return bool(self._lines)

    def add(self, event: AnyEvent) -> None:
        """Keep what a reader of the log wants: all but progress and heartbeats. Beyond the cap one line says that the rest is missing."""
        if isinstance(event, Progress | Heartbeat) or self._room <= 0:
            return
        line = json.dumps(_line(event), default=str).encode() + b"\n"
        self._room -= len(line)
        if self._room <= 0:
            line = json.dumps({"type": "log", "at": event.at, "level": "warning", "message": "the log is cut here"}).encode() + b"\n"
        self._lines.append(line)

    def flush(self) -> None:
        """Append what waits. Blocks on the disk. A disk that is full costs the log, and is remembered in `error`."""
        with self._lock:
            lines, self._lines = self._lines, []
            if not lines:
                return
            try:
                path: Path = self._store.path(self._ref)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("ab") as file:
                    file.write(b"".join(lines))
            except OSError as error:
                self.error = error


def _line(event: AnyEvent) -> dict[str, Any]:
    """A result is logged without its facts, which lie in its manifest."""
    if isinstance(event, Result):
        result = event.result
        return {
            "type": "result",
            "seq": event.seq,
            "at": event.at,
            "cached": result.cached,
            "seconds": result.seconds,
            "manifest": result.manifest.ref,
        }
    if isinstance(event, Failed):
        return {
            "type": "problem",
            "seq": event.seq,
            "at": event.at,
            "level": "error",
            "code": event.problem.code,
            "message": event.problem.detail,
        }
    return event.model_dump(mode="json")
