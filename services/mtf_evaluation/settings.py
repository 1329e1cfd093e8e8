"""Settings of the evaluation room: what all workers have. Its own numbers stand in the run file, where they belong to the result."""

from __future__ import annotations

from mtf.settings import WorkerSettings


class EvaluationSettings(WorkerSettings):
    """`MTF_*` for the evaluation worker."""
