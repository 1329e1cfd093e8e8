"""Settings of this room: those that every worker has."""

from __future__ import annotations

from mtf.settings import WorkerSettings


class ProcessingSettings(WorkerSettings):
    """`MTF_*` of the processing service."""
