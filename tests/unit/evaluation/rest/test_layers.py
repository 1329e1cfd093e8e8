"""Slices that share no row are summed together; the answer is that of each alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtf.contracts.report import RestComparison
from mtf.plugins import Sample
from mtf_evaluation import measure, rest
from tests.unit.evaluation.rest.test_compare import CASES, N, sample


def _compared(whole: Sample, names: list[str], slices: list[np.ndarray]) -> list[dict[str, RestComparison]]:
    ready, plugins = measure.prepared(whole), measure.find(names, whole.task, whole.labels)
    parts = [measure.measure(measure.subset(whole, rows), names) for rows in slices]
    return rest.compare(ready, slices, parts, measure.measure(whole, names), plugins, level=0.95)


def _numbers(one: RestComparison) -> list[Any]:
    return [one.rest, one.difference, one.lower, one.upper, one.p_value]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("design", ["simple", "weight", "group"])
@pytest.mark.parametrize(("task", "names"), CASES)
def test_disjoint_slices_are_as_each_alone(task: str, names: list[str], design: str, ties: bool) -> None:
    """The values of one column, and of two columns at once: every number equals that of the slice compared by itself."""
    whole = sample(task, design, ties=ties)
    random = np.random.default_rng(4)
    columns = [random.choice(4, N, p=[0.5, 0.3, 0.15, 0.05]), random.integers(0, 3, N)]
    slices = [np.flatnonzero(codes == code) for codes in columns for code in range(codes.max() + 1)]
    together = _compared(whole, names, slices)
    for rows, found in zip(slices, together, strict=True):
        (alone,) = _compared(whole, names, [rows])
        assert found.keys() == alone.keys()
        for name, one in found.items():
            assert (one.interval_method, one.reason, one.undefined) == (
                alone[name].interval_method,
                alone[name].reason,
                alone[name].undefined,
            ), name
            for mine, other in zip(_numbers(one), _numbers(alone[name]), strict=True):
                assert mine == pytest.approx(other, rel=1e-8, abs=1e-12), name
