"""Holds every metric against its reference on every shape of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from mtf.plugins import load, names
from mtf_evaluation import measure
from tests.conformance import labels, numbers, scores
from tests.conformance.reference import TOLERANCE, Reference, apart
from tests.conformance.shapes import SHAPES

REFERENCES: Mapping[str, Mapping[str, Reference]] = {
    "binary": labels.BINARY | scores.BINARY,
    "multiclass": labels.MULTICLASS | scores.MULTICLASS,
    "regression": numbers.REGRESSION,
}
"""References by task and by the metric as it is written."""


@dataclass(frozen=True)
class Case:
    """One metric on one shape."""

    metric: str
    task: str
    shape: str
    ours: float | None
    theirs: float | None

    @property
    def apart(self) -> float:
        """The relative difference."""
        return apart(self.ours, self.theirs)

    @property
    def holds(self) -> bool:
        """Whether the answers are the same to the tolerance, or both say that there is none."""
        return self.apart < TOLERANCE


def built_in() -> list[str]:
    """Names of the metrics of this distribution."""
    return [name for name in names("metric") if type(load("metric", name)).__module__.startswith("mtf_evaluation.")]


def lacking() -> list[str]:
    """Built-in metrics, with a task, that no reference stands for."""
    return [
        f"{name} ({task})"
        for name in built_in()
        for task in load("metric", name).tasks
        if not any(text.partition("(")[0] == name for text in REFERENCES[task])
    ]


@cache
def cases() -> tuple[Case, ...]:
    """Every metric on every shape."""
    return tuple(_all())


def _all() -> Iterator[Case]:
    for task, shapes in SHAPES.items():
        references = REFERENCES[task]
        for shape, sample in shapes.items():
            found = measure.measure(sample, list(references))
            for text, value in found.items():
                yield Case(text, task, shape, value.value, references[text].answer(sample))
