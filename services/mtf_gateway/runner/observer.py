"""What happens to runs, told to whoever counts it."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Told by the runner; must return at once and never raise."""

    def claimed(self, waited: float) -> None:
        """A run left the queue for the first time, after so many seconds."""
        ...

    def stage(self, stage: str, status: str, seconds: float) -> None:
        """A stage ended (`succeeded`, `cached`, `failed`, `cancelled`)."""
        ...

    def retried(self, stage: str) -> None:
        """A stage is tried again."""
        ...

    def finished(self, status: str, seconds: float) -> None:
        """A run reached a final state, so many seconds after it was made."""
        ...

    def gated(self, metric: str, verdict: str) -> None:
        """A gate on a metric was judged."""
        ...


class Silence:
    """An observer that nobody asked for."""

    def claimed(self, waited: float) -> None:
        """Nothing."""

    def stage(self, stage: str, status: str, seconds: float) -> None:
        """Nothing."""

    def retried(self, stage: str) -> None:
        """Nothing."""

    def finished(self, status: str, seconds: float) -> None:
        """Nothing."""

    def gated(self, metric: str, verdict: str) -> None:
        """Nothing."""
