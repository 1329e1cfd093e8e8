"""How rows are sampled: independent, with weights, or in groups. Every design hands out uniforms, so that worlds keep their truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
GROUP = 10
"""Rows of a group."""
DEPENDENCE = 0.2
"""Correlation of the normals behind two rows of one group."""


@dataclass(frozen=True)
class Rows:
    """(n, d) uniforms that say what happens in each row, and the design."""

    uniforms: Floats
    weight: Floats | None = None
    group: NDArray[np.int64] | None = None


def draw(design: str, n: int, d: int, random: np.random.Generator) -> Rows:
    """Rows of a design. Columns are independent of each other and uniform; rows of a group depend on each other."""
    if design == "groups":
        group = np.arange(n) // GROUP
        shared = random.standard_normal((int(group[-1]) + 1, d))[group]
        normals = math.sqrt(DEPENDENCE) * shared + math.sqrt(1 - DEPENDENCE) * random.standard_normal((n, d))
        return Rows(np.clip(special.ndtr(normals), 1e-15, 1 - 1e-15), group=group)
    weight = random.lognormal(0, 0.5, n) if design == "weights" else None
    return Rows(random.random((n, d)), weight)
