"""Wrong statistics that were found in shipped tools, each as a test that this one passes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

import mtf
from mtf.errors import DataError, SpecError
from mtf_evaluation import measure
from mtf_evaluation.metrics.facts import with_facts
from mtf_evaluation.statistics.area import delong_error
from mtf_evaluation.statistics.multiplicity import benjamini_hochberg
from tests.conformance.peers import bug_of
from tests.unit.evaluation import samples


def _values(report: Any) -> dict[str, Any]:
    return {name: value.value for name, value in report.metrics.items()}


@bug_of("Evidently 0.7.21", "MAPE divides by max(y, eps) without |y|: 1.8e17 % instead of 4.15 % where targets are negative")
def test_mape_of_negative_targets() -> None:
    """The error is relative to |truth|: the same rows with the sign turned have the same value, and it is scikit-learn's."""
    y = -np.random.default_rng(0).uniform(50, 150, 300)
    p = y * 1.04
    one, other = (_values(mtf.evaluate(sign * y, y_pred=sign * p, metrics=["mape"]))["mape"] for sign in (1, -1))
    assert one == pytest.approx(other, rel=1e-12)
    assert one == pytest.approx(sk.mean_absolute_percentage_error(y, p), rel=1e-12)


@bug_of("most libraries", "a true value of 0 makes MAPE 2e15, silently")
def test_mape_at_zero() -> None:
    """A true value of 0 has no relative error: null, with the number of rows and a metric that is defined."""
    found = mtf.evaluate([0.0, 1.5, 2.5, 3.5], y_pred=[0.1, 1.0, 2.0, 3.0], metrics=["mape"]).metrics["mape"]
    assert found.value is None
    assert "1 rows have a true value of 0; wape" in (found.undefined or "")


@bug_of(
    "Deepchecks 0.19",
    "columns of probabilities are indexed by the classes in the test set: a class absent there made Brier 0.867 instead of 0.033",
)
def test_brier_with_an_absent_class() -> None:
    """Columns belong to the declared labels: without rows of the first class the Brier score is still the rows' own."""
    sample = samples.multiclass(400, k=3, signal=4.0)
    rows = sample.target != 0
    assert sample.scores is not None
    names = np.array(["a", "b", "c"])
    found = mtf.evaluate(
        names[sample.target[rows]], y_score=sample.scores[rows], labels=["a", "b", "c"], metrics=["brier", "log_loss", "roc_auc_ovr"]
    )
    scores, target = sample.scores[rows], sample.target[rows]
    assert found.metrics["brier"].value == pytest.approx(((scores - np.eye(3)[target]) ** 2).sum(axis=1).mean(), rel=1e-12)
    assert found.metrics["brier"].value == pytest.approx(sk.brier_score_loss(target, scores, labels=[0, 1, 2]), rel=1e-12)
    assert found.metrics["log_loss"].value == pytest.approx(sk.log_loss(target, scores, labels=[0, 1, 2]), rel=1e-10)
    assert found.metrics["roc_auc_ovr"].value is not None


@bug_of(
    "MLflow (#23991, four years)",
    "with the lower-sorted label as positive, PR AUC was 0.32 instead of 0.99 and curves were of the other class",
)
@pytest.mark.parametrize("positive", ["bad", "good"])
@pytest.mark.parametrize("declared", [["bad", "good"], ["good", "bad"], None])
def test_positive_is_any_label(positive: str, declared: list[str] | None) -> None:
    """Whichever label is positive, and in whatever order labels are declared: values and curves are scikit-learn's for that label."""
    random = np.random.default_rng(1)
    is_positive = random.random(400) < 0.3
    other = "good" if positive == "bad" else "bad"
    y = np.where(is_positive, positive, other)
    score = 1 / (1 + np.exp(-(3 * is_positive + random.normal(size=400) - 1.5)))
    report = mtf.evaluate(y, y_score=score, labels=declared, positive=positive, metrics=["average_precision", "roc_auc", "recall", "brier"])
    found = _values(report)
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(y, score, pos_label=positive), rel=1e-12)
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(is_positive, score), rel=1e-12)
    assert found["recall"] == pytest.approx(sk.recall_score(y, np.where(score >= 0.5, positive, other), pos_label=positive), rel=1e-12)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(y, score, pos_label=positive), rel=1e-12)
    assert {curve["label"] for curve in report.plots["precision_recall"]["curves"]} == {positive}
    if declared is not None:
        table = np.stack([1 - score, score], axis=1) if declared[1] == positive else np.stack([score, 1 - score], axis=1)
        same = mtf.evaluate(y, y_score=table, labels=declared, positive=positive, metrics=list(found))
        assert _values(same) == pytest.approx(found, rel=1e-12)


def _auc(sample: Any) -> tuple[float, float]:
    ((_, plugin),) = measure.find(["roc_auc"], "binary").items()
    value, influence = plugin.influence(with_facts(sample, 0))
    return value, delong_error(influence, sample.target == 1)


def _normal(seed: int, spread: float, n: int = 300, share: float = 0.5) -> Any:
    random = np.random.default_rng(seed)
    target = (np.arange(n) < n * share).astype(np.int32)
    score = np.where(target == 1, 1 + spread * random.normal(size=n), random.normal(size=n))
    return replace(samples.binary(n), target=target, scores=np.stack([-score, score], axis=1))


@bug_of("NannyML 0.13", "the standard error of AUC uses the placement values of one class only: 0.59 to 0.72 of the truth")
@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.parametrize("share", [0.5, 0.2])
def test_standard_error_of_auc_is_the_spread_of_auc(spread: float, share: float) -> None:
    """Over 600 simulated test sets the mean of our standard errors is the standard deviation of the areas, within 10 %."""
    found = np.array([_auc(_normal(seed, spread, share=share)) for seed in range(600)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(ddof=1), rel=0.1)


@bug_of("NannyML 0.13", "the same, to the digit")
@pytest.mark.parametrize("digits", [0, 1, 12])
def test_standard_error_of_auc_is_delongs(digits: int) -> None:
    """It is S10 / m + S01 / n from all pairs of a positive and a negative, ties half, to ten digits."""
    sample = _normal(3, 2.0)
    assert sample.scores is not None
    score = np.round(sample.scores[:, 1], digits)
    x, y = score[sample.target == 1][:, None], score[sample.target == 0][None, :]
    wins = (x > y) + 0.5 * (x == y)
    by_positive, by_negative = wins.mean(axis=1), wins.mean(axis=0)
    wanted = math.sqrt(by_positive.var(ddof=1) / by_positive.size + by_negative.var(ddof=1) / by_negative.size)
    value, error = _auc(replace(sample, scores=np.stack([-score, score], axis=1)))
    assert value == pytest.approx(wins.mean(), rel=1e-12)
    assert error == pytest.approx(wanted, rel=1e-10)


@bug_of("Giskard 2.19", "Benjamini-Hochberg ranks by argsort + 1: under a pure null 93 % of runs report a discovery at 10 %")
@pytest.mark.parametrize("n", [1, 2, 7, 50])
def test_benjamini_hochberg_is_scipys(n: int) -> None:
    """Corrected p-values are those of scipy and statsmodels, ties included, in any order."""
    for seed in range(20):
        p = np.round(np.random.default_rng(seed).random(n) ** 2, 2)
        assert benjamini_hochberg(p.tolist()) == pytest.approx(stats.false_discovery_control(p), abs=1e-12)
        assert benjamini_hochberg(p.tolist()) == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


@bug_of("Giskard 2.19", "the same, as a user meets it")
def test_a_pure_null_is_rarely_discovered() -> None:
    """Where nothing is to be found, one run in ten reports something at 10 %, not nine."""
    random = np.random.default_rng(2)
    found = [min(benjamini_hochberg(random.random(20).tolist())) <= 0.1 for _ in range(3000)]
    assert 0.08 <= np.mean(found) <= 0.12


@bug_of("several", "the area under the PR curve by trapezoids: 0.53 for constant scores instead of the share of positives, 0.055")
def test_average_precision_is_no_trapezoid() -> None:
    """Constant scores have the share of positives; other scores have scikit-learn's step sum."""
    y = (np.arange(200) < 11).astype(int)
    constant = mtf.evaluate(y, y_score=np.full(200, 0.5), metrics=["average_precision"]).metrics["average_precision"].value
    assert constant == pytest.approx(0.055, rel=1e-12)
    precision, recall, _ = sk.precision_recall_curve(y, np.full(200, 0.5))
    assert sk.auc(recall, precision) > 0.5
    sample = samples.binary(300, seed=4, share=0.04, signal=1.0)
    assert sample.scores is not None
    (value,) = measure.measure(sample, ["average_precision"]).values()
    assert value.value == pytest.approx(sk.average_precision_score(sample.target, sample.scores[:, 1]), rel=1e-12)


@bug_of("MLflow 3.18", "mean_on_target divides by the number of rows instead of the sum of weights")
def test_weighted_means_divide_by_the_weights() -> None:
    """A weighted mean is that of numpy, whatever the weights sum to."""
    random = np.random.default_rng(5)
    y, w = random.normal(100, 10, 200), random.uniform(0, 9, 200)
    found = _values(mtf.evaluate(y, y_pred=np.zeros(200), weight=w, metrics=["bias", "mae", "mse"]))
    assert found["bias"] == pytest.approx(-np.average(y, weights=w), rel=1e-12)
    assert found["mae"] == pytest.approx(np.average(np.abs(y), weights=w), rel=1e-12)
    assert found["mse"] == pytest.approx(np.average(y**2, weights=w), rel=1e-12)


@bug_of("MLflow 3.18", "the logged f1_score of several classes is the weighted mean; weighted recall is accuracy under another name")
def test_averages_are_named() -> None:
    """The average stands in the metric's name, and there is no bare F1 of several classes."""
    sample = samples.multiclass(200)
    found = measure.measure(sample, ["f1_macro", "f1_weighted", "f1_micro"])
    assert len({value.value for value in found.values()}) == 3
    with pytest.raises(SpecError, match="does not apply to a multiclass task"):
        measure.measure(sample, ["f1"])


@bug_of("bootstrap intervals (torchmetrics, TFMA, HF evaluate)", "zero width where every row is right or every row is wrong")
@pytest.mark.parametrize("right", [True, False])
def test_no_interval_has_zero_width(right: bool) -> None:
    """Fifty of fifty is Wilson's one-sided interval, not certainty; a slice of it too."""
    y = np.arange(50) % 2
    report = mtf.evaluate(y, y_pred=y if right else 1 - y, slices={"half": np.arange(50) < 25}, metrics=["accuracy", "f1", "mcc"])
    accuracy = report.metrics["accuracy"]
    assert (accuracy.lower, accuracy.upper) == pytest.approx(proportion_confint(50 * right, 50, method="wilson"), abs=1e-12)
    for found in (report.metrics, *(part.metrics for part in report.slices)):
        for value in found.values():
            assert value.lower is not None
            assert value.upper is not None
            assert value.upper - value.lower > 0.01


@bug_of("scikit-learn (#27412, #30103)", "AUC of one class was 0.0 in one version and NaN in the next, and was averaged as 0")
def test_auc_of_one_class_is_null() -> None:
    """One class has no area: null with a reason; a mean over classes leaves such a class out and says how many were left."""
    one = replace(samples.binary(60), target=np.zeros(60, dtype=np.int32))
    (value,) = measure.measure(one, ["roc_auc"]).values()
    assert value.value is None
    assert "one class" in (value.undefined or "")
    sample = samples.multiclass(300, k=3)
    rows = sample.target != 2
    (mean,) = measure.measure(measure.subset(sample, rows), ["roc_auc_ovr"]).values()
    assert sample.scores is not None
    wanted = [sk.roc_auc_score(sample.target[rows] == code, sample.scores[rows, code]) for code in (0, 1)]
    assert mean.value == pytest.approx(np.mean(wanted), rel=1e-12)
    assert mean.n_classes == 2


@bug_of("Evidently and others", "a label outside the known set becomes a row of zeros, which adds no loss")
def test_unknown_labels_are_refused() -> None:
    """A label that was not declared is an error that names it."""
    with pytest.raises(DataError, match="z"):
        mtf.evaluate(["a", "b", "z", "a"], y_pred=["a", "b", "a", "a"], labels=["a", "b"], positive="b")


@bug_of(
    "libraries that clip by dtype",
    "p = 0 for the true class costs 18.02 in float64 and 7.97 in float32, so that the dtype ranks the models",
)
def test_the_dtype_does_not_rank_models() -> None:
    """The same probabilities as float32 and float64 have the same log loss, and clipped rows are told."""
    y, score = np.array([0, 1, 1, 0, 1, 0] * 10), np.array([0.25, 0.75, 0.5, 0.125, 0.0, 0.5] * 10)
    one, other = (mtf.evaluate(y, y_score=score.astype(kind), metrics=["log_loss"]).metrics["log_loss"] for kind in ("f4", "f8"))
    assert one.value == other.value
    assert not one.reliable
    assert "10 row" in (one.reason or "")


@bug_of(
    "torchmetrics (#1989)", "a sigmoid is applied to a batch if any of its values is outside 0 to 1: AUC changes with the size of batches"
)
def test_logits_are_never_guessed() -> None:
    """Scores are taken as they are: ranks are measured, probabilities are null with a reason."""
    sample = samples.binary(200)
    assert sample.scores is not None
    found = measure.measure(replace(sample, scores=np.log(sample.scores / (1 - sample.scores))), ["roc_auc", "brier"])
    assert found["roc_auc"].value == measure.measure(sample, ["roc_auc"])["roc_auc"].value
    assert "not probabilities" in (found["brier"].undefined or "")


@bug_of("Evidently 0.7.21", "a metric calls np.random.seed(0) and wipes the caller's random state")
def test_the_callers_random_state_is_untouched() -> None:
    """Neither values nor draws behind intervals nor plots touch numpy's global random numbers."""
    np.random.seed(11)  # noqa: NPY002 - the global state is what is tested
    before = np.random.get_state()  # noqa: NPY002
    sample = samples.binary(100)
    mtf.evaluate(sample.target, y_pred=sample.prediction, y_score=sample.scores).to_html()
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@bug_of("several", "TP * TN overflows 32-bit integers in Matthews' correlation")
def test_counts_do_not_overflow() -> None:
    """Four million rows have the correlation of forty."""
    y, p = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1]), np.array([0, 1, 0, 0, 1, 1, 0, 1, 1, 1])
    few, many = (mtf.evaluate(y, y_pred=p, weight=np.full(10, by), metrics=["mcc"]).metrics["mcc"].value for by in (1.0, 4e8))
    assert few == pytest.approx(many, rel=1e-12)
    assert few == pytest.approx(sk.matthews_corrcoef(y, p), rel=1e-12)


@bug_of("several", "a perfectly calibrated model has an ECE of 0.065 with 200 rows, and it is shown without a word")
def test_calibration_error_shows_its_bias() -> None:
    """The value stands beside the band that a perfectly calibrated model has on as many rows, and lies in it nine times in ten or more."""
    inside = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        p = random.random(200)
        y = (random.random(200) < p).astype(np.int32)
        sample = replace(samples.binary(200), target=y, scores=np.stack([1 - p, p], axis=1))
        (found,) = measure.measure(sample, ["ece"]).values()
        assert found.null_band is not None
        inside += found.null_band[0] <= (found.value or 0) <= found.null_band[1]
    assert inside >= 90
