"""A slice, and one way to part the rows as codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Crowded(Exception):  # noqa: N818 - no error of the user's: a count that the caller puts into words
    """A column has more values than one cross may have slices."""

    def __init__(self, values: int) -> None:
        self.values = values
        super().__init__(values)


@dataclass(frozen=True)
class Slice:
    """A part of the rows."""

    name: str
    where: dict[str, Any]
    rows: NDArray[np.int64]
    """Positions of the slice's rows, rising."""
    edges: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Lower and upper edge by column, for bins and quantiles; None where there is none."""
    condition: str | None = None
    """The condition that it was declared by."""


@dataclass(frozen=True)
class Encoded:
    """One way to part n rows: codes into labels."""

    name: str
    codes: NDArray[np.int64]
    """(n,) code of each row; -1 for a row that no slice of this way holds."""
    values: list[Any]
    """What each code is called in `where`; None for missing values."""
    titles: list[str]
    """How each code is named: `sex=Female`, `age [18, 30)`, `seniors`."""
    edges: list[tuple[Any, Any] | None]
    """Edges of each code, for bins and quantiles."""
    always: frozenset[int] = frozenset()
    """Codes that were declared, so that their slices are listed even without rows."""
    condition: str | None = None
