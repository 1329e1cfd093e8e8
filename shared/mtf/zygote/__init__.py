"""Processes that compute: forked from one warm process, watched and ended from outside.

    service or command ── control ──> zygote            exec'd with a bare environment, libraries imported, nothing computed
            │                           └── keeper      one per job, a subreaper: whatever the job forks stays below it
            └── leash, events, output ──────└── child   one job; may fork a sandbox of its own

The parent talks to a keeper over its leash. When the leash closes, for whatever reason, the keeper ends everything below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtf.zygote.parent import Zygote as Zygote
    from mtf.zygote.process import ChildProcess as ChildProcess

__all__ = ["ChildProcess", "Zygote"]


def __getattr__(name: str) -> Any:
    """Load the parent's half on use: the zygote itself, which imports this package too, stays small."""
    if name == "Zygote":
        from mtf.zygote.parent import Zygote

        return Zygote
    if name == "ChildProcess":
        from mtf.zygote.process import ChildProcess

        return ChildProcess
    raise AttributeError(name)
