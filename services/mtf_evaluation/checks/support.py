"""Checks of the rows that the numbers rest on."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mtf.contracts.report import Check
from mtf.plugins import Sample
from mtf_evaluation.arguments import NoArgs

FEWEST = 10
"""Rows of a class under which its own recall is little more than a guess: its 95 % interval is more than 0.5 wide in the middle."""
NAMED = 5


class ClassSupport:
    """Classes with so few rows that no metric can say how well the model knows them."""

    name: ClassVar[str] = "class_support"
    version: ClassVar[int] = 1
    Args = NoArgs

    def check(self, sample: Sample) -> Check | None:
        """Inconclusive for a declared class with fewer than `FEWEST` rows of truth."""
        if sample.task == "regression" or not sample.labels:
            return None
        support = np.bincount(sample.target, minlength=len(sample.labels))
        poor = {str(label): int(rows) for label, rows in zip(sample.labels, support, strict=True) if rows < FEWEST}
        if not poor:
            detail = f"every class has at least {FEWEST} rows; the rarest has {int(support.min()):,}"
            return Check(name=self.name, verdict="pass", detail=detail, evidence={"fewest": int(support.min())})
        named = ", ".join(f"{label} ({rows})" for label, rows in list(poor.items())[:NAMED])
        more = f" and {len(poor) - NAMED} more" if len(poor) > NAMED else ""
        detail = f"fewer than {FEWEST} rows of {named}{more}: what is measured of them is little more than a guess"
        return Check(name=self.name, verdict="inconclusive", detail=detail, evidence={"rows": dict(list(poor.items())[:20])})
