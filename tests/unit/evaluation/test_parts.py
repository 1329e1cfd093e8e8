"""Slices are measured together, and each comes out as if it had been measured alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mtf.contracts.report import MetricValue
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.parts import Parts, measure_many
from tests.unit.evaluation import samples


def _scores(sample: Sample) -> NDArray[np.float64]:
    assert sample.scores is not None
    return sample.scores


SAMPLES = {
    "binary": samples.binary(1500),
    "binary, ties": samples.binary(1500, digits=1),
    "binary, weights": samples.weighted(samples.binary(1500), np.arange(1500) % 4),
    "binary, groups": samples.grouped(samples.binary(1500, digits=2), 5),
    "binary, no scores": replace(samples.binary(1500), scores=None),
    "binary, scores of one class are wrong": replace(samples.binary(1500), scores=_scores(samples.binary(1500)) * 3),
    "multiclass": samples.multiclass(1500),
    "multiclass, weights": samples.weighted(samples.multiclass(1500), np.arange(1500) % 4 + 0.5),
    "regression": samples.regression(1500),
    "regression, groups": samples.grouped(samples.regression(1500), 5),
}


def _parts(n: int) -> list[NDArray[np.signedinteger[Any]]]:
    """Rising, shuffled, overlapping, one row, none, all."""
    random = np.random.default_rng(3)
    return [np.arange(0, n, 3), random.permutation(n)[: n // 2], np.arange(40, 400), np.array([7]), np.array([], dtype=int), np.arange(n)]


def _same(one: MetricValue, other: MetricValue) -> None:
    """Words are equal, numbers to 1e-12 of their size."""
    a, b = one.model_dump(), other.model_dump()
    for name, value in a.items():
        if isinstance(value, float):
            assert b[name] == pytest.approx(value, rel=1e-12, abs=1e-14), name
        elif isinstance(value, tuple):
            assert b[name] == pytest.approx(value, rel=1e-12), name
        else:
            assert b[name] == value, name


@pytest.mark.parametrize("name", SAMPLES)
def test_part_is_measured_as_if_alone(name: str) -> None:
    """Every value, limit and word of a part, by every metric of the task, is that of a sample which holds nothing else."""
    sample = SAMPLES[name]
    parts, every = _parts(1500), measure.known_metrics(sample.task)
    for rows, found in zip(parts, measure_many(sample, parts, every), strict=True):
        alone = measure.measure(measure.subset(sample, rows), every)
        assert list(found) == list(alone)
        for metric, value in found.items():
            _same(alone[metric], value)


@pytest.mark.parametrize("name", SAMPLES)
def test_threads_change_nothing(name: str) -> None:
    """Results are equal bit by bit whatever the number of threads."""
    sample, parts = SAMPLES[name], _parts(1500) * 4
    assert measure_many(sample, parts, None, cpus=1) == measure_many(sample, parts, None, cpus=3)


def test_other_parts_and_metrics_change_nothing() -> None:
    """A part's interval depends on its rows and the seed, not on what else is asked."""
    sample = SAMPLES["binary"]
    parts = _parts(1500)
    every = measure_many(sample, parts, None)[1]
    alone = measure_many(sample, parts[1:2], ["f1"])[0]
    assert alone["f1"] == every["f1"]


def test_part_without_weight_is_null_with_reason() -> None:
    """Rows that stand for nothing leave a part without rows."""
    sample = samples.weighted(samples.binary(100), np.arange(100) % 2)
    found = measure_many(sample, [np.arange(0, 100, 2)], ["accuracy"])[0]["accuracy"]
    assert found.value is None
    assert found.undefined == "there are no rows"


def test_bad_sample_is_refused_once_for_all_parts() -> None:
    """Arrays are checked before anything is cut."""
    sample = replace(samples.binary(100), weight=np.full(100, np.nan))
    with pytest.raises(DataError, match="`weight` is missing"):
        measure_many(sample, [np.arange(10)], None)


def test_callers_arrays_are_left_alone() -> None:
    """Neither the sample's arrays nor the positions change."""
    sample, rows = samples.binary(200), np.arange(200)[::-1].copy()
    before = [array.copy() for array in (sample.target, sample.prediction, _scores(sample), rows)]
    measure_many(sample, [rows], None)
    for old, new in zip(before, (sample.target, sample.prediction, _scores(sample), rows), strict=True):
        assert np.array_equal(old, new)


def test_stranger_sees_the_callers_order() -> None:
    """A metric that is not ours is handed a part's rows in the order in which they were named."""
    sample = samples.binary(50)
    rows = np.array([9, 3, 40])
    part = Parts(sample, ordered=False).cut(rows)
    assert np.array_equal(part.target, sample.target[rows])
    assert np.array_equal(_scores(part), _scores(sample)[rows])
