"""Labels are matched by name, whatever type carries them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtf.errors import DataError, ModelError, SpecError
from mtf_inference.labels import Labels, agree, encode_predictions, encode_truth, rename, spellings

LABEL = st.one_of(st.integers(-(10**6), 10**6), st.text(min_size=1, max_size=8))


@pytest.mark.parametrize(
    ("data", "model"),
    [([0, 1], ["0", "1"]), (["0", "1"], [0, 1]), ([False, True], [0, 1]), ([0, 1], [False, True]), (["False", "True"], [False, True]),
     ([False, True], ["False", "True"]), ([0.0, 1.0], [0, 1]), (["0", "1"], [0.0, 1.0]), (["no", "yes"], ["no", "yes"]), ([1, 2], ["1.0", "2.0"])],
)  # fmt: skip
def test_one_label_in_two_types_is_one_label(data: list[object], model: list[object]) -> None:
    """Integers, texts, floats and truth values that say the same match; order follows the data."""
    labels = agree(data, model[::-1], "binary")
    assert labels.values == tuple(data)
    assert labels.translate(model) == ([0, 1], [])


@given(st.lists(LABEL, unique_by=lambda label: spellings(label)[-1], min_size=1, max_size=10))
def test_every_label_finds_itself(values: list[object]) -> None:
    """The code of the i-th label is i, as itself and as text."""
    labels = Labels.of(values, "x")
    assert [labels.code(label) for label in values] == list(range(len(values)))
    assert [labels.code(str(label)) for label in values] == list(range(len(values)))


def test_labels_that_cannot_be_told_apart_are_refused() -> None:
    """`1` and `"1"` in one list are a contradiction."""
    with pytest.raises(SpecError, match="cannot be told apart"):
        Labels.of([1, "1"], "model.labels")


def test_what_the_model_knows_more_is_appended_or_refused() -> None:
    """Multiclass takes the union, data first; a binary task cannot have a third label."""
    assert agree(["b", "c"], ["a", "b", "c"], "multiclass").values == ("b", "c", "a")
    with pytest.raises(ModelError, match="the model also knows 'a'"):
        agree(["b", "c"], ["a", "b", "c"], "binary")


def test_truth_becomes_codes_and_strangers_are_listed() -> None:
    """Nulls are -1; labels that are undeclared, or unknown to the model, are errors that name them."""
    labels = Labels.of(["a", "b", "c"], "x")
    column = pa.chunked_array([["b", None], ["a", "b"]])
    assert encode_truth(column, labels, None).tolist() == [1, -1, 0, 1]
    assert encode_truth(column.dictionary_encode(), labels, frozenset({0, 1})).tolist() == [1, -1, 0, 1]
    with pytest.raises(DataError, match="not among 'a', 'b', 'c': 'z'"):
        encode_truth(pa.chunked_array([["a", "z"]]), labels, None)
    with pytest.raises(DataError, match="labels that the model does not know: 'b'"):
        encode_truth(column, labels, frozenset({0}))


def test_predictions_become_codes_and_strangers_are_listed() -> None:
    """-1 stays; a label that nobody declared is an error that names it."""
    labels = Labels.of([False, True], "x")
    assert encode_predictions(np.array([0, -1, 1], dtype=np.int32), [1, 0], labels).tolist() == [1, -1, 0]
    with pytest.raises(ModelError, match="labels that the data does not have: 2"):
        encode_predictions(np.array([0], dtype=np.int32), [2], labels)


def test_declared_names_replace_the_models_own() -> None:
    """By position in the model's labels, or by position alone where it carries none; names stay names."""
    assert rename([1, 0], [0, 1], ["no", "yes"]) == ["yes", "no"]
    assert rename([1, 0], [0, 1], [1, 0]) == [0, 1]
    assert rename([2, "no", True, 7], None, ["no", "maybe", "yes"]) == ["yes", "no", "maybe", 7]
    assert rename(["x"], ["x"], None) == ["x"]
