"""Follows a run: a line for each stage on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from mtf.errors import CancelledError, ConflictError

if TYPE_CHECKING:
    from rich.status import Status

    from mtf.contracts.registry import RunEvent, RunView

ENDED = ("succeeded", "failed", "cancelled")
"""`mtf.contracts.registry.FINAL`, without loading the contracts for `mtf --help`."""
CANCEL_SECONDS = 5.0
"""How long the command waits for the end of a run that it cancelled."""


def follow(gateway: Any, run_id: str, *, quiet: bool = False) -> RunView:
    """Show the events of a run until it ends, and return it. Ctrl-C cancels the run before it leaves."""
    shown = None if quiet else Lines()
    try:
        for event in gateway.events(run_id):
            if shown:
                shown.show(event)
    except KeyboardInterrupt:
        raise _cancelled(gateway, run_id) from None
    finally:
        if shown:
            shown.close()
    view: RunView = gateway.get(run_id)
    while view.status not in ENDED:  # the stream broke; the run goes on
        time.sleep(0.2)
        view = gateway.get(run_id)
    return view


def _cancelled(gateway: Any, run_id: str) -> CancelledError:
    """Cancel the run and wait until it is over, so that nothing of it is left running or half told."""
    try:
        view: RunView = gateway.cancel(run_id)
    except ConflictError:
        return CancelledError(f"run {run_id} had ended already", fix=f"`mtf runs show {run_id}` tells how")
    deadline = time.monotonic() + CANCEL_SECONDS
    while view.status not in ENDED and time.monotonic() < deadline:
        time.sleep(0.05)
        view = gateway.get(run_id)
    return CancelledError(f"run {run_id} was cancelled", fix=f"`mtf runs resume {run_id}` takes it up again; finished stages are kept")


class Lines:
    """One line for each stage as it ends; on a terminal also a moving one for the stage that runs."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def show(self, event: RunEvent) -> None:
        """Show one event."""
        if event.kind == "stage" and event.data.get("status") == "running":
            self._update(f"{event.stage} …")
        elif event.kind == "progress":
            self._update(f"{event.stage}: {_amount(event.data)}")
        elif event.kind == "stage":
            self.close()
            seconds = event.data.get("seconds")
            took = "cached" if event.data.get("cached") else f"{seconds:.2f} s" if seconds is not None else ""
            sys.stderr.write(f"{event.stage:<12} {event.data.get('status', ''):<10} {took}\n")
        elif event.kind == "log" and event.data.get("level") in {"warning", "error"}:
            self.close()
            sys.stderr.write(f"{event.data['level']}: {event.data.get('message', '')}\n")

    def _update(self, text: str) -> None:
        if not sys.stderr.isatty():
            return
        if self._status is None:
            from mtf.cli.show import console

            self._status = console(stderr=True).status(text)
            self._status.start()
        else:
            self._status.update(text)

    def close(self) -> None:
        """Take the moving line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None


def _amount(data: dict[str, Any]) -> str:
    done, total, unit = data.get("done") or 0, data.get("total"), data.get("unit", "")
    share = f" of {total:,.0f}" if total else ""
    return f"{done:,.0f}{share} {unit} {data.get('message', '')}".rstrip()
