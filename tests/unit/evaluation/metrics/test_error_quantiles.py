"""Quantiles of the errors: values, intervals by order statistics, and comparisons."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import mtf
from mtf_evaluation import measure
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.quantiles import quantile, quantile_interval
from tests.unit.evaluation import samples


@given(st.integers(1, 60), st.integers(0, 10**6), st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 0.95]))
def test_quantile_is_numpys_and_weights_repeat(n: int, seed: int, share: float) -> None:
    """The value is numpy's `averaged_inverted_cdf`; integer weights give that of repeated rows."""
    random = np.random.default_rng(seed)
    values, times = np.round(random.normal(size=n), 1), random.integers(1, 4, size=n)
    assert quantile(values, None, share) == pytest.approx(np.quantile(values, share, method="averaged_inverted_cdf"), abs=1e-12)
    repeated = quantile(np.repeat(values, times), None, share)
    assert quantile(values, times.astype(np.float64), share) == pytest.approx(repeated, abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [40, 100, 1000])
def test_interval_has_exact_binomial_coverage(n: int, share: float) -> None:
    """The ranks of the limits enclose the quantile with at least the level, and no narrower pair of tails of 2.5 % does."""
    found = quantile_interval(np.arange(1.0, n + 1), Design(n), 0.95, share)
    assert found.lower is not None
    assert found.upper is not None
    low, high = int(found.lower), int(found.upper)
    below = stats.binom(n, share)
    assert below.cdf(low - 1) <= 0.025 < below.cdf(low)
    assert below.sf(high - 1) <= 0.025 < below.sf(high - 2)


def test_too_few_rows_for_a_far_quantile() -> None:
    """Thirty rows cannot enclose the 0.9 quantile; the reason says so."""
    value = measure.measure(samples.regression(30), ["ae_quantile"])["ae_quantile"]
    assert value.lower is None
    assert not value.reliable
    assert "too few" in (value.reason or "") or "known to hold from 100" in (value.reason or "")


def _pair(n: int, seed: int, correlated: float, weights: bool) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    y, first, second = random.normal(50, 10, n), random.normal(size=n), random.normal(size=n)
    other = 1.2 * (correlated * first + math.sqrt(1 - correlated**2) * second)
    weight = random.uniform(0.3, 3, n) if weights else None
    return tuple(mtf.evaluate(y, y_pred=y + error, weight=weight, metrics=["median_ae"]) for error in (first, other))


@pytest.mark.slow
@pytest.mark.parametrize("weights", [False, True])
def test_paired_interval_covers(weights: bool) -> None:
    """About 95 of 100 intervals of the difference of two medians hold the true one (300 rounds: a standard error of 1.3)."""
    half = stats.norm.ppf(0.75)
    held = 0
    for seed in range(300):
        (found,) = mtf.compare(*_pair(700, seed, 0.8, weights)).comparisons
        assert found.reliable
        assert found.lower is not None
        assert found.upper is not None
        held += found.lower <= half - 1.2 * half <= found.upper
    assert 0.92 <= held / 300 <= 0.99


def test_ties_have_no_comparison() -> None:
    """Errors that are whole numbers have no density at the median: there is no trusted comparison, and the reason says why."""
    sample = samples.regression(600)
    rounded = [np.round(sample.prediction), np.round(sample.prediction + 0.4)]
    a, b = (mtf.evaluate(np.round(sample.target), y_pred=prediction, metrics=["median_ae"]) for prediction in rounded)
    (found,) = mtf.compare(a, b).comparisons
    assert not found.reliable
    assert "density" in (found.reason or "")
    (same,) = mtf.compare(a, a).comparisons
    assert same.p_value == 1


def test_relative_median_is_the_median_of_relative_errors() -> None:
    """`mdape` uses |truth|, and is null where a truth is 0."""
    sample = samples.regression(51)
    mirrored = replace(sample, target=-sample.target, prediction=-sample.prediction, interval=None)
    wanted = np.median(np.abs(sample.prediction - sample.target) / np.abs(sample.target))
    for each in (sample, mirrored):
        assert measure.measure(each, ["mdape"])["mdape"].value == pytest.approx(wanted, rel=1e-12)
    zero = replace(sample, target=np.where(np.arange(51) == 3, 0.0, sample.target))
    assert "true value of 0" in (measure.measure(zero, ["mdape"])["mdape"].undefined or "")
