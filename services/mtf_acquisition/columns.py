"""What a column may be called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

MAX_NAME = 256
"""Characters of a column's name."""


def check_names(names: Sequence[str]) -> str | None:
    """What is wrong with the names of a table's columns, or None."""
    for position, name in enumerate(names, 1):
        if not name.strip():
            return f"column {position} of {len(names)} has no name"
        if len(name) > MAX_NAME:
            return f"the name of column {position} has {len(name):,} characters; at most {MAX_NAME} are allowed"
        if "\0" in name:
            return f"the name of column {position} holds a NUL character"
    twice = [name for name, count in Counter(names).items() if count > 1]
    return f"several columns have the same name: {', '.join(f'`{name}`' for name in twice[:5])}" if twice else None
