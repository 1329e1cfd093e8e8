"""What an engine tells to whoever counts."""

from __future__ import annotations

from typing import Literal, Protocol

CacheResult = Literal["hit", "miss", "bypass", "error"]
Status = Literal["succeeded", "failed", "cancelled"]


class Observer(Protocol):
    """Receives what happens in an engine; `mtf.telemetry` makes metrics of it."""

    def finished(self, stage: str, status: Status, seconds: float) -> None:
        """A child ended, after this wall time."""
        ...

    def looked_up(self, stage: str, result: CacheResult) -> None:
        """A published result was looked for."""
        ...

    def retried(self, stage: str) -> None:
        """A job was started that had been tried before."""
        ...

    def alive(self) -> None:
        """The engine's clock ticked; about once a second."""
        ...

    def occupied(self, busy: int, slots: int) -> None:
        """So many of the job slots compute now."""
        ...


class Silence:
    """Counts nothing."""

    def finished(self, stage: str, status: Status, seconds: float) -> None:
        """Nothing."""

    def looked_up(self, stage: str, result: CacheResult) -> None:
        """Nothing."""

    def retried(self, stage: str) -> None:
        """Nothing."""

    def occupied(self, busy: int, slots: int) -> None:
        """Nothing."""

    def alive(self) -> None:
        """Nothing."""
