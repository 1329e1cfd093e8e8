"""Labels given as integers are counted and looked up without a hash, and mean what they meant with one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation.checks.answers import LabelsFollowScores
from mtf_evaluation.inputs.classes import distinct, encode

KINDS = ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("edge", ["least", "middle", "most"])
def test_integers_of_every_width_keep_their_value(kind: str, edge: str) -> None:
    """The first and the last numbers of a type are labels like any other."""
    limits = np.iinfo(kind)
    start = {"least": int(limits.min), "middle": 3, "most": int(limits.max) - 9}[edge]
    labels = [start, start + 4, start + 9]
    values = [labels[place] for place in (2, 0, 1, 1, 2)]
    array = pa.array(values, type=pa.type_for_alias(kind))
    assert distinct(array) == labels
    assert all(type(value) is int for value in distinct(array))
    assert encode(array, labels, "y_true").tolist() == [2, 0, 1, 1, 2]


@pytest.mark.parametrize("kind", ["int8", "int16"])
def test_integers_that_lie_as_far_apart_as_they_can(kind: str) -> None:
    """Both ends of a narrow type in one column do not wrap around."""
    limits = np.iinfo(kind)
    labels = [int(limits.min), 0, int(limits.max)]
    array = pa.array(labels, type=pa.type_for_alias(kind))
    assert distinct(array) == labels
    assert encode(array, labels, "y_true").tolist() == [0, 1, 2]


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.permutations(range(-5, 6)))
def test_codes_are_places_among_the_labels(values: list[int], labels: list[int]) -> None:
    """Whatever the order of the labels."""
    assert encode(pa.array(values), labels, "y_true").tolist() == [labels.index(value) for value in values]


@pytest.mark.parametrize("labels", [[0, 1], [False, True], [0.0, 1.0]])
def test_equal_labels_of_another_type_are_known(labels: list[Any]) -> None:
    """0 and 1 are False and True."""
    assert encode(pa.array([1, 0, 1]), labels, "y_true").tolist() == [1, 0, 1]


def test_integer_that_is_no_label_is_named() -> None:
    """The error says which."""
    with pytest.raises(DataError, match="2"):
        encode(pa.array([0, 1, 2]), [0, 1], "y_true")


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_share_that_one_threshold_explains(rows: list[tuple[int, bool]]) -> None:
    """The check's share is the best over every threshold, tried one by one."""
    score = np.array([place / 5 for place, _ in rows])
    chosen = np.array([int(called) for _, called in rows], dtype=np.int32)
    best = max(np.mean((score >= threshold) == (chosen == 1)) for threshold in [*np.unique(score), np.inf])
    sample = Sample("binary", chosen, chosen, np.stack([1 - score, score], axis=1), (0, 1))
    found = LabelsFollowScores().check(sample)
    assert found is not None
    assert found.evidence["share"] == pytest.approx(best, abs=1e-6)
