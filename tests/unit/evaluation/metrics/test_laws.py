"""Laws that hold for every metric: weights are repetition, scale of weights is nothing, order of rows is nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.calibration import calibration_error, quantile_bins
from tests.unit.evaluation import samples

TASKS: dict[str, Callable[..., Sample]] = {"binary": samples.binary, "multiclass": samples.multiclass, "regression": samples.regression}


def _near(one: float | None, other: float | None, tolerance: float = 1e-7) -> bool:
    """Both absent, or equal to rounding."""
    if one is None or other is None:
        return one is other
    return bool(np.isclose(one, other, rtol=tolerance, atol=1e-12))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(TASKS)), st.integers(0, 10**6), st.integers(5, 60))
def test_integer_weights_are_repetition(task: str, seed: int, n: int) -> None:
    """A row of weight 3 counts as three rows, in every point value. The bins of ece follow the rows: see below.

    Spiegelhalter's z is a test: three rows are more evidence than one that stands for three.
    """
    sample = TASKS[task](n, seed=seed)
    times = np.random.default_rng(seed).integers(0, 4, size=n)
    times[0] = 1
    names = [name for name in measure.known_metrics(task) if name not in ("ece", "spiegelhalter_z")]
    weighted = measure.measure(samples.weighted(sample, times), names)
    repeated = measure.measure(samples.repeated(sample, times), names)
    for name in names:
        assert _near(weighted[name].value, repeated[name].value, 1e-9), name


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 80), st.integers(1, 9))
def test_calibration_bins_are_repetition(seed: int, n: int, bins: int) -> None:
    """With the same number of bins the calibration error of integer weights is that of repeated rows."""
    random = np.random.default_rng(seed)
    confidence, right = np.sort(np.round(random.random(n), 2)), random.random(n) < 0.5
    times = random.integers(1, 4, size=n)
    weighted = quantile_bins(confidence, right, times.astype(np.float64), bins)
    repeated = quantile_bins(np.repeat(confidence, times), np.repeat(right, times), None, bins)
    assert calibration_error(weighted) == pytest.approx(calibration_error(repeated), rel=1e-9, abs=1e-12)
    assert repeated.weight.sum() == times.sum()


@pytest.mark.parametrize("task", sorted(TASKS))
def test_rescaled_weights_change_nothing(task: str) -> None:
    """Only ratios of weights matter: values and limits stay the same."""
    sample = TASKS[task](150, seed=3)
    weight = np.random.default_rng(3).uniform(0.1, 5, size=150)
    one = measure.measure(samples.weighted(sample, weight), None)
    other = measure.measure(samples.weighted(sample, weight * 1e-4), None)
    for name, value in one.items():
        for part in ("value", "lower", "upper", "n_effective"):
            assert _near(getattr(value, part), getattr(other[name], part)), (name, part)


@pytest.mark.parametrize("task", sorted(TASKS))
def test_order_of_rows_changes_nothing(task: str) -> None:
    """Shuffled rows give the same numbers to rounding."""
    sample = samples.grouped(samples.weighted(TASKS[task](150, seed=4), np.arange(150) % 5 + 1), 5)
    shuffled = measure.subset(sample, np.random.default_rng(0).permutation(150))
    one, other = measure.measure(sample, None), measure.measure(shuffled, None)
    for name, value in one.items():
        assert value.value == pytest.approx(other[name].value, rel=1e-9), name
        assert _near(value.lower, other[name].lower), name


@pytest.mark.parametrize("task", sorted(TASKS))
def test_groups_of_one_row_are_no_groups(task: str) -> None:
    """With a group per row the interval is that of independent rows by the sandwich: close to the usual one."""
    sample = TASKS[task](400, seed=5)
    alone, grouped = measure.measure(sample, None), measure.measure(samples.grouped(sample, 1), None)
    for name, value in alone.items():
        if value.lower is not None and value.upper is not None:
            other = grouped[name]
            assert other.lower is not None
            assert other.upper is not None
            assert value.upper - value.lower == pytest.approx(other.upper - other.lower, rel=0.3), name


@pytest.mark.parametrize("task", sorted(TASKS))
def test_dependent_rows_widen_the_interval(task: str) -> None:
    """Every row five times in one group carries the information of one: intervals as of the rows once."""
    sample = TASKS[task](200, seed=6)
    five = samples.repeated(sample, np.full(200, 5))
    clustered = measure.measure(samples.grouped(five, 5), None)
    once, many = measure.measure(sample, None), measure.measure(five, None)
    for name, value in clustered.items():
        if value.lower is not None and value.upper is not None:
            narrow, wide = many[name], once[name]
            assert narrow.upper is not None
            assert narrow.lower is not None
            assert value.upper - value.lower > 1.5 * (narrow.upper - narrow.lower), name
            assert value.n_effective is not None
            assert wide.n_effective is not None
            assert value.n_effective < 1.6 * wide.n_effective, name


def test_mirrored_binary_task() -> None:
    """Swapping the classes swaps recall and specificity and keeps what is symmetric."""
    sample = samples.binary(300)
    assert sample.scores is not None
    mirrored = Sample("binary", 1 - sample.target, 1 - sample.prediction, sample.scores[:, ::-1], ("yes", "no"))
    one, other = measure.measure(sample, None), measure.measure(mirrored, None)
    assert one["recall"] == other["specificity"]
    for name in ("accuracy", "balanced_accuracy", "mcc", "roc_auc", "log_loss", "brier"):
        assert one[name].value == pytest.approx(other[name].value, rel=1e-12), name


def test_other_metrics_do_not_matter() -> None:
    """A metric's answer does not depend on which others were asked for, and the same seed gives the same digits."""
    for task, make in TASKS.items():
        sample = make(200)
        together = measure.measure(sample, None, seed=3)
        for name in measure.default_metrics(task):
            assert measure.measure(sample, [name], seed=3)[name] == together[name]


def test_draws_are_stable() -> None:
    """Another seed moves a drawn limit by less than a fiftieth of the interval."""
    sample = samples.multiclass(300)
    one, other = (measure.measure(sample, ["f1_macro"], seed=seed)["f1_macro"] for seed in (1, 2))
    assert one.lower is not None
    assert one.upper is not None
    assert other.lower is not None
    assert abs(one.lower - other.lower) < 0.02 * (one.upper - one.lower)
