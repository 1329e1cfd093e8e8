"""Metrics at a place of the ranked rows, and areas, against scikit-learn, scipy and loops over the rows."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as oracle

from mtf.errors import SpecError
from mtf.plugins import Sample
from mtf_evaluation import measure
from tests.unit.evaluation import samples

CLOSE = 1e-10
SAMPLES = [
    pytest.param(samples.binary(300), id="smooth"),
    pytest.param(samples.binary(300, digits=1), id="ties"),
    pytest.param(samples.binary(43, seed=5, share=0.2), id="few"),
]
WEIGHTS = pytest.mark.parametrize("weights", [False, True])


def _weight(sample: Sample, weights: bool) -> NDArray[np.float64]:
    return np.random.default_rng(9).uniform(0.1, 4, size=sample.target.size) if weights else np.ones(sample.target.size)


def _value(sample: Sample, weight: Any, name: str) -> float:
    found = next(iter(measure.measure(samples.weighted(sample, weight), [name]).values())).value
    assert found is not None
    return found


def _taken(sample: Sample, weight: NDArray[np.float64], share: float) -> float:
    """Weight of the positives among the top share, group of ties by group of ties."""
    assert sample.scores is not None
    score, left, got = sample.scores[:, 1], share * weight.sum(), 0.0
    for level in sorted(set(score), reverse=True):
        tied = score == level
        part = min(1.0, left / weight[tied].sum())
        got += part * weight[tied & (sample.target == 1)].sum()
        left -= part * weight[tied].sum()
        if left <= 0:
            break
    return float(got)


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("share", [0.1, 0.25, 0.837])
def test_top_shares_are_counted(sample: Sample, share: float, weights: bool) -> None:
    """Gain, recall, precision and lift at a share are what counting down the ranked rows gives."""
    weight = _weight(sample, weights)
    got, positives = _taken(sample, weight, share), weight[sample.target == 1].sum()
    wanted = {
        "gain": got / positives,
        "recall_at": got / positives,
        "precision_at": got / (share * weight.sum()),
        "lift": got / positives / share,
    }
    for name, value in wanted.items():
        assert _value(sample, weight, f"{name}(share={share})") == pytest.approx(value, rel=CLOSE), name


@pytest.mark.parametrize("name", ["gain", "recall_at", "precision_at", "lift"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_number_of_rows_is_that_share_of_them(sample: Sample, name: str) -> None:
    """The first k rows of n are the top k / n: value, interval and all. Weights or too few rows leave nothing to count."""
    n = sample.target.size
    counted = measure.measure(sample, [f"{name}(k=17)"])[f"{name}(k=17)"]
    shared = next(iter(measure.measure(sample, [f"{name}(share={17 / n!r})"]).values()))
    assert counted.value == pytest.approx(shared.value, rel=CLOSE)
    assert (counted.lower, counted.upper, counted.reliable) == (pytest.approx(shared.lower), pytest.approx(shared.upper), shared.reliable)
    grouped = measure.measure(samples.grouped(sample, 2), [f"{name}(k=17)"])[f"{name}(k=17)"]
    assert grouped.value == pytest.approx(shared.value, rel=CLOSE)
    weighted = measure.measure(samples.weighted(sample, np.arange(n) % 3 + 1), [f"{name}(k=17)"])[f"{name}(k=17)"]
    assert weighted.value is None
    assert "give a `share`" in str(weighted.undefined)
    assert measure.measure(sample, [f"{name}(k={n})"])[f"{name}(k={n})"].undefined == f"k is {n} and there are {n} rows"


def test_precision_at_k_is_the_share_of_the_first_k() -> None:
    """Without ties: sort by the score and count."""
    sample = samples.binary(300)
    assert sample.scores is not None
    first = sample.target[np.argsort(-sample.scores[:, 1])][:25]
    assert _value(sample, np.ones(300), "precision_at(k=25)") == pytest.approx(first.mean(), rel=CLOSE)
    assert _value(sample, np.ones(300), "recall_at(k=25)") == pytest.approx(first.sum() / sample.target.sum(), rel=CLOSE)


def test_share_and_number_exclude_each_other() -> None:
    """Both at once are refused, and so is a number that counts nothing."""
    for text in ("lift(k=5, share=0.1)", "lift(k=0)", "lift(k=2.5)"):
        with pytest.raises(SpecError, match="lift"):
            measure.measure(samples.binary(30), [text])


def test_ties_count_by_expectation() -> None:
    """The value with tied rows is the mean over every order in which they could stand."""
    target = np.array([1, 0, 1, 0, 1, 0, 0, 1], dtype=np.int32)
    score = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.4, 0.2, 0.1])
    sample = Sample("binary", target, (score > 0.45).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1))
    orders = [score + 1e-3 * np.array([0, *order, 0, 0, 0]) for order in permutations(range(4))]
    for name in ("recall_at(share=0.375)", "precision_at(share=0.5)", "lift(share=0.25)"):
        each = [
            next(
                iter(measure.measure(Sample("binary", target, sample.prediction, np.stack([1 - s, s], axis=1), (0, 1)), [name]).values())
            ).value
            for s in orders
        ]
        assert next(iter(measure.measure(sample, [name]).values())).value == pytest.approx(np.mean(np.array(each, dtype=float))), name


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("wanted", [0.123, 0.507, 0.871])
def test_operating_points_lie_on_the_curve(sample: Sample, wanted: float, weights: bool) -> None:
    """Sensitivity at a specificity and the reverse are points of scikit-learn's ROC curve."""
    assert sample.scores is not None
    weight = _weight(sample, weights)
    fpr, tpr, _ = oracle.roc_curve(sample.target, sample.scores[:, 1], sample_weight=weight, drop_intermediate=False)
    assert _value(sample, weight, f"sensitivity_at(specificity={wanted})") == pytest.approx(np.interp(1 - wanted, fpr, tpr), rel=CLOSE)
    assert _value(sample, weight, f"specificity_at(sensitivity={wanted})") == pytest.approx(1 - np.interp(wanted, tpr, fpr), rel=CLOSE)


def test_a_step_of_the_curve_gives_its_better_end() -> None:
    """Where the curve rises straight up at the wanted rate, the threshold that finds more is taken; rounding of 1 - 0.9 does not matter."""
    score = np.linspace(0, 1, 30, endpoint=False)
    target = np.zeros(30, dtype=np.int32)
    target[[29, 27, 26, 12, 11, 10, 9, 8, 7, 6]] = 1
    sample = Sample("binary", target, target, np.stack([1 - score, score], axis=1), (0, 1))
    found = measure.measure(
        sample, ["sensitivity_at(specificity=0.95)", "sensitivity_at(specificity=0.9)", "specificity_at(sensitivity=0.3)"]
    )
    assert [value.value for value in found.values()] == pytest.approx([0.3, 0.3, 0.95])


@WEIGHTS
@pytest.mark.parametrize("sample", SAMPLES)
def test_areas_are_scikit_learns(sample: Sample, weights: bool) -> None:
    """Gini and the standardised partial area follow scikit-learn's ROC AUC."""
    assert sample.scores is not None
    weight, score = _weight(sample, weights), sample.scores[:, 1]
    assert _value(sample, weight, "gini") == pytest.approx(
        2 * oracle.roc_auc_score(sample.target, score, sample_weight=weight) - 1, rel=CLOSE
    )
    for most in (0.05, 0.3, 0.77, 1.0):
        wanted = oracle.roc_auc_score(sample.target, score, sample_weight=weight, max_fpr=most)
        assert _value(sample, weight, f"partial_auc(max_fpr={most})") == pytest.approx(wanted, rel=CLOSE)


@pytest.mark.parametrize("sample", SAMPLES)
def test_ks_is_scipys(sample: Sample) -> None:
    """The Kolmogorov-Smirnov distance is that of scipy's test of two samples; reversed scores have the same."""
    assert sample.scores is not None
    score, one = sample.scores[:, 1], sample.target == 1
    wanted = stats.ks_2samp(score[one], score[~one]).statistic
    for each in (sample, Sample("binary", sample.target, sample.prediction, 1 - sample.scores, sample.labels)):
        value = measure.measure(each, ["ks"])["ks"]
        assert value.value == pytest.approx(wanted, rel=CLOSE)
        assert value.method == "none"


@pytest.mark.parametrize("sample", [samples.multiclass(400), samples.multiclass(120, k=6, seed=4, signal=0.5)])
def test_areas_of_several_classes_are_scikit_learns(sample: Sample) -> None:
    """One against one, plain and weighted, and one against the rest, weighted, agree with scikit-learn."""
    assert sample.scores is not None
    weight = np.random.default_rng(3).uniform(0.2, 3, size=sample.target.size)
    found = measure.measure(sample, ["roc_auc_ovo", "roc_auc_ovo_weighted", "roc_auc_ovr_weighted"])
    for name, how, average in (("ovo", "ovo", "macro"), ("ovo_weighted", "ovo", "weighted"), ("ovr_weighted", "ovr", "weighted")):
        wanted = oracle.roc_auc_score(sample.target, sample.scores, multi_class=how, average=average)
        assert found[f"roc_auc_{name}"].value == pytest.approx(wanted, rel=CLOSE), name
    wanted = oracle.roc_auc_score(sample.target, sample.scores, multi_class="ovr", average="weighted", sample_weight=weight)
    assert _value(sample, weight, "roc_auc_ovr_weighted") == pytest.approx(wanted, rel=CLOSE)


def test_absent_classes_leave_pairs_alone() -> None:
    """Pairs are of the classes that the truth contains: a declared class without rows changes nothing."""
    sample = samples.multiclass(200, k=3)
    assert sample.scores is not None
    wider = Sample("multiclass", sample.target, sample.prediction, np.pad(sample.scores, ((0, 0), (0, 1))), (*sample.labels, "never seen"))
    for name in ("roc_auc_ovo", "roc_auc_ovo_weighted", "roc_auc_ovr_weighted"):
        one, other = measure.measure(sample, [name])[name], measure.measure(wider, [name])[name]
        assert (one.value, one.lower, one.upper, one.n_classes) == (other.value, other.lower, other.upper, 3)


def test_recall_at_counts_the_rows_that_are_missed() -> None:
    """Where every positive stands at the top, the lower limit is that of as many positives, not of all rows."""
    score = np.linspace(0, 1, 2000, endpoint=False)
    target = (np.arange(2000) >= 1900).astype(np.int32)
    sample = Sample("binary", target, target, np.stack([1 - score, score], axis=1), (0, 1))
    value = next(iter(measure.measure(sample, ["recall_at(share=0.3)"]).values()))
    assert value.value == 1
    assert value.lower == pytest.approx(100 / (100 + 1.959963984540054**2), rel=1e-6)
