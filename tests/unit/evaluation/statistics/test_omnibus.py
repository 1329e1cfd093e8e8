"""Tests of more than two models, against statsmodels and the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats import multivariate
from statsmodels.stats.contingency_tables import cochrans_q, mcnemar

from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.omnibus import cochran_q, covariance, wald


@pytest.mark.parametrize("k", [2, 3, 6])
def test_cochran_is_statsmodels(k: int) -> None:
    """Statistic and p-value are statsmodels'; for two models they are McNemar's."""
    hits = np.random.default_rng(k).random((200, k)) < np.linspace(0.6, 0.7, k)
    wanted, found = cochrans_q(hits.astype(int)), cochran_q(hits)
    assert (found.statistic, found.p_value) == pytest.approx((wanted.statistic, wanted.pvalue), rel=1e-10)
    if k == 2:
        table = [[0, int((hits[:, 0] & ~hits[:, 1]).sum())], [int((hits[:, 1] & ~hits[:, 0]).sum()), 0]]
        assert found.p_value == pytest.approx(mcnemar(table, exact=False, correction=False).pvalue, rel=1e-10)


def test_no_discordant_row() -> None:
    """Models that agree on every row have p 1."""
    assert cochran_q(np.ones((50, 3), dtype=np.bool_)).p_value == 1


def test_wald_is_hotellings_test_of_the_differences() -> None:
    """For means on the same rows it is statsmodels' Hotelling test that the differences are 0; for two the paired t-test."""
    rows = np.random.default_rng(4).normal(size=(60, 4)) @ np.diag([1, 2, 1, 3]) + np.array([0.3, 0, 0.1, 0])
    joint = covariance(rows - rows.mean(axis=0), Design(60))
    found = wald(rows.mean(axis=0), joint, 60)
    wanted = multivariate.test_mvmean(rows[:, 1:] - rows[:, :1], np.zeros(3))
    assert (found.statistic, found.p_value) == pytest.approx((wanted.statistic, wanted.pvalue), rel=1e-9)
    two = wald(rows[:, :2].mean(axis=0), joint[:2, :2], 60)
    assert two.p_value == pytest.approx(stats.ttest_rel(rows[:, 0], rows[:, 1]).pvalue, rel=1e-9)


def test_covariance_of_weights_and_groups() -> None:
    """Its diagonal is the square of the standard error that a single estimate gets, with weights and groups too."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(90, 3))
    for design in (
        Design(90),
        Design(90, random.random(90) + 0.5),
        Design(90, None, np.arange(90) // 3),
        Design(90, random.random(90), np.arange(90) // 3),
    ):
        joint = covariance(rows, design)
        assert np.sqrt(np.diag(joint)) == pytest.approx([design.standard_error(rows[:, i]) for i in range(3)], rel=1e-12)
        apart = design.standard_error(rows[:, 0] - rows[:, 1])
        assert joint[0, 0] + joint[1, 1] - 2 * joint[0, 1] == pytest.approx(apart**2, rel=1e-9)


def test_copies_give_no_dimension() -> None:
    """A model and its copy count once; copies alone have p 1; a constant shift has no test."""
    rows = np.random.default_rng(2).normal(size=(80, 2))
    three = rows[:, [0, 1, 1]]
    found = wald(three.mean(axis=0), covariance(three - three.mean(axis=0), Design(80)), 80)
    two = wald(rows.mean(axis=0), covariance(rows - rows.mean(axis=0), Design(80)), 80)
    assert found.df == 1
    assert found.p_value == pytest.approx(two.p_value, rel=1e-6)
    same = rows[:, [0, 0, 0]]
    joint = covariance(same - same.mean(axis=0), Design(80))
    assert wald(same.mean(axis=0), joint, 80).p_value == 1
    assert "same on every row" in (wald(same.mean(axis=0) + np.array([0, 0, 1]), joint, 80).reason or "")


def test_too_little_to_test() -> None:
    """One row, one group, an undefined value: no test, and a reason."""
    rows = np.random.default_rng(2).normal(size=(5, 6))
    assert np.isnan(covariance(rows[:1], Design(1))).all()
    assert wald(np.array([0.1, np.nan]), np.eye(2), 9).reason is not None
    assert "too few" in (wald(rows.mean(axis=0), covariance(rows - rows.mean(axis=0), Design(5)), 4).reason or "")
