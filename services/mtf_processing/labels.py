"""Which task a target asks for, and its labels in the order that every later stage uses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtf.contracts.stages import Task
from mtf.errors import DataError, SpecError
from mtf_processing.names import listed, match, name_of

MOST_CLASSES = 20
"""More distinct values than this are not taken for classes unless the run file says so."""
MOST_LABELS = 10_000
"""More labels than this are refused: every later table has a column for each."""

BINARY = 2
"""Labels of a binary task."""

TASK = "evaluation.task"


@dataclass(frozen=True)
class Target:
    """What was seen of a target column in the whole version."""

    name: str
    kind: str
    """bool, integer, float, decimal, text or time."""
    values: tuple[Any, ...] | None
    """Distinct values without missing ones, unordered; None when there are more than `MOST_LABELS`."""

    @property
    def distinct(self) -> float:
        """How many distinct values; infinity where nobody counted on."""
        return math.inf if self.values is None else len(self.values)

    @property
    def whole(self) -> bool:
        """Whether every value could be a class label: text, bools and whole numbers."""
        if self.kind in {"float", "decimal"}:
            return self.values is not None and all(float(value).is_integer() for value in self.values)
        return self.kind in {"bool", "integer", "text"}

    @property
    def counted(self) -> str:
        """How many distinct values, for a person."""
        return f"more than {MOST_LABELS:,}" if self.values is None else f"{len(self.values):,}"


def decide(target: Target, *, task: Task | None, positive: Any) -> tuple[Task, list[Any] | None]:
    """The task and its labels: sorted, for binary [negative, positive], None for regression.

    Raises DataError for a target that nothing can be learned about, SpecError for a task or a positive label that does not fit.
    """
    if target.kind == "time":
        raise SpecError(f"the target `{target.name}` holds times", field="dataset.target", fix="name a number or a label column")
    if target.distinct == 0:
        raise DataError(
            f"the target `{target.name}` has no value at all", field="dataset.target", fix="check the column and its `na_values`"
        )
    found = task or _infer(target)
    if target.distinct == 1 and task != "regression":
        only = name_of((target.values or ("",))[0])
        raise DataError(
            f"the target `{target.name}` has one value only",
            field="dataset.target",
            found=only,
            fix="a test needs rows of at least two classes; for numbers set `evaluation.task: regression`",
        )
    if found == "regression":
        _check_regression(target, positive)
        return found, None
    labels = _labels(target)
    if found == "binary":
        return found, _binary(target, labels, positive)
    if positive is not None:
        raise SpecError(
            f"`positive` is for two classes, and the target `{target.name}` has {len(labels)}",
            field="dataset.positive",
            found=positive,
            fix="leave it out, or set `evaluation.task: binary` where there are two labels",
        )
    return found, labels


def _infer(target: Target) -> Task:
    if target.kind == "bool" or target.distinct == BINARY:
        return "binary"
    if target.kind in {"text", "integer"} and target.distinct <= MOST_CLASSES:
        return "multiclass"
    if target.kind == "text":
        raise SpecError(
            f"the target `{target.name}` is text with {target.counted} distinct values: classes or a mistake?",
            field=TASK,
            fix="set `evaluation.task: multiclass`, or name another target",
        )
    return "regression"


def _check_regression(target: Target, positive: Any) -> None:
    if target.kind in {"text", "bool"}:
        raise SpecError(
            f"regression needs numbers, and the target `{target.name}` is {target.kind}",
            field=TASK,
            found="regression",
            fix="leave `task` out, or cast the target to float64",
        )
    if positive is not None:
        raise SpecError("`positive` is for two classes, not for regression", field="dataset.positive", found=positive, fix="leave it out")


def _labels(target: Target) -> list[Any]:
    if target.values is None:
        raise DataError(
            f"the target `{target.name}` has {target.counted} distinct values",
            field="dataset.target",
            fix="at most 10,000 labels can be tested",
        )
    if not target.whole:
        raise SpecError(
            f"the target `{target.name}` holds fractions, which are no labels",
            field=TASK,
            fix="leave `task` out or set `evaluation.task: regression`",
        )
    values = target.values if target.kind in {"text", "bool"} else tuple(int(value) for value in target.values)
    return sorted(values)


def _binary(target: Target, labels: Sequence[Any], positive: Any) -> list[Any]:
    if len(labels) != BINARY:
        raise SpecError(
            f"binary needs two labels, and the target `{target.name}` has {len(labels)}: {listed(labels)}",
            field=TASK,
            found="binary",
            fix="set `evaluation.task: multiclass` or leave it out",
        )
    if positive is None:
        index = next((i for i, label in enumerate(labels) if name_of(label).casefold() in {"1", "true"}), None)
        fix = f"write `positive: {name_of(labels[1])}` or `positive: {name_of(labels[0])}` under `dataset`"
        if index is None:
            raise SpecError(
                f"which label of `{target.name}` is the positive one: {listed(labels)}?",
                field="dataset.positive",
                found=list(labels),
                fix=fix,
            )
    else:
        index = match(positive, labels)
        if index is None:
            raise SpecError(
                f"`positive` is not a label of `{target.name}`; its labels are {listed(labels)}",
                field="dataset.positive",
                found=positive,
                fix=f"write one of {listed(labels)}",
            )
    return [labels[1 - index], labels[index]]
