"""Rows measured in parts give what rows in memory give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mtf.compute import Inline, local
from mtf.contracts.report import MetricValue
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.scored import Scored
from mtf_evaluation.streams.chunks import ArrayChunks
from mtf_evaluation.streams.measure import WHOLE, Measured, Piece, measure_parts
from tests.unit.evaluation import samples

ODD = (("half", "odd"),)
N = 40_000
ONE_BY_ONE = {"order-statistics", "woodruff"}
"""Methods that read limits from the rows themselves: a binned limit may lie one bin off."""


def _odd(scored: Scored) -> list[Piece]:
    return [Piece(ODD, "odd", {"half": "odd"}, np.arange(1, scored.rows, 2))]


def scored_of(sample: Sample, kept: Any = None) -> Scored:
    """Rows as the stage reads them."""
    n = sample.target.size
    groups = None if sample.group is None else pa.array(sample.group)
    return Scored(pa.array(np.arange(n)), sample, np.ones(n, dtype=np.bool_) if kept is None else kept, {}, 0, groups)


def streamed(sample: Sample, names: list[str] | None = None, *, chunk: int = 9_000, cpus: float = 1, kept: Any = None) -> Measured:
    """Measured in parts of an even number of rows, so that every second row is every second row."""
    plugins = measure.find(names, sample.task, sample.labels)
    chunks = ArrayChunks(scored_of(sample, kept), chunk)
    with local(cpus) as runner:
        return measure_parts(chunks, plugins, find=_odd, level=0.95, seed=0, runner=runner, progress=lambda _: None)


def agree(name: str, found: MetricValue, wanted: MetricValue) -> None:
    """The same value within the stated bound, the same interval within a thousandth of its width."""
    assert (found.value is None) == (wanted.value is None), (name, found, wanted)
    assert (found.n, found.reliable, found.undefined is None) == (wanted.n, wanted.reliable, wanted.undefined is None), (
        name,
        found,
        wanted,
    )
    if found.value is None or wanted.value is None:
        return
    assert abs(found.value - wanted.value) <= max(found.bound or 0.0, 1e-9 * abs(wanted.value)), (name, found, wanted)
    assert (found.lower is None) == (wanted.lower is None)
    if found.lower is None or found.upper is None or wanted.lower is None or wanted.upper is None:
        return
    width = wanted.upper - wanted.lower
    slack = 0.1 * width if wanted.method in ONE_BY_ONE else 1e-3 * width + 2 * (found.bound or 0.0)
    assert abs(found.lower - wanted.lower) <= slack, (name, found, wanted)
    assert abs(found.upper - wanted.upper) <= slack, (name, found, wanted)
    if wanted.n_effective is not None and found.n_effective is not None:
        assert found.n_effective == pytest.approx(wanted.n_effective, rel=0.02)


TASKS = [
    pytest.param(samples.binary, {}, id="binary"),
    pytest.param(samples.binary, {"digits": 2}, id="binary-tied"),
    pytest.param(samples.multiclass, {"k": 4}, id="multiclass"),
    pytest.param(samples.regression, {}, id="regression"),
]


@pytest.mark.parametrize(("make", "options"), TASKS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_parts_give_what_the_whole_gives(make: Any, options: dict[str, Any], weighted: bool, grouped: bool) -> None:
    """Every default metric, of all rows and of a slice: value within its bound, interval, rows, reliability."""
    sample = make(N, seed=3, **options)
    random = np.random.default_rng(5)
    if weighted:
        sample = samples.weighted(sample, random.uniform(0.2, 3, N))
    if grouped:
        sample = replace(sample, group=random.integers(0, 2_000, N))
    found = streamed(sample)
    for key, rows in ((WHOLE, np.arange(N)), (ODD, np.arange(1, N, 2))):
        for name, value in measure.measure(measure.subset(sample, rows), None).items():
            agree(name, found.values[key][name], value)


def test_ties_cost_nothing() -> None:
    """Where a bin never holds two different scores the binned value is the exact one, and the bound says 0."""
    sample = samples.binary(N, seed=1, digits=2)
    value = streamed(sample, ["roc_auc"]).values[WHOLE]["roc_auc"]
    assert value.bound == 0.0
    assert value.value == pytest.approx(measure.measure(sample, ["roc_auc"])["roc_auc"].value, rel=1e-12)


def test_results_do_not_depend_on_threads() -> None:
    """One thread and three give the same digits."""
    sample = samples.binary(N, seed=2)
    assert streamed(sample, cpus=1).values == streamed(sample, cpus=3).values


@pytest.mark.parametrize("chunk", [1, 7, 400])
def test_any_partition_gives_the_same(chunk: int) -> None:
    """However the rows are parted, values agree to rounding, down to one row in each part."""
    sample = samples.multiclass(400, k=3, seed=4)
    whole, parts = (streamed(sample, chunk=size).values[WHOLE] for size in (10_000, chunk))
    for name, value in whole.items():
        assert parts[name].value == pytest.approx(value.value, rel=1e-12), name
        assert (parts[name].lower is None) == (value.lower is None), name
        assert value.lower is None or parts[name].lower == pytest.approx(value.lower, rel=1e-9), name


def test_one_class_is_measured_by_its_own_rows() -> None:
    """Metrics of one class against the rest, by labels, by order and by probability."""
    sample = samples.multiclass(N, k=3, seed=4)
    names = ["f1(class=a)", "roc_auc(class=b)", "log_loss"]
    wanted = measure.measure(sample, names)
    for name, value in streamed(sample, names).values[WHOLE].items():
        agree(name, value, wanted[name])


def test_rows_without_a_prediction_are_told() -> None:
    """They are left out of every metric, and the share of the others has its interval."""
    sample = samples.regression(N, seed=4)
    kept = np.random.default_rng(0).random(N) < 0.9
    found = streamed(sample, kept=kept)
    rows = np.flatnonzero(kept)
    for name, value in measure.measure(measure.subset(sample, rows), None).items():
        agree(name, found.values[WHOLE][name], value)
    share = found.readers[WHOLE].coverage()
    assert share.value == pytest.approx(kept.mean())
    assert share.n == N


def test_a_metric_that_needs_all_rows_says_so() -> None:
    """Null with the reason, never a number from a part."""
    sample = samples.regression(1_000, seed=1)
    value = streamed(sample, ["spearman", "mae"]).values[WHOLE]["spearman"]
    assert value.value is None
    assert value.undefined is not None
    assert "every row at once" in value.undefined


def test_undefined_stays_undefined() -> None:
    """A condition on all rows is judged by all rows: a truth that never varies, a true value of 0 in one row of many."""
    sample = samples.regression(1_000, seed=1)
    constant = replace(sample, target=np.full(1_000, 3.0))
    zero = replace(sample, target=np.where(np.arange(1_000) == 777, 0.0, sample.target))
    assert streamed(constant, ["r2"], chunk=100).values[WHOLE]["r2"].undefined is not None
    assert streamed(zero, ["mape"], chunk=100).values[WHOLE]["mape"].undefined is not None


def test_no_row_that_can_be_measured_is_an_error() -> None:
    """As for rows in memory."""
    sample = samples.binary(100)
    with pytest.raises(DataError, match="none of the 100 rows"):
        streamed(sample, kept=np.zeros(100, dtype=np.bool_))
    assert isinstance(local(1), Inline)


@pytest.mark.parametrize(("make", "options"), TASKS)
@pytest.mark.parametrize("grouped", [False, True])
def test_every_metric_is_right_in_parts_or_says_that_it_is_not_measured(make: Any, options: dict[str, Any], grouped: bool) -> None:
    """Of all metrics there are, none gives another number than the rows in memory: it agrees, or is null with the reason."""
    sample = samples.weighted(make(N, seed=3, **options), np.random.default_rng(5).uniform(0.2, 3, N))
    if grouped:
        sample = replace(sample, group=np.random.default_rng(6).integers(0, 2_000, N))
    names = measure.known_metrics(sample.task)
    found, wanted = streamed(sample, names).values[WHOLE], measure.measure(sample, names)
    measured = 0
    for name in names:
        if found[name].value is None and "every row at once" in (found[name].undefined or ""):
            continue
        agree(name, found[name], wanted[name])
        measured += found[name].value is not None
    assert measured > len(names) / 2
