"""Notes what a model tried to do that no model has to do, so that the error and the report can name it.

The kernel refuses; this only explains. A model that runs native code can avoid the notes and gains nothing by it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MOST = 10

DEEDS: dict[str, str] = {
    "socket.__new__": "open a socket",
    "socket.getaddrinfo": "look up a host name",
    "subprocess.Popen": "start a program",
    "os.system": "start a program",
    "os.exec": "start a program",
    "os.posix_spawn": "start a program",
    "os.spawn": "start a program",
    "os.fork": "start a process",
    "os.forkpty": "start a process",
    "os.kill": "send a signal to a process",
    "os.killpg": "send a signal to a process",
    "os.remove": "delete a file",
    "os.rename": "rename a file",
    "os.mkdir": "make a folder",
    "os.rmdir": "delete a folder",
    "os.link": "make a link",
    "os.symlink": "make a link",
    "os.truncate": "truncate a file",
    "os.chmod": "change a file's mode",
    "os.chown": "change a file's owner",
}


class Watch:
    """The deeds that were tried since `start`, each once, at most ten."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self.active = False

    def install(self) -> None:
        """Start to listen; an audit hook cannot be removed, so this is for a process of its own."""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.active or len(self.attempts) >= MOST:
            return
        deed = DEEDS.get(event)
        if event == "open" and len(args) > 2 and isinstance(args[2], int) and args[2] & WRITING:  # noqa: PLR2004 - path, mode, flags
            deed = f"write the file {str(args[0])[:100]}"
        if deed and deed not in self.attempts:
            self.attempts.append(deed)

    def blame(self, error: BaseException) -> str | None:
        """The deed that `error` came from, where that can be told: a refusal, and the last thing that was tried."""
        refused: BaseException | None = error
        while refused is not None and not _is_refusal(refused):
            refused = refused.__cause__ or refused.__context__
        if refused is None:
            return None
        if self.attempts:
            return self.attempts[-1]
        name = getattr(refused, "filename", None)
        return f"read the file {str(name)[:200]}" if name else None


def _is_refusal(error: BaseException) -> bool:
    """Whether the kernel said no; a name that cannot be looked up is how the resolver says that it got no socket."""
    return isinstance(error, PermissionError) or type(error).__name__ == "gaierror"
