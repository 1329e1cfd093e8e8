"""A metric of two classes for one class of several against the rest: `precision(class=Adelie)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mtf.contracts.report import MetricValue
from mtf.errors import SpecError
from mtf.plugins import Sample
from mtf_evaluation.metrics.adapter import influence_of, measured_by
from mtf_evaluation.metrics.base import Floats, Metric
from mtf_evaluation.metrics.facts import facts_of, with_facts
from mtf_evaluation.reference import EVERY, Reference


class OneVsRest:
    """A metric of two classes that looks at one class of several.

    Args:
        inner: The metric, which serves binary tasks.
        code: Position of the class among the labels.
    """

    def __init__(self, inner: Any, code: int) -> None:
        self.inner, self.code = inner, code
        self.needs_scores: bool = getattr(inner, "needs_scores", False)
        self.greater_is_better: bool | None = inner.greater_is_better
        self.bounds: tuple[float, float] = inner.bounds

    def measured(self, sample: Sample, level: float) -> MetricValue:
        """The metric with its interval."""
        part = binary(sample, self.code)
        return self.inner.measured(part, level) if isinstance(self.inner, Metric) else measured_by(self.inner, part, level)

    def influence(self, sample: Sample) -> tuple[float, Floats]:
        """The metric and its (n,) influence values; only where the metric has them."""
        part = binary(sample, self.code)
        if isinstance(self.inner, Metric):
            return self.inner.influence(part)  # type: ignore[attr-defined, no-any-return]  # the caller looked for the method
        return influence_of(self.inner, part)


def binary(sample: Sample, code: int) -> Sample:
    """The rows as this class (code 1) against the rest (code 0), made once per sample and class."""
    parts = facts_of(sample).parts
    if code not in parts:
        scores = None if sample.scores is None else np.stack([1 - sample.scores[:, code], sample.scores[:, code]], axis=1)
        part = replace(
            sample,
            task="binary",
            target=(sample.target == code).astype(np.int32),
            prediction=(sample.prediction == code).astype(np.int32),
            scores=scores,
            labels=(False, True),
            extra={},
        )
        parts[code] = with_facts(part, facts_of(sample).seed)
    return parts[code]


def expand(reference: Reference, plugin: Any, labels: Sequence[Any], *, where: str = "evaluation.metrics") -> dict[str, Any]:
    """The metric by canonical name: itself, or for one class or every class of the labels. Raises SpecError for a class that is none."""
    if reference.of_class is None:
        return {str(reference): plugin}
    names = [str(label) for label in labels]
    if reference.of_class == EVERY:
        return {str(replace(reference, of_class=name)): OneVsRest(plugin, code) for code, name in enumerate(names)}
    if reference.of_class not in names:
        raise SpecError(
            f"`{reference}` asks for a class that is no label",
            field=where,
            found=reference.of_class,
            fix=f"the labels are {', '.join(names[:20])}",
        )
    return {str(reference): OneVsRest(plugin, names.index(reference.of_class))}
