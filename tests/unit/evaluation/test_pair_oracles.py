"""Paired tests against permutation, against DeLong's definition and against R."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as reference
from statsmodels.stats.contingency_tables import mcnemar

from mtf.contracts.report import Comparison
from mtf.plugins import Sample
from mtf_evaluation.compare import compare
from tests.unit.evaluation import samples

Floats = NDArray[np.float64]


def other(sample: Sample, noise: float, seed: int = 1) -> Sample:
    """A noisier model on the same rows."""
    random = np.random.default_rng(seed)
    if sample.scores is None:
        return replace(sample, prediction=sample.prediction + noise * random.normal(size=sample.target.size))
    logit = np.log(sample.scores[:, 1] / sample.scores[:, 0]) + noise * random.normal(size=sample.target.size)
    score = 1 / (1 + np.exp(-logit))
    return replace(sample, scores=np.stack([1 - score, score], axis=1), prediction=(score >= 0.5).astype(np.int32))


def one(a: Sample, b: Sample, metric: str) -> Comparison:
    """The comparison by one metric."""
    return compare(a, b, [metric], baseline="b")[0]


# DeLong


def delong(target: NDArray[Any], a: Floats, b: Floats) -> tuple[float, float]:
    """Difference of two areas and its variance by the definition of DeLong et al. (1988), all m times n pairs."""
    positive = target == 1
    rows, columns = [], []
    for score in (a, b):
        wins = (score[positive][:, None] > score[~positive]) + 0.5 * (score[positive][:, None] == score[~positive])
        rows.append(wins.mean(axis=1))
        columns.append(wins.mean(axis=0))
    s = np.cov(rows) / positive.sum() + np.cov(columns) / (~positive).sum()
    return float(np.mean(rows[0]) - np.mean(rows[1])), float(s[0, 0] + s[1, 1] - 2 * s[0, 1])


@pytest.mark.parametrize(("n", "digits"), [(60, None), (400, None), (400, 1)])
def test_areas_are_delongs(n: int, digits: int | None) -> None:
    """Difference, interval and p-value of two areas are DeLong's to rounding, with ties too."""
    a = samples.binary(n, digits=digits)
    b = other(samples.binary(n), 0.8)
    assert a.scores is not None
    assert b.scores is not None
    difference, variance = delong(a.target, a.scores[:, 1], b.scores[:, 1])
    found = one(a, b, "roc_auc")
    z = difference / np.sqrt(variance)
    assert found.difference == pytest.approx(difference, abs=1e-12)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    assert found.lower == pytest.approx(difference - stats.norm.ppf(0.975) * np.sqrt(variance), rel=1e-9)
    assert found.interval_method == "delong-paired"


# Permutation


def swapped(statistic: Callable[[Any, Any], float], a: Any, b: Any, draws: int = 2000) -> float:
    """The p-value of swapping the two models' answers row by row (Noreen 1989), by scipy."""
    done = stats.permutation_test(
        (a, b), statistic, permutation_type="samples", n_resamples=draws, rng=np.random.default_rng(8), vectorized=False
    )
    return float(done.pvalue)


def agrees(p: float | None, permuted: float, draws: int = 2000) -> None:
    """Both p-values are the same but for Monte-Carlo error and a tenth for the normal approximation."""
    assert p is not None
    assert p == pytest.approx(permuted, abs=4 * np.sqrt(permuted * (1 - permuted) / draws) + 0.1 * permuted)


LABELLED: dict[str, Callable[[Any, Any], float]] = {
    "f1": reference.f1_score,
    "mcc": reference.matthews_corrcoef,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "precision": reference.precision_score,
    "cohen_kappa": reference.cohen_kappa_score,
}


@pytest.mark.slow
@pytest.mark.parametrize("metric", LABELLED)
def test_labels_agree_with_a_swap_test(metric: str) -> None:
    """Metrics of labels: scikit-learn's value under random swaps of the two models' labels."""
    a = samples.binary(400)
    b = other(a, 1.2)
    value = LABELLED[metric]
    agrees(one(a, b, metric).p_value, swapped(lambda x, y: value(a.target, x) - value(a.target, y), a.prediction, b.prediction))


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["log_loss", "brier", "mae", "rmse", "average_precision"])
def test_scores_agree_with_a_swap_test(metric: str) -> None:
    """Losses and average precision: the metric under random swaps of the two models' scores."""
    regression = metric in {"mae", "rmse"}
    a = samples.regression(300) if regression else samples.binary(400)
    b = other(a, 0.25 if regression else 0.35, seed=4)
    value: Callable[[Any, Any], float] = {
        "log_loss": reference.log_loss, "brier": reference.brier_score_loss, "average_precision": reference.average_precision_score,
        "mae": reference.mean_absolute_error, "rmse": reference.root_mean_squared_error,
    }[metric]  # fmt: skip
    x, y = (s.prediction if s.scores is None else s.scores[:, 1] for s in (a, b))
    agrees(one(a, b, metric).p_value, swapped(lambda p, q: value(a.target, p) - value(a.target, q), x, y))


# McNemar


@pytest.mark.parametrize("metric", ["accuracy", "recall", "specificity"])
def test_shares_are_mcnemars(metric: str) -> None:
    """Accuracy, recall and specificity on the same rows: statsmodels' McNemar, and its mid-p beside it."""
    a = samples.binary(300)
    b = other(a, 1.0)
    counted = {"accuracy": np.ones(300, dtype=bool), "recall": a.target == 1, "specificity": a.target == 0}[metric]
    right_a, right_b = ((s.prediction == s.target)[counted] for s in (a, b))
    table = [
        [int((right_a & right_b).sum()), int((right_a & ~right_b).sum())],
        [int((~right_a & right_b).sum()), int((~right_a & ~right_b).sum())],
    ]
    found = one(a, b, metric)
    assert found.p_value == pytest.approx(mcnemar(table, exact=False, correction=False).pvalue, rel=1e-9)
    discordant = table[0][1] + table[1][0]
    assert found.discordant == discordant
    exact = mcnemar(table, exact=True).pvalue
    assert found.mid_p == pytest.approx(exact - stats.binom.pmf(min(table[0][1], table[1][0]), discordant, 0.5), rel=1e-9)
    assert (found.interval_method, found.test_method) == ("tango", "score")
