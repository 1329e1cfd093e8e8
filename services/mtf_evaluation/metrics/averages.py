"""Class-wise metrics averaged over classes: `precision_macro`, `jaccard_weighted`, `npv_micro` and their like, all made from one table.

A class counts that the truth or the predictions contain. A declared class that neither contains says nothing of the model, and would
raise its specificity.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.counts import RATES, ClassRate, counts, one_class, parts, ratio
from mtf_evaluation.metrics.matrix import DRAWS, Mask, MatrixMetric


class Average(MatrixMetric):
    """What the averages have in common: the counts of each class that was observed."""

    tasks = ("binary", "multiclass")
    rate: ClassVar[ClassRate]

    def divided(self, matrices: Floats) -> tuple[Floats, Floats]:
        """Numerator and denominator per class, each (k, ...)."""
        return self.rate.divided(counts(matrices), self.args)

    def observed(self, matrix: Floats) -> Mask:
        """(k,) classes that the truth or the predictions contain."""
        return np.asarray(matrix.sum(axis=0) + matrix.sum(axis=1) > 0)

    def defined(self, matrix: Floats) -> Mask:
        """Observed classes whose denominator is above 0."""
        return np.asarray(self.observed(matrix) & (self.divided(matrix)[1] > 0))

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where no class has a value."""
        return None if self.defined(matrix).any() else "no class has a value"


class Macro(Average):
    """The plain mean over the classes for which the value is defined."""

    averaged = True

    def score(self, matrices: Floats, defined: Mask) -> Floats:
        """Mean over the defined classes."""
        above, below = self.divided(matrices)
        return np.asarray(ratio(above, below)[defined].mean(axis=0))


class Weighted(Average):
    """The mean over the classes for which the value is defined, weighted by their true rows."""

    averaged = True

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where no class with a true row has a value."""
        return None if matrix.sum(axis=1)[self.defined(matrix)].any() else "no class with a true row has a value"

    def score(self, matrices: Floats, defined: Mask) -> Floats:
        """Sum of rows * value over the sum of rows."""
        above, below = self.divided(matrices)
        rows = parts(matrices)[1][defined]
        return ratio((ratio(above, below)[defined] * rows).sum(axis=0), rows.sum(axis=0))


class Micro(Average):
    """The value of the counts added up over the classes."""

    def defined(self, matrix: Floats) -> Mask:
        """Every observed class."""
        return self.observed(matrix)

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where the classes together have a denominator of 0."""
        below = self.divided(matrix)[1][self.observed(matrix)]
        return None if below.sum() > 0 else "the classes together have no row that would count"

    def score(self, matrices: Floats, defined: Mask) -> Floats:
        """Sum of numerators over the sum of denominators."""
        above, below = self.divided(matrices)
        return ratio(above[defined].sum(axis=0), below[defined].sum(axis=0))


class BalancedAccuracy(Macro):
    """Mean of the recalls."""

    name = "balanced_accuracy"
    rate = RATES["recall"]
    summary = "Mean of the recalls of the classes that the truth contains."
    formula = "mean over classes of TP / (TP + FN)"
    undefined_when = "the truth has fewer than two classes: it would be a recall under another name"
    source = f"scikit-learn `balanced_accuracy_score`; {DRAWS}"

    def missing(self, matrix: Floats) -> str | None:
        """Undefined where the truth has fewer than two classes: it would be a recall under another name."""
        return one_class(matrix)


_KINDS: tuple[tuple[str, type[Average], str, str, str], ...] = (
    (
        "micro",
        Micro,
        "{} of all classes together: their counts added up.",
        "{}, with each count added up over the classes",
        "the added denominators are 0",
    ),
    (
        "macro",
        Macro,
        "Mean over the classes of {}, where it is defined.",
        "mean over classes of {}",
        "no class has a value",
    ),
    (
        "weighted",
        Weighted,
        "Mean over the classes of {}, weighted by the number of true rows, where it is defined.",
        "sum over classes of rows * {} / sum of rows",
        "no class with a true row has a value",
    ),
)


def _made(base: str, rate: ClassRate, kind: tuple[str, type[Average], str, str, str]) -> type[Average]:
    ending, average, summary, formula, undefined_when = kind
    words = summary.format(rate.words)
    described: dict[str, Any] = {
        "__doc__": words,
        "__module__": __name__,
        "name": f"{base}_{ending}",
        "rate": rate,
        "Args": rate.args,
        "greater_is_better": rate.greater_is_better,
        "summary": words[0].upper() + words[1:],
        "formula": formula.format(rate.formula),
        "undefined_when": undefined_when,
        "source": f"scikit-learn `{rate.library}` with average='{ending}' and zero_division=nan; {DRAWS}"
        if rate.library.endswith("score")
        else f"from the counts of scikit-learn's `{rate.library}`; {DRAWS}",
    }
    return type(described["name"], (average,), described)


AVERAGES = SimpleNamespace(**{f"{base}_{kind[0]}": _made(base, rate, kind) for base, rate in RATES.items() for kind in _KINDS})
"""The metrics by name; entry points find them here."""
