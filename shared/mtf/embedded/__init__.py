"""The whole house in the user's own process: no server, SQLite and local files, jobs in forked children all the same."""

from mtf.embedded.house import Embedded
from mtf.embedded.once import run

__all__ = ["Embedded", "run"]
