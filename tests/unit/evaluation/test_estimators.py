"""`mtf.evaluate_model`: a fitted estimator straight in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics as oracle
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import mtf
from mtf.errors import DataError, ModelError, SpecError, UsageError

RANDOM = np.random.default_rng(0)
X = pd.DataFrame(RANDOM.normal(size=(400, 3)), columns=["a", "b", "c"]).assign(late=RANDOM.random(400) < 0.5)
NUMBER = X["a"] - 0.5 * X["b"] + RANDOM.normal(size=400)
LABEL = (NUMBER > 0).astype(int)
THREE = pd.cut(NUMBER, [-np.inf, -0.7, 0.7, np.inf], labels=["low", "middle", "high"]).astype(str)


def test_probabilities_follow_the_models_own_order_of_classes() -> None:
    """Whatever order `classes_` has, each score is read for its own class: the AUC is scikit-learn's for either positive label."""
    text = np.where(LABEL == 1, "bad", "good")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, text)
    scores = model.predict_proba(X)
    for code, positive in enumerate(model.classes_):
        found = mtf.evaluate_model(model, X, text, positive=positive)
        assert found.metrics["roc_auc"].value == pytest.approx(oracle.roc_auc_score(text == positive, scores[:, code]), rel=1e-12)
        assert found.metrics["recall"].value == pytest.approx(oracle.recall_score(text, model.predict(X), pos_label=positive), rel=1e-12)


def test_decision_values_rank_but_are_no_probabilities() -> None:
    """An estimator without `predict_proba` has its areas; losses of probabilities are null with the reason."""
    model = LinearSVC().fit(X, LABEL)
    found = mtf.evaluate_model(model, X, LABEL)
    assert found.metrics["roc_auc"].value == pytest.approx(oracle.roc_auc_score(LABEL, model.decision_function(X)), rel=1e-12)
    assert "not probabilities" in (found.metrics["log_loss"].undefined or "")


def test_scores_of_pairs_of_classes_are_no_scores_of_classes() -> None:
    """One against one gives a column for each pair of four classes: only labels are measured."""
    four = np.digitize(NUMBER, [-1, 0, 1])
    model = SVC(decision_function_shape="ovo").fit(X, four)
    found = mtf.evaluate_model(model, X, four)
    assert found.metrics["accuracy"].value == pytest.approx(oracle.accuracy_score(four, model.predict(X)))
    assert found.metrics["roc_auc_ovr"].undefined == "the model gave no scores"


def test_a_class_that_the_test_rows_lack_keeps_its_column() -> None:
    """The model's labels are the labels: a test set without one of them is measured, and columns do not move."""
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, THREE)
    rows = THREE != "low"
    found = mtf.evaluate_model(model, X[rows], THREE[rows])
    assert found.labels == ["high", "low", "middle"]
    wanted = oracle.log_loss(THREE[rows], model.predict_proba(X[rows]), labels=model.classes_)
    assert found.metrics["log_loss"].value == pytest.approx(wanted, rel=1e-9)


def test_numbers_are_a_regression() -> None:
    """A model without classes predicts numbers."""
    model = LinearRegression().fit(X, NUMBER)
    found = mtf.evaluate_model(model, X, NUMBER)
    assert found.task == "regression"
    assert found.metrics["r2"].value == pytest.approx(model.score(X, NUMBER), rel=1e-12)


@pytest.mark.parametrize("frame", [lambda x: x, pl.from_pandas])
def test_slices_are_named_by_the_columns_of_the_features(frame: Any) -> None:
    """A list of names slices by columns that the model sees anyway."""
    model = LogisticRegression().fit(X.to_numpy(dtype=float), LABEL)
    model.feature_names_in_ = None

    class Plain:
        """Takes any frame."""

        classes_ = model.classes_

        def predict(self, features: Any) -> Any:
            """Labels."""
            return model.predict(np.asarray(features, dtype=float))

    found = mtf.evaluate_model(Plain(), frame(X), LABEL, slices=["late"])
    assert [one.name for one in found.slices] == ["late=false", "late=true"]


class _Silent:
    classes_ = np.array([0, 1])

    def predict(self, features: Any) -> Any:
        """Fails in its own way."""
        raise RuntimeError("no license")


@pytest.mark.parametrize(
    ("model", "kind", "field", "words"),
    [
        (3, UsageError, "model", "cannot predict"),
        (_Silent(), ModelError, "model", "RuntimeError: no license"),
        (DecisionTreeClassifier().fit(X, np.stack([LABEL, LABEL], axis=1)), UsageError, "model", "several targets"),
        (DecisionTreeClassifier().fit(X, np.zeros(400)), UsageError, "model", "1 class only"),
    ],
)
def test_a_model_that_will_not_do_is_named(model: Any, kind: type[Exception], field: str, words: str) -> None:
    """No predict, an error of its own, several targets, one class: our own error with the model's words."""
    with pytest.raises(kind, match=words) as caught:
        mtf.evaluate_model(model, X, LABEL)
    assert getattr(caught.value, "field", None) == field


def test_a_slice_that_is_no_column_is_named() -> None:
    """The error lists the columns."""
    model = LogisticRegression().fit(X, LABEL)
    with pytest.raises(DataError, match="no column `age`") as caught:
        mtf.evaluate_model(model, X, LABEL, slices=["age"])
    assert "a, b, c, late" in (caught.value.fix or "")


def test_text_labels_need_a_positive_one() -> None:
    """Which of two texts is positive is the user's to say: guessing by the alphabet is how recall of the wrong class gets reported."""
    text = np.where(LABEL == 1, "bad", "good")
    with pytest.raises(SpecError, match="positive"):
        mtf.evaluate_model(LogisticRegression().fit(X, text), X, text)
