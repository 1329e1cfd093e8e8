"""What the drivers of all runs of this process share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import RowMapping

from mtf.contracts.job import Limits
from mtf.jobs.worker import Worker
from mtf_gateway.compose import Done
from mtf_gateway.db.engine import Database
from mtf_gateway.lookup import Lookup
from mtf_gateway.runner.follow import Patience
from mtf_gateway.runner.observer import Observer, Silence
from mtf_gateway.settings import GatewaySettings

Deliver = Callable[[RowMapping, Mapping[str, Done]], Awaitable[None]]
"""Called with a run and its finished parts before the run counts as succeeded."""

DeliverAgain = Callable[[str, int], Awaitable[None]]
"""Called with a run's id and the number of a revision that was stored."""


@dataclass(frozen=True)
class Context:
    """Parts that drivers use; none of them knows the web."""

    database: Database
    workers: Mapping[str, Worker]
    lookup: Lookup
    settings: GatewaySettings
    wake: Callable[[str], None]
    owner: str
    embedded: bool = False
    """Workers live in this process, and nobody else will take a run over."""
    observer: Observer = field(default_factory=Silence)
    deliver: Deliver | None = None
    deliver_again: DeliverAgain | None = None

    @property
    def patience(self) -> Patience:
        """How long a worker may be away."""
        return Patience(reconnect=self.settings.reconnect_seconds, silence=self.settings.silence_seconds)

    def limits(self, timeout: float | None) -> Limits:
        """What a job is allowed to use; the worker's own limits still hold."""
        settings = self.settings
        return Limits(timeout=timeout or settings.stage_timeout, memory=settings.job_memory, cpus=settings.job_cpus)
