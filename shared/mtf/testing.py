"""What authors of plug-ins test with: run a stage function in this process, on files, without a server or a child."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtf.contracts.job import Limits
from mtf.jobs.child import Emitter, JobContext
from mtf.plugins import SourceContext, StageOutcome, resolve


@dataclass(frozen=True)
class StageRun:
    """What one stage function did."""

    outcome: StageOutcome
    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)

    def path(self, output: str) -> Path:
        """The file of a named output."""
        return self.folder / self.outcome.outputs[output]


def run_stage(
    entry: str,
    spec: Mapping[str, Any],
    *,
    output: Path,
    inputs: Mapping[str, Path] | None = None,
    source: SourceContext | None = None,
    options: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
) -> StageRun:
    """Run `module:function` of a stage here and return its outcome and events. Errors of the stage are raised as they are."""
    output.mkdir(parents=True, exist_ok=True)
    events_file = output.parent / f"{output.name}.events"
    descriptor = os.open(events_file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        context = JobContext(
            stage=entry.partition(".")[0].removeprefix("mtf_"),
            spec=dict(spec),
            inputs=dict(inputs or {}),
            output=output,
            emitter=Emitter(descriptor),
            limits=limits or Limits(),
            source=source or SourceContext(credentials={}, http_allow=("loopback", "private")),
            options=dict(options or {}),
        )
        outcome = resolve(entry)(context)
    finally:
        os.close(descriptor)
    return StageRun(outcome, output, [json.loads(line) for line in events_file.read_text().splitlines()])
