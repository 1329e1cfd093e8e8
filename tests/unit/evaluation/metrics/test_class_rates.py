"""Rates, averages over classes, contrasts and costs of the confusion matrix against scikit-learn and sums written out."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as oracle

from mtf.errors import SpecError
from mtf.plugins import Sample
from mtf_evaluation import measure
from tests.unit.evaluation import samples

CLOSE = 1e-10
AVERAGES = ("micro", "macro", "weighted")


def _unseen(n: int = 200) -> Sample:
    """Six declared classes: one is never predicted, one is predicted but never true, one is neither."""
    sample = samples.multiclass(n, k=4, seed=8)
    prediction = np.where(sample.prediction == 0, 4, sample.prediction).astype(np.int32)
    scores = np.pad(sample.scores, ((0, 0), (0, 2))) if sample.scores is not None else None
    return Sample("multiclass", sample.target, prediction, scores, tuple("abcdef"))


SAMPLES = [
    pytest.param(samples.binary(300), id="binary"),
    pytest.param(samples.binary(41, seed=5, share=0.15), id="binary-few"),
    pytest.param(samples.multiclass(300), id="multiclass"),
    pytest.param(samples.multiclass(60, k=8, seed=2, signal=0.5), id="multiclass-few"),
    pytest.param(_unseen(), id="unseen-classes"),
]
WEIGHTS = pytest.mark.parametrize("weights", [False, True])


def _weight(sample: Sample, weights: bool) -> NDArray[np.float64] | None:
    return np.random.default_rng(9).uniform(0.1, 4, size=sample.target.size) if weights else None


def _value(sample: Sample, weight: NDArray[np.float64] | None, name: str) -> float | None:
    found = measure.measure(sample if weight is None else samples.weighted(sample, weight), [name])
    return next(iter(found.values())).value


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES[:2])
def test_rates_of_two_classes(sample: Sample, weights: bool) -> None:
    """Rates, contrasts and costs of two classes are what their formulas give from scikit-learn's confusion matrix."""
    weight = _weight(sample, weights)
    y, p = sample.target, sample.prediction
    ((tn, fp), (fn, tp)) = oracle.confusion_matrix(y, p, sample_weight=weight).astype(float)
    wanted = {
        "npv": tn / (tn + fn),
        "fpr": fp / (fp + tn),
        "fnr": fn / (fn + tp),
        "fdr": fp / (fp + tp),
        "jaccard": oracle.jaccard_score(y, p, sample_weight=weight),
        "f_beta(beta=0.5)": oracle.fbeta_score(y, p, beta=0.5, sample_weight=weight),
        "f_beta": oracle.f1_score(y, p, sample_weight=weight),
        "informedness": oracle.balanced_accuracy_score(y, p, adjusted=True, sample_weight=weight),
        "markedness": tp / (tp + fp) + tn / (tn + fn) - 1,
        "g_mean": np.sqrt(tp / (tp + fn) * tn / (tn + fp)),
        "expected_cost": 1 - oracle.accuracy_score(y, p, sample_weight=weight),
        "expected_cost(false_negative=7, false_positive=2, true_negative=0.25, true_positive=-3)": (7 * fn + 2 * fp + 0.25 * tn - 3 * tp)
        / (tp + tn + fp + fn),
        "quadratic_kappa": oracle.cohen_kappa_score(y, p, weights="quadratic", sample_weight=weight),
    }
    for name, value in wanted.items():
        assert _value(sample, weight, name) == pytest.approx(value, rel=CLOSE), name


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("average", AVERAGES)
def test_averages_are_scikit_learns(sample: Sample, average: str, weights: bool) -> None:
    """Averages that scikit-learn has agree with it over the observed classes, undefined ones left out."""
    weight = _weight(sample, weights)
    y, p = sample.target, sample.prediction
    seen = np.union1d(y, p)
    options: dict[str, Any] = {"average": average, "labels": seen, "sample_weight": weight}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = {
            f"precision_{average}": oracle.precision_score(y, p, zero_division=np.nan, **options),
            f"recall_{average}": oracle.recall_score(y, p, zero_division=np.nan, **options),
            f"f1_{average}": oracle.f1_score(y, p, zero_division=np.nan, **options),
            f"f_beta_{average}(beta=3)": oracle.fbeta_score(y, p, beta=3, zero_division=np.nan, **options),
            f"jaccard_{average}": oracle.jaccard_score(y, p, **options),
        }
    for name, value in wanted.items():
        assert _value(sample, weight, name) == pytest.approx(value, rel=CLOSE), name


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
def test_other_averages_follow_from_the_counts(sample: Sample, weights: bool) -> None:
    """Averages that scikit-learn lacks are those of its counts per class."""
    weight = _weight(sample, weights)
    y, p = sample.target, sample.prediction
    counts = oracle.multilabel_confusion_matrix(y, p, labels=np.union1d(y, p), sample_weight=weight).astype(float)
    tn, fp, fn, tp = counts[:, 0, 0], counts[:, 0, 1], counts[:, 1, 0], counts[:, 1, 1]
    parts = {"specificity": (tn, tn + fp), "npv": (tn, tn + fn), "fpr": (fp, tn + fp), "fnr": (fn, fn + tp), "fdr": (fp, fp + tp)}
    for name, (above, below) in parts.items():
        kept = below > 0
        each, rows = above[kept] / below[kept], (tp + fn)[kept]
        assert _value(sample, weight, f"{name}_micro") == pytest.approx(above.sum() / below.sum(), rel=CLOSE), name
        assert _value(sample, weight, f"{name}_macro") == pytest.approx(each.mean(), rel=CLOSE), name
        assert _value(sample, weight, f"{name}_weighted") == pytest.approx(rows @ each / rows.sum(), rel=CLOSE), name


@WEIGHTS
def test_quadratic_kappa_keeps_the_places_of_labels(weights: bool) -> None:
    """A label that no row has keeps its place in the order: its neighbours stand two apart, in the interval too."""
    sample = samples.multiclass(300, k=5, seed=3)
    apart = Sample("multiclass", sample.target * 2, sample.prediction * 2, None, tuple("abcdefghi"))
    weight = _weight(sample, weights)
    wanted = oracle.cohen_kappa_score(apart.target, apart.prediction, labels=range(9), weights="quadratic", sample_weight=weight)
    assert _value(apart, weight, "quadratic_kappa") == pytest.approx(wanted, rel=CLOSE)
    near, far = (measure.measure(each, ["quadratic_kappa"])["quadratic_kappa"] for each in (sample, apart))
    assert (near.value, near.lower, near.upper) == pytest.approx((far.value, far.lower, far.upper), rel=1e-9)
    uneven = Sample(
        "multiclass",
        np.where(sample.target == 4, 8, sample.target),
        np.where(sample.prediction == 4, 8, sample.prediction),
        None,
        apart.labels,
    )
    other = measure.measure(uneven, ["quadratic_kappa"])["quadratic_kappa"]
    assert other.lower is not None
    assert other.upper is not None
    assert other.value is not None
    assert other.lower < other.value < other.upper


def test_a_class_that_no_row_has_does_not_count() -> None:
    """Declaring one more label changes no average: its specificity of 1 says nothing of the model."""
    sample = samples.multiclass(200, k=3)
    wider = Sample("multiclass", sample.target, sample.prediction, None, (*sample.labels, "never seen"))
    names = [f"{name}_{average}" for name in ("specificity", "npv", "fpr", "jaccard") for average in AVERAGES]
    assert measure.measure(sample, names) == measure.measure(wider, names)


def test_undefined_classes_are_left_out_and_told() -> None:
    """A class that is never predicted has no precision; `n_classes` says how many entered."""
    found = measure.measure(_unseen(), ["precision_macro", "precision_weighted", "fpr_macro", "jaccard_micro"])
    assert found["precision_macro"].n_classes == 4
    assert found["precision_weighted"].n_classes == 4
    assert found["fpr_macro"].n_classes == 5
    assert found["jaccard_micro"].n_classes is None


def test_equal_costs_have_no_interval() -> None:
    """Where every outcome costs the same the cost is certain, and no interval is made up."""
    sample = samples.binary(100)
    name = "expected_cost(false_negative=2, false_positive=2, true_negative=2, true_positive=2)"
    for design in (sample, samples.weighted(sample, np.arange(100) % 3 + 1)):
        value = next(iter(measure.measure(design, [name]).values()))
        assert value.value == pytest.approx(2)
        assert value.method == "none"
        assert value.reason


@pytest.mark.parametrize(
    "name", ["f_beta(beta=0)", "f_beta(beta=x)", "expected_cost(false_negative=1e400)", "lift(share=1)", "lift(share=0)"]
)
def test_arguments_are_checked(name: str) -> None:
    """An argument outside its range is an error of the run file that says what the metric takes."""
    with pytest.raises(SpecError) as caught:
        measure.measure(samples.binary(20), [name])
    assert caught.value.fix
