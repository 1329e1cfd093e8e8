"""A run's log as lines of text."""

from __future__ import annotations

from mtf.contracts.registry import RunEvent


def log_line(event: RunEvent) -> str:
    """`time stage level message`, in one line: what a stage or a model says cannot forge a second one."""
    level = event.data.get("level", "error" if event.kind == "problem" else "info")
    said = event.data.get("message") or event.data.get("detail") or ""
    return f"{event.at} {event.stage or '-':<11} {level:<7} {' '.join(str(said).split())}\n"
