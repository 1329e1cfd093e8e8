"""What a model's answer must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtf.errors import ModelError, SpecError
from mtf.plugins import Prediction
from mtf_inference.labels import Labels
from mtf_inference.outputs import Rules, read

BINARY = Labels.of(["no", "yes"], "x")
THREE = Labels.of(["a", "b", "c"], "x")


def rules(
    task: str = "binary", labels: Labels | None = BINARY, order: Any = (0, 1), *, threshold: float = 0.5, exclude: bool = False
) -> Rules:
    return Rules(task, labels, order, threshold, exclude)


def scores(*rows: Any) -> Prediction:
    return Prediction(scores=np.array(rows, dtype=float))


def codes(*values: int, **also: Any) -> Prediction:
    return Prediction(labels=np.array(values, dtype=np.int32), **also)


def test_scores_alone_are_cut_at_the_threshold() -> None:
    """A row is positive from the threshold on, the threshold included."""
    found = read(scores([0.7, 0.3], [0.3, 0.7], [0.2, 0.8]), [], 0, rules(threshold=0.7))
    assert found.prediction.tolist() == [0, 1, 1]


def test_one_score_a_row_is_the_positives() -> None:
    """(n,) and (n, 1) mean the same."""
    for shape in ([0.25, 1.0], [[0.25], [1.0]]):
        found = read(Prediction(scores=np.array(shape)), [], 0, rules(order=None))
        assert found.scores is not None
        assert found.scores.tolist() == [[0.75, 0.25], [0.0, 1.0]]


def test_hard_labels_are_the_models_own() -> None:
    """Scores do not overrule `predict`."""
    found = read(codes(1, scores=np.array([[0.9, 0.1]])), ["no", "yes"], 0, rules())
    assert found.prediction.tolist() == [1]


def test_score_columns_are_put_into_the_datas_order() -> None:
    """Column i of the model belongs to its i-th label; labels it lacks get 0."""
    found = read(scores([0.9, 0.1]), [], 0, rules("multiclass", THREE, (2, 0)))
    assert found.scores is not None
    assert found.scores.tolist() == [[0.1, 0.0, 0.9]]
    assert found.prediction.tolist() == [2]


@pytest.mark.parametrize(
    ("said", "values", "message"),
    [
        (scores([0.5, 0.5], [0.5, 0.4]), [], "1 rows of probabilities do not sum to 1 .*first in row 101"),
        (scores([1.5, -0.5]), [], "a score outside"),
        (scores([-3.0], [4.0]), [], "2 rows have a score outside"),
        (scores([0.1, 0.2, 0.7]), [], "3 scores a row for 2 labels"),
        (scores([0.5, np.nan]), [], "1 of the predictions are missing, NaN or infinite, first in row 100"),
        (scores([np.inf, 0.0]), [], "NaN or infinite"),
        (codes(0, -1, -1), ["no"], "2 of the predictions are missing.*first in row 101, 102"),
        (codes(0), ["maybe"], "labels that the data does not have: 'maybe'"),
        (Prediction(labels=np.array([0.5])), [], "numbers where labels are due"),
        (Prediction(), [], "neither labels nor scores"),
    ],
)
def test_nonsense_is_refused_with_its_row(said: Prediction, values: list[Any], message: str) -> None:
    """The error counts, and names the first rows of the data."""
    with pytest.raises(ModelError, match=message):
        read(said, values, 100, rules())


def test_float32_probabilities_pass() -> None:
    """Rounding of float32 over many classes is no error."""
    generator = np.random.default_rng(0)
    raw = generator.random((1000, 200)).astype(np.float32)
    given = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float64)
    labels = Labels.of(range(200), "x")
    assert read(Prediction(scores=given), [], 0, rules("multiclass", labels, range(200))).missing == 0


def test_scores_of_unknown_labels_need_a_declaration() -> None:
    """Nobody guesses which column is which."""
    with pytest.raises(SpecError, match="does not say which label each is of") as caught:
        read(scores([0.2, 0.3, 0.5]), [], 0, rules("multiclass", THREE, None))
    assert caught.value.field == "model.labels"


def test_missing_predictions_can_be_excluded() -> None:
    """They become null, their scores too, and are counted."""
    found = read(scores([0.5, np.nan], [0.25, 0.75]), [], 0, rules(exclude=True))
    assert found.prediction.tolist() == [-1, 1]
    assert found.missing == 1
    assert found.scores is not None
    assert np.isnan(found.scores[0]).all()


def test_regression_wants_one_finite_number_a_row() -> None:
    """A single score column is a value; text, several columns and NaN are errors."""
    plain = Rules("regression", None, None, 0.5, exclude=False)
    assert read(scores([1.5], [2.5]), [], 0, plain).prediction.tolist() == [1.5, 2.5]
    with pytest.raises(ModelError, match="labels where numbers are due: 'cheap'"):
        read(codes(0), ["cheap"], 0, plain)
    with pytest.raises(ModelError, match="no value for a row"):
        read(scores([1.0, 2.0]), [], 0, plain)
    bad = Prediction(labels=np.array([1.0, np.nan, np.inf]))
    with pytest.raises(ModelError, match="2 of the predictions are NaN or infinite, first in row 1, 2"):
        read(bad, [], 0, plain)
    found = read(bad, [], 0, Rules("regression", None, None, 0.5, exclude=True))
    assert found.missing == 2
    assert np.isnan(found.prediction).tolist() == [False, True, True]
