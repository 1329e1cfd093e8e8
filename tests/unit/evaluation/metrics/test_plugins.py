"""Metrics as plug-ins: the built-ins keep the public protocols, and a stranger's metric gets intervals from them alone."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from mtf import plugins
from mtf.plugins import RankMetric, RowMetric, Sample
from mtf.testing import check_metric
from mtf_evaluation import measure
from mtf_evaluation.metrics.adapter import influence_of, measured_by
from mtf_evaluation.metrics.base import NoArgs
from mtf_evaluation.metrics.facts import with_facts
from tests.unit.evaluation import samples

MAKE: dict[str, Any] = {"binary": samples.binary, "multiclass": samples.multiclass, "regression": samples.regression}
ROWS = [(task, name) for task in MAKE for name in measure.known_metrics(task) if isinstance(plugins.load("metric", name), RowMetric)]


def _fitting(task: str, name: str, n: int) -> Sample:
    """Rows for which the metric is defined: a hinge needs margins."""
    sample: Sample = MAKE[task](n, seed=3)
    return samples.margins(sample) if (task, name) == ("binary", "hinge") else sample


@pytest.mark.parametrize("name", measure.known_metrics())
def test_description_is_complete(name: str) -> None:
    """Every metric says its name, version, tasks, direction, bounds and definition."""
    plugin = plugins.load("metric", name)
    assert plugin.name == name
    assert plugin.version >= 1
    assert set(plugin.tasks) <= set(MAKE)
    assert plugin.greater_is_better in (True, False, None)
    assert plugin.bounds[0] < plugin.bounds[1]
    assert plugin.summary.endswith(".")
    assert plugin.Args()


@pytest.mark.parametrize(("task", "name"), [(task, name) for task in MAKE for name in measure.known_metrics(task)])
def test_built_ins_pass_the_public_check(task: str, name: str) -> None:
    """What a stranger's metric must keep, the built-ins keep; their checked value is the measured one."""
    sample = _fitting(task, name, 80)
    value = check_metric(plugins.load("metric", name), sample)
    assert value == pytest.approx(measure.measure(sample, [name])[name].value, rel=1e-9)


def test_check_finds_a_broken_metric() -> None:
    """A metric that depends on the order of rows does not pass."""

    class First(TopDecileRate):
        def terms(self, sample: Sample) -> NDArray[np.float64]:
            return np.stack([np.full(sample.target.size, float(sample.target[0])), np.ones(sample.target.size)], axis=1)

    check_metric(TopDecileRate(), samples.binary(80))
    turned = next(seed for seed in range(50) if samples.binary(80, seed=seed).target[0] == 1)
    with pytest.raises(AssertionError, match="shuffled"):
        check_metric(First(), samples.binary(80, seed=turned))


@pytest.mark.parametrize(("task", "name"), ROWS)
@pytest.mark.parametrize("weights", [False, True])
def test_fast_path_is_the_protocol(task: str, name: str, weights: bool) -> None:
    """A built-in's own value, influence and standard error are what the protocol's terms and value alone give."""
    sample = _fitting(task, name, 120)
    sample = samples.weighted(sample, np.arange(120) % 3 + 1) if weights else sample
    ready = with_facts(sample, 0)
    plugin = plugins.load("metric", name)
    value, influence = influence_of(plugin, ready)
    own_value, own_influence = plugin.influence(ready)
    assert own_value == pytest.approx(value, rel=1e-10)
    assert own_influence == pytest.approx(influence, rel=1e-5, abs=1e-6 * np.abs(influence).max())


class TopDecileRate:
    """A stranger's row metric: the share of positives among the rows scored 0.9 or more, per share of such rows."""

    name: ClassVar[str] = "top_decile"
    version: ClassVar[int] = 1
    Args: ClassVar[type[NoArgs]] = NoArgs
    tasks: ClassVar[tuple[str, ...]] = ("binary",)
    greater_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    summary: ClassVar[str] = "Share of positives among confident rows."

    def terms(self, sample: Sample) -> NDArray[np.float64]:
        """Confident and right, confident."""
        assert sample.scores is not None
        sure = sample.scores[:, 1] >= 0.6
        return np.stack([sure & (sample.target == 1), sure], axis=1).astype(np.float64)

    def value(self, means: NDArray[np.float64]) -> float:
        """Their ratio."""
        return float(means[0] / means[1]) if means[1] > 0 else float("nan")


class RankSum:
    """A stranger's rank metric: the mean score of the positives."""

    name: ClassVar[str] = "mean_score"
    version: ClassVar[int] = 1
    Args: ClassVar[type[NoArgs]] = NoArgs
    tasks: ClassVar[tuple[str, ...]] = ("binary",)
    greater_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    summary: ClassVar[str] = "Mean score of the positives."

    def influence(self, sample: Sample) -> tuple[float, NDArray[np.float64]]:
        """The mean over the positives."""
        assert sample.scores is not None
        positive = sample.target == 1
        value = float(sample.scores[positive, 1].mean())
        return value, np.where(positive, sample.scores[:, 1] - value, 0.0) * (positive.size / positive.sum())


def test_strangers_row_metric_has_an_interval() -> None:
    """Terms and value are enough for an interval, with weights and groups too; NaN is undefined."""
    sample = samples.binary(500)
    plugin = TopDecileRate()
    assert isinstance(plugin, RowMetric)
    for design in (sample, samples.weighted(sample, np.arange(500) % 4 + 1), samples.grouped(sample, 5)):
        value = measured_by(plugin, with_facts(design, 0), 0.95)
        assert value.lower is not None
        assert value.upper is not None
        assert value.value is not None
        assert 0 < value.lower < value.value < value.upper < 1
    few = measure.subset(sample, np.flatnonzero(sample.scores[:, 1] < 0.3) if sample.scores is not None else np.arange(3))
    assert measured_by(plugin, with_facts(few, 0), 0.95).value is None


def test_strangers_rank_metric_has_an_interval() -> None:
    """Influence values are enough for an interval."""
    plugin = RankSum()
    assert isinstance(plugin, RankMetric)
    value = measured_by(plugin, with_facts(samples.binary(500), 0), 0.95)
    assert value.method == "delta"
    assert value.reliable


def test_strangers_rank_metric_must_count_weights() -> None:
    """One that does not say that it counts weights is undefined where rows have them, alone, in slices and against another model."""
    sample = samples.weighted(samples.binary(200), np.arange(200) % 4 + 1)
    value = measured_by(RankSum(), with_facts(sample, 0), 0.95)
    assert value.value is None
    assert value.undefined == "the metric does not count weights"
    assert np.isnan(influence_of(RankSum(), with_facts(sample, 0))[0])

    class Weighted(RankSum):
        weighted: ClassVar[bool] = True

        def influence(self, sample: Sample) -> tuple[float, NDArray[np.float64]]:
            assert sample.scores is not None
            weight = np.ones(sample.target.size) if sample.weight is None else sample.weight
            counted = weight * (sample.target == 1)
            value = float(np.average(sample.scores[:, 1], weights=counted))
            return value, np.where(sample.target == 1, sample.scores[:, 1] - value, 0.0) * (weight.sum() / counted.sum())

    check_metric(Weighted(), sample)
    found = measured_by(Weighted(), with_facts(sample, 0), 0.95)
    again = measured_by(
        Weighted(), with_facts(measure.subset(samples.binary(200), np.repeat(np.arange(200), np.arange(200) % 4 + 1)), 0), 0.95
    )
    assert found.value == pytest.approx(again.value, rel=1e-12)
    assert found.lower is not None
