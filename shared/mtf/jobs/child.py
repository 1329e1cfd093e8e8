"""What a stage function sees inside the child that computes it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtf.contracts.job import Limits
from mtf.contracts.reference import Reference
from mtf.plugins import SourceContext


class Emitter:
    """Writes event lines to a pipe that the parent reads. Progress is thinned to ten lines a second; the last one always goes out."""

    def __init__(self, descriptor: int, interval: float = 0.1) -> None:
        self._descriptor, self._interval, self._last = descriptor, interval, 0.0

    def progress(self, done: float, total: float | None, unit: str, message: str) -> None:
        """Tell how far the job is."""
        now = time.monotonic()
        if done == total or now - self._last >= self._interval:
            self._last = now
            self.line({"type": "progress", "done": done, "total": total, "unit": unit, "message": message})

    def line(self, event: Mapping[str, Any]) -> None:
        """Write one event as a JSON line."""
        data = json.dumps(event, default=str, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]


@dataclass(frozen=True)
class JobContext:
    """One job, from inside. Inputs are local files that were checked against their digests; outputs go to `output`."""

    stage: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, Path]
    output: Path
    emitter: Emitter
    limits: Limits = field(default_factory=Limits)
    source: SourceContext = field(default_factory=lambda: SourceContext(credentials={}))
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the service's settings say to its children, for example `sandbox` and `allow_pickle`."""
    references: Mapping[str, Reference] = field(default_factory=dict)

    def progress(self, done: float, total: float | None = None, unit: str = "rows", message: str = "") -> None:
        """Tell the reader how far the job is; cheap enough for every batch."""
        self.emitter.progress(done, total, unit, message)

    def log(self, message: str, level: str = "info") -> None:
        """Say one line, which ends up in the run's log."""
        self.emitter.line({"type": "log", "level": level, "message": message[:2000]})
