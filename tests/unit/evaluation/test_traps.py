"""The numerical traps that other tools fall into, one by one: a right number, or null with its reason, or an error that names the argument."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as oracle

import mtf
from mtf.contracts.report import MetricValue
from mtf.errors import DataError, MtfError, SpecError

RANDOM = np.random.default_rng(11)
TRUTH = RANDOM.integers(0, 2, 500)
SCORE = np.clip(0.3 + 0.4 * TRUTH + 0.2 * RANDOM.normal(size=500), 0.001, 0.999)


@pytest.fixture(autouse=True)
def _no_warning() -> Any:
    """Nothing of numpy's may reach a user."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def sound(value: MetricValue) -> None:
    """A finite value inside an interval of some width, or a reason for there being none."""
    if value.value is None:
        assert value.undefined
        return
    assert np.isfinite(value.value)
    if value.lower is not None and value.upper is not None:
        assert value.lower <= value.value <= value.upper
        assert value.lower < value.upper
    else:
        assert value.method == "none"


def test_tied_scores_get_half_credit() -> None:
    """Scores of two digits: the area is scikit-learn's, whatever the order of the rows."""
    tied = SCORE.round(1)
    order = RANDOM.permutation(500)
    found = [mtf.evaluate(TRUTH[rows], y_score=tied[rows]).metrics["roc_auc"].value for rows in (np.arange(500), order)]
    assert found[0] == pytest.approx(oracle.roc_auc_score(TRUTH, tied), rel=1e-12)
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_one_class_is_undefined_and_never_counted_as_nothing() -> None:
    """Without a negative the area is null with the reason; scikit-learn's answer went from an error over 0.0 to NaN."""
    found = mtf.evaluate(np.ones(50, dtype=int), y_score=SCORE[:50], labels=[0, 1]).metrics
    for name in ("roc_auc", "balanced_accuracy", "mcc", "specificity"):
        assert found[name].value is None, name
        assert found[name].undefined, name
    assert found["recall"].value is not None


def test_average_precision_is_the_step_form() -> None:
    """Constant scores: the prevalence, where a trapezoid claims more than half."""
    found = mtf.evaluate(np.r_[np.ones(11), np.zeros(189)].astype(int), y_score=np.full(200, 0.3)).metrics["average_precision"]
    assert found.value == pytest.approx(0.055)


def test_a_class_that_the_truth_lacks_keeps_its_column() -> None:
    """Probabilities are read by the declared labels: Brier and log loss are scikit-learn's with `labels=`."""
    scores = RANDOM.dirichlet([1, 1, 1], 300)
    truth = np.array(["a", "c"])[RANDOM.integers(0, 2, 300)]
    found = mtf.evaluate(truth, y_score=scores, labels=["a", "b", "c"]).metrics
    assert found["log_loss"].value == pytest.approx(oracle.log_loss(truth, scores, labels=["a", "b", "c"]), rel=1e-10)
    wanted = oracle.brier_score_loss(truth, scores, labels=["a", "b", "c"], scale_by_half="auto")
    assert found["brier"].value == pytest.approx(wanted, rel=1e-10)
    assert found["recall_macro"].n_classes == 2


def test_a_label_outside_the_known_ones_is_refused() -> None:
    """It would add a row of zeros, and a loss of nothing."""
    with pytest.raises(DataError, match="'z'") as caught:
        mtf.evaluate(["a", "b", "z"], y_score=[[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], labels=["a", "b"], positive="b")
    assert caught.value.field == "y_true"


@pytest.mark.parametrize("mixed", [[1, "1", True, 0], ["1", 1, "0", 0], [True, "True", False, "False"]])
def test_labels_of_mixed_types_are_refused(mixed: list[Any]) -> None:
    """1, "1" and True may be one label or three: nobody but the user knows."""
    with pytest.raises(DataError, match="mixed types") as caught:
        mtf.evaluate(mixed, y_pred=[1, 1, 0, 0])
    assert caught.value.field == "y_true"


def test_probabilities_must_sum_to_one() -> None:
    """They are not renormalised in silence; what needs no probability is measured."""
    scores = RANDOM.random((200, 3))
    found = mtf.evaluate(RANDOM.integers(0, 3, 200), y_score=scores).metrics
    assert "sum to 1" in (found["log_loss"].undefined or "")
    assert found["roc_auc_ovr"].value is not None


def test_logits_are_not_taken_for_probabilities() -> None:
    """Numbers outside 0 to 1 are never put through a sigmoid; without labels there is no threshold, and the error says so."""
    logits = np.log(SCORE / (1 - SCORE))
    with pytest.raises(DataError, match="no probabilities") as caught:
        mtf.evaluate(TRUTH, y_score=logits)
    assert caught.value.field == "y_score"
    found = mtf.evaluate(TRUTH, y_pred=(logits > 0).astype(int), y_score=logits).metrics
    assert found["roc_auc"].value == pytest.approx(oracle.roc_auc_score(TRUTH, SCORE), rel=1e-12)
    assert "not probabilities" in (found["brier"].undefined or "")


def test_a_batch_cannot_change_what_a_score_means() -> None:
    """A part of the rows whose scores happen to lie in 0 to 1 is measured as the rest is: a slice of logits stays logits."""
    logits = np.linspace(-3, 3, 500)
    inside = (logits >= 0) & (logits <= 1)
    report = mtf.evaluate(TRUTH, y_pred=(logits > 0).astype(int), y_score=logits, slices={"inside": inside})
    part = next(one for one in report.slices if one.name == "inside=true")
    assert part.metrics["roc_auc"].value == pytest.approx(oracle.roc_auc_score(TRUTH[inside], logits[inside]), rel=1e-12)


def test_perfect_calibration_has_an_error_above_zero() -> None:
    """The band says where a perfectly calibrated model would lie, which is not at 0."""
    score = RANDOM.random(1_000)
    found = mtf.evaluate((RANDOM.random(1_000) < score).astype(int), y_score=score).metrics["ece"]
    assert found.value is not None
    assert found.null_band is not None
    assert 0.005 < found.null_band[0] < found.value < found.null_band[1] * 1.2


def test_percentage_errors_take_the_size_of_the_truth() -> None:
    """Negative truths count as positive ones; a truth of 0 makes the mean undefined, with the number of such rows."""
    truth = -RANDOM.uniform(1, 5, 200)
    prediction = truth * RANDOM.uniform(0.9, 1.1, 200)
    found = mtf.evaluate(truth, y_pred=prediction).metrics
    assert found["mape"].value == pytest.approx(oracle.mean_absolute_percentage_error(truth, prediction), rel=1e-12)
    with_zeros = mtf.evaluate(np.r_[truth, 0.0, 0.0], y_pred=np.r_[prediction, 1.0, 1.0]).metrics
    assert "2 rows" in (with_zeros["mape"].undefined or "")
    assert with_zeros["wape"].value is not None


@pytest.mark.parametrize("n", [1, 2, 50])
def test_a_truth_that_never_varies_has_no_r2(n: int) -> None:
    """Null with the reason, not 0 and not 1."""
    found = mtf.evaluate(np.full(n, 3.5), y_pred=np.full(n, 3.5) + 0.1).metrics["r2"]
    assert found.value is None
    assert found.undefined


def test_integer_weights_are_repetitions() -> None:
    """Of every metric, also of the confusion matrix, for point values."""
    weight = RANDOM.integers(0, 4, 500)
    rows = np.repeat(np.arange(500), weight)
    one, other = mtf.evaluate(TRUTH, y_score=SCORE, weight=weight).metrics, mtf.evaluate(TRUTH[rows], y_score=SCORE[rows]).metrics
    for name in one:
        if name != "ece":  # the number of its bins follows the rows that were measured, which weights do not make more
            assert one[name].value == pytest.approx(other[name].value, rel=1e-10), name


@pytest.mark.parametrize(("weight", "words"), [([-1.0] + [1.0] * 499, "negative"), ([0.0] * 500, "0"), ([np.nan] + [1.0] * 499, "missing")])
def test_weights_that_make_no_sense_are_refused(weight: list[float], words: str) -> None:
    """Negative, all zero, missing."""
    with pytest.raises(DataError, match=words) as caught:
        mtf.evaluate(TRUTH, y_score=SCORE, weight=weight)
    assert caught.value.field == "weight"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, None])
def test_missing_predictions_are_counted_and_never_dropped(bad: Any) -> None:
    """The error has the number of rows and the first of them."""
    score: Any = SCORE.tolist()
    score[7] = score[9] = bad
    with pytest.raises(DataError, match=r"2 of 500 rows \(first: 7, 9\)") as caught:
        mtf.evaluate(TRUTH, y_score=score)
    assert caught.value.field == "y_score"


def test_nothing_but_missing_values_is_refused() -> None:
    """A column of NaN has no type to guess."""
    for name in ("y_true", "y_pred"):
        arguments: dict[str, Any] = {"y_true": TRUTH, "y_pred": TRUTH} | {name: np.full(500, np.nan)}
        with pytest.raises(DataError) as caught:
            mtf.evaluate(**arguments)
        assert caught.value.field == name


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_one_row_is_measured(task: str) -> None:
    """Every metric of one row is a number with an interval, a number without one and the reason, or null with a reason."""
    arguments: dict[str, Any] = {
        "binary": {"y_true": [1], "y_score": [0.7], "labels": [0, 1]},
        "multiclass": {"y_true": ["a"], "y_score": [[0.6, 0.3, 0.1]], "labels": ["a", "b", "c"]},
        "regression": {"y_true": [1.5], "y_pred": [1.0]},
    }[task]
    report = mtf.evaluate(**arguments, task=task, metrics=_all_of(task))
    for name, value in report.metrics.items():
        sound(value)
        assert value.reliable is False or name in {"accuracy", "coverage"} or value.method == "none" or value.value is None, name


def test_groups_of_one_are_independent_rows() -> None:
    """Standard errors agree with those of rows without groups; methods differ, limits hardly do."""
    alone, grouped = (mtf.evaluate(TRUTH, y_score=SCORE, group=group).metrics for group in (None, np.arange(500)))
    for name in ("accuracy", "roc_auc", "log_loss", "f1"):
        one, other = alone[name], grouped[name]
        assert one.value == pytest.approx(other.value, rel=1e-12)
        assert one.lower is not None
        assert one.upper is not None
        assert other.lower == pytest.approx(one.lower, abs=0.1 * (one.upper - one.lower)), name


def test_one_group_has_no_interval() -> None:
    """Rows that all depend on each other tell nothing about their spread."""
    found = mtf.evaluate(TRUTH, y_score=SCORE, group=np.zeros(500)).metrics
    for name in ("accuracy", "roc_auc", "log_loss", "f1"):
        assert found[name].lower is None or found[name].reliable is False, name


def _all_of(task: str) -> list[str]:
    from mtf_evaluation.measure import known_metrics

    return known_metrics(task)


@pytest.mark.parametrize(
    ("truth", "score"),
    [
        pytest.param(TRUTH, np.full(500, 0.5), id="all tied"),
        pytest.param(TRUTH, TRUTH.astype(float), id="perfect"),
        pytest.param(TRUTH, 1.0 - TRUTH, id="all wrong"),
        pytest.param(np.r_[1, np.zeros(499, dtype=int)], SCORE, id="one positive"),
        pytest.param(TRUTH, SCORE * 1e-300, id="tiny"),
    ],
)
def test_degenerate_scores_have_sound_values(truth: Any, score: Any) -> None:
    """Every metric there is: all scores tied, a perfect model, one that is always wrong, one positive, scores next to nothing."""
    for value in mtf.evaluate(truth, y_score=score, metrics=_all_of("binary")).metrics.values():
        sound(value)


@pytest.mark.parametrize(
    "prediction",
    [
        pytest.param(np.zeros(300), id="constant"),
        pytest.param(np.arange(300) * 1e300, id="overflowing"),
        pytest.param(np.arange(300.0), id="perfect"),
        pytest.param(np.arange(300) + 1e-13, id="nearly perfect"),
        pytest.param(-np.arange(300.0), id="negative"),
    ],
)
def test_degenerate_numbers_have_sound_values(prediction: Any) -> None:
    """Every metric of numbers: a constant model, numbers near overflow, a perfect one, one off by rounding."""
    for value in mtf.evaluate(np.arange(300.0), y_pred=prediction, task="regression", metrics=_all_of("regression")).metrics.values():
        sound(value)


def test_a_large_offset_keeps_its_digits() -> None:
    """Targets around 1e9 that vary by 1: variances are not differences of huge squares."""
    truth = 1e9 + RANDOM.normal(size=400)
    prediction = truth + 0.1 * RANDOM.normal(size=400)
    found = mtf.evaluate(truth, y_pred=prediction, metrics=["r2", "pearson", "explained_variance", "rmse"]).metrics
    assert found["r2"].value == pytest.approx(oracle.r2_score(truth, prediction), rel=1e-7)
    assert found["pearson"].value == pytest.approx(np.corrcoef(truth - 1e9, prediction - 1e9)[0, 1], rel=1e-7)
    assert found["explained_variance"].value == pytest.approx(oracle.explained_variance_score(truth, prediction), rel=1e-7)


def test_counts_beyond_32_bits_do_not_overflow() -> None:
    """The correlation multiplies four counts: with weights of a million each it is the same as without."""
    plain, heavy = (mtf.evaluate(TRUTH, y_score=SCORE, weight=weight).metrics["mcc"].value for weight in (None, np.full(500, 1e6)))
    assert plain == pytest.approx(heavy, rel=1e-12)
    assert plain == pytest.approx(oracle.matthews_corrcoef(TRUTH, SCORE >= 0.5), rel=1e-12)


def test_minus_zero_is_zero() -> None:
    """Scores of 0.0 and -0.0 are tied."""
    score = np.where(np.arange(500) % 2 == 0, 0.0, -0.0)
    assert mtf.evaluate(TRUTH, y_score=score).metrics["roc_auc"].value == 0.5


def test_a_million_labels_are_no_classes() -> None:
    """A column of identifiers is refused at once, with what it probably is."""
    names = np.char.add("id", np.arange(1_000_000).astype(str))
    began = time.process_time()
    with pytest.raises(MtfError) as caught:
        mtf.evaluate(names, y_pred=names)
    assert time.process_time() - began < 60  # a matrix of 10^12 cells would not end at all
    assert caught.value.field in {"y_true", "labels", "task"}
    assert "1,000,000" in str(caught.value)


def test_an_empty_slice_is_null() -> None:
    """A declared value that no row has is told, not measured as 0."""
    report = mtf.evaluate(TRUTH, y_score=SCORE, slices={"place": pd.Categorical(["a"] * 500, categories=["a", "b"])})
    assert [one.name for one in report.slices] == ["place=a"]


@pytest.mark.parametrize("metrics", [[], ["accuracy(class=x)"], ["f_beta(beta=-1)"], ["f_beta(alpha=1)"], ["precision_at(k=0)"]])
def test_metrics_that_cannot_be_are_refused(metrics: list[str]) -> None:
    """No metric, a class of a task without classes, arguments out of range or unknown."""
    with pytest.raises(SpecError) as caught:
        mtf.evaluate(TRUTH, y_score=SCORE, metrics=metrics)
    assert caught.value.field == "metrics"
