"""Ranks with ties: rank intervals and letters."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mtf_evaluation.statistics.tiers import Floats, compact_letters, pairwise, tiers


def matrix(k: int, p: dict[tuple[int, int], float], others: float = 1.0) -> Floats:
    """A symmetric matrix of p-values."""
    result = np.full((k, k), others)
    for (i, j), value in p.items():
        result[i, j] = result[j, i] = value
    return result


def test_a_chain_of_three() -> None:
    """The best differs from the worst alone: the one between shares a letter and a rank with both."""
    found = tiers([0.9, 0.8, 0.85], matrix(3, {(0, 1): 0.01}))
    assert [(one.rank, one.worst, one.letters) for one in found] == [(1, 2, "a"), (2, 3, "b"), (1, 3, "ab")]


def test_all_apart_and_none_apart() -> None:
    """Where all differ the ranks are those of the values; where none does all are first and last."""
    values = [0.5, 0.7, 0.6, 0.9]
    assert [(one.rank, one.worst) for one in tiers(values, matrix(4, {}, 0.0))] == [(4, 4), (2, 2), (3, 3), (1, 1)]
    assert [one.letters for one in tiers(values, matrix(4, {}, 0.0))] == ["d", "b", "c", "a"]
    assert {(one.rank, one.worst, one.letters) for one in tiers(values, matrix(4, {}))} == {(1, 4, "a")}


def test_direction_turns_the_ranks() -> None:
    """Of a loss the smallest is first; a metric without a direction has letters but no order."""
    apart = matrix(2, {(0, 1): 0.001})
    assert [one.rank for one in tiers([0.2, 0.1], apart, greater_is_better=False)] == [2, 1]
    assert [(one.rank, one.worst) for one in tiers([0.2, 0.1], apart, greater_is_better=None)] == [(1, 2), (1, 2)]
    assert len({one.letters for one in tiers([0.2, 0.1], apart, greater_is_better=None)}) == 2


def test_undefined_is_told_apart_from_nothing() -> None:
    """A model without a value, or a pair without a p-value, changes no other rank."""
    found = tiers([0.9, math.nan, 0.8], matrix(3, {(0, 2): 0.001, (0, 1): 0.0, (1, 2): math.nan}))
    assert [(one.rank, one.worst) for one in found] == [(1, 2), (1, 3), (2, 3)]
    assert tiers([], np.empty((0, 0))) == []
    assert [(one.rank, one.worst, one.letters) for one in tiers([0.4], np.ones((1, 1)))] == [(1, 1, "a")]


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 7).flatmap(lambda k: st.tuples(st.just(k), st.sets(st.sampled_from([*combinations(range(k), 2)] or [(0, 0)])))))
def test_letters_say_exactly_what_differs(case: tuple[int, set[tuple[int, int]]]) -> None:
    """Two models share a letter if and only if they cannot be told apart, whatever the pattern."""
    k, different = case
    apart = np.zeros((k, k), dtype=np.bool_)
    for i, j in different - {(0, 0)}:
        apart[i, j] = apart[j, i] = True
    letters = compact_letters(apart)
    assert all(letters)
    for i, j in combinations(range(k), 2):
        assert bool(set(letters[i]) & set(letters[j])) != bool(apart[i, j])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.integers(0, 10_000))
def test_ranks_enclose_the_order_of_the_values(values: list[float], seed: int) -> None:
    """A rank interval is never empty and holds the rank of the value itself, whatever the p-values."""
    p = np.random.default_rng(seed).random((len(values), len(values)))
    for value, one in zip(values, tiers(values, np.minimum(p, p.T), alpha=0.3), strict=True):
        better = sum(other > value for other in values)
        worse = sum(other < value for other in values)
        assert one.rank <= 1 + better
        assert one.worst >= len(values) - worse
        assert 1 <= one.rank <= one.worst <= len(values)


def test_pairs_are_holm_corrected_z_tests() -> None:
    """From values and their covariance: the z-tests of all differences, corrected by statsmodels' Holm."""
    random = np.random.default_rng(3)
    root = random.normal(size=(4, 4))
    covariance, values = root @ root.T * 0.01, random.normal(size=4) * 0.2
    pairs = list(combinations(range(4), 2))
    errors = [math.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]) for i, j in pairs]
    raw = [2 * stats.norm.sf(abs(values[i] - values[j]) / error) for (i, j), error in zip(pairs, errors, strict=True)]
    found = pairwise(values.tolist(), covariance)
    assert [found[i, j] for i, j in pairs] == pytest.approx(multipletests(raw, method="holm")[1].tolist(), rel=1e-10)
    assert np.array_equal(found, found.T)
    t = pairwise(values.tolist(), covariance, degrees=9)
    assert (t >= found - 1e-15).all()


def test_equal_models_have_p_1() -> None:
    """Two models that agree on every row have p 1; a constant difference without variance has no p-value."""
    covariance = np.full((3, 3), 0.04)
    found = pairwise([0.5, 0.5, 0.6], covariance)
    assert found[0, 1] == 1
    assert math.isnan(found[0, 2])
    assert math.isnan(pairwise([0.5, math.nan], np.eye(2))[0, 1])
