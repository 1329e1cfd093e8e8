"""The task that a target asks for, and its labels."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mtf.errors import DataError, SpecError
from mtf_processing.labels import Target, decide
from mtf_processing.names import match, name_of
from tests.unit.processing.conftest import Process


def target(values: Any, kind: str) -> Target:
    """A target of these distinct values."""
    return Target("y", kind, None if values is None else tuple(values))


@pytest.mark.parametrize(
    ("values", "kind", "task", "labels"),
    [
        ([True, False], "bool", "binary", [False, True]),
        ([1, 0], "integer", "binary", [0, 1]),
        ([1, 2], "integer", "binary", [2, 1]),
        ([-1, 1], "integer", "binary", [-1, 1]),
        ([1.0, 0.0], "float", "binary", [0, 1]),
        (["1", "0"], "text", "binary", ["0", "1"]),
        (["True", "False"], "text", "binary", ["False", "True"]),
        ([3, 1, 2], "integer", "multiclass", [1, 2, 3]),
        (["b", "a", "c"], "text", "multiclass", ["a", "b", "c"]),
        (range(20), "integer", "multiclass", list(range(20))),
        (range(21), "integer", "regression", None),
        ([0.5, 1.5, 2.5], "float", "regression", None),
        ([1.0, 2.0, 3.0], "float", "regression", None),
        (None, "float", "regression", None),
        (None, "integer", "regression", None),
    ],
)
def test_the_task_is_inferred(values: Any, kind: str, task: str, labels: Any) -> None:
    """Two values are binary, text and whole numbers with at most 20 are multiclass, the rest is regression."""
    assert decide(target(values, kind), task=None, positive=None) == (task, labels)


@pytest.mark.parametrize(
    ("values", "kind", "task", "positive", "expected"),
    [
        (["no", "yes"], "text", None, "yes", ("binary", ["no", "yes"])),
        (["no", "yes"], "text", None, "no", ("binary", ["yes", "no"])),
        ([0, 1], "integer", None, "0", ("binary", [1, 0])),
        ([0, 1], "integer", None, 0.0, ("binary", [1, 0])),
        (["0", "1"], "text", None, 1, ("binary", ["0", "1"])),
        ([False, True], "bool", None, 0, ("binary", [True, False])),
        ([False, True], "bool", None, "TRUE", ("binary", [False, True])),
        (["no", "yes"], "text", "multiclass", None, ("multiclass", ["no", "yes"])),
        ([0, 1], "integer", "regression", None, ("regression", None)),
        (range(50), "integer", "multiclass", None, ("multiclass", list(range(50)))),
        ([1.0, 2.0, 3.0], "float", "multiclass", None, ("multiclass", [1, 2, 3])),
        ([4.0], "float", "regression", None, ("regression", None)),
    ],
)
def test_a_declared_task_and_positive_label_are_followed(values: Any, kind: str, task: Any, positive: Any, expected: Any) -> None:
    """The declared task overrides, and labels are matched by name: "0", 0 and 0.0 are one."""
    assert decide(target(values, kind), task=task, positive=positive) == expected


@pytest.mark.parametrize(
    ("values", "kind", "task", "positive", "error", "field"),
    [
        (["no", "yes"], "text", None, None, SpecError, "dataset.positive"),
        ([5, 7], "integer", None, None, SpecError, "dataset.positive"),
        (["no", "yes"], "text", None, "maybe", SpecError, "dataset.positive"),
        ([1, 2, 3], "integer", None, 1, SpecError, "dataset.positive"),
        ([0.5, 1.5, 2.5], "float", None, 1, SpecError, "dataset.positive"),
        ([1, 2, 3], "integer", "binary", None, SpecError, "evaluation.task"),
        ([0.5, 1.5, 2.5], "float", "multiclass", None, SpecError, "evaluation.task"),
        (["a", "b"], "text", "regression", None, SpecError, "evaluation.task"),
        ([f"{index}" for index in range(21)], "text", None, None, SpecError, "evaluation.task"),
        (None, "text", "multiclass", None, DataError, "dataset.target"),
        ([], "float", None, None, DataError, "dataset.target"),
        ([1], "integer", None, None, DataError, "dataset.target"),
        ([True], "bool", "binary", None, DataError, "dataset.target"),
        (None, "time", None, None, SpecError, "dataset.target"),
    ],
)
def test_what_does_not_fit_is_refused(*, values: Any, kind: str, task: Any, positive: Any, error: type[Exception], field: str) -> None:
    """Each refusal names the field of the run file that decides."""
    with pytest.raises(error) as caught:
        decide(target(values, kind), task=task, positive=positive)
    assert caught.value.field == field  # type: ignore[attr-defined]


def test_the_error_for_an_unnamed_positive_lists_both_labels() -> None:
    """A person sees what to write."""
    with pytest.raises(SpecError) as caught:
        decide(target([">50K", "<=50K"], "text"), task=None, positive=None)
    assert "<=50K, >50K" in caught.value.message
    assert "positive: >50K" in (caught.value.fix or "")


def test_names_have_one_spelling() -> None:
    """1, 1.0 and "1" are one name; True is not 1 unless labels are bools."""
    assert [name_of(value) for value in (1, 1.0, "1", 1.5, True, False)] == ["1", "1", "1", "1.5", "true", "false"]
    assert match("1.0", [0, 1]) == 1
    assert match("x", [0, 1]) is None
    assert match("true", [False, True]) == 1
    assert match(True, ["true"]) == 0


def test_whole_fractions_become_whole_labels_in_the_context_too(process: Process) -> None:
    """A 0/1 target that was read as float64 has labels 0 and 1, and so has the truth of each row."""
    found = process(pa.table({"x": [1, 2, 3, 4], "y": [0.0, 1.0, 1.0, 0.0]}))
    assert found.facts["labels"] == [0, 1]
    assert found.table("test.context")["target"].type == pa.int64()


def test_decimal_targets(process: Process) -> None:
    """Decimals are numbers: regression as float64, or labels where they are whole."""
    from decimal import Decimal

    prices = pa.array([Decimal("1.50"), Decimal("2.25"), Decimal("3.00")])
    found = process(pa.table({"x": [1, 2, 3], "y": prices}))
    assert (found.facts["task"], found.table("test.context")["target"].to_pylist()) == ("regression", [1.5, 2.25, 3.0])
    whole = pa.array([Decimal("0.00"), Decimal("1.00"), Decimal("0.00")])
    found = process(pa.table({"x": [1, 2, 3], "y": whole}))
    assert (found.facts["labels"], found.table("test.context")["target"].to_pylist()) == ([0, 1], [0, 1, 0])


def test_labels_come_from_every_row_of_the_version(process: Process) -> None:
    """A label whose rows are all dropped or all training rows is still a label; train's labels count as well."""
    table = pa.table({"x": [1.0, 2.0, 3.0, None], "y": ["a", "b", "c", "d"]})
    assert process(table, [{"drop_missing": {}}]).facts["labels"] == ["a", "b", "c", "d"]
    train = pa.table({"x": [1.0, 2.0], "y": ["a", "z"]})
    assert process(table, [{"drop_missing": {}}], train=train).facts["labels"] == ["a", "b", "c", "d", "z"]


def test_labels_are_those_behind_replace(process: Process) -> None:
    """The target reads as it stands before the first fitted step, so that spellings can be mended."""
    table = pa.table({"x": [1, 2, 3], "y": ["yes", "yes.", "no"]})
    steps = [{"replace": {"columns": ["y"], "values": {"yes.": "yes"}}}]
    assert process(table, steps, positive="yes").facts["labels"] == ["no", "yes"]


def test_regression_targets_become_float64(process: Process) -> None:
    """Whole numbers too."""
    found = process(pa.table({"x": range(30), "y": range(30)}))
    assert found.table("test.context")["target"].type == pa.float64()
    assert found.facts["task"] == "regression"
    assert np.isclose(found.table("test.context")["target"].to_numpy().sum(), 435)
