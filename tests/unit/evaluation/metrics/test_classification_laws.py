"""Laws that hold for every metric of labels and scores: order of rows, scale of weights, names of classes, edges, influence values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.facts import with_facts
from tests.unit.evaluation import samples

ARGUED = (
    "f_beta(beta=2)", "expected_cost(false_negative=9, true_positive=-1)", "lift(share=0.25)", "recall_at(share=0.25)", "precision_at(share=0.25)",
    "sensitivity_at(specificity=0.7)", "specificity_at(sensitivity=0.7)", "partial_auc(max_fpr=0.4)",
)  # fmt: skip  # names in lines
NAMES = {
    "binary": [*measure.known_metrics("binary"), *ARGUED],
    "multiclass": [
        *measure.known_metrics("multiclass"),
        "top_k_accuracy(k=3)",
        "f_beta_macro(beta=2)",
        "jaccard(class=*)",
        "lift(class=a)",
    ],
}
CUTS = ("gain", "lift", "recall_at", "precision_at", "sensitivity_at", "specificity_at")
WITHOUT = ("ece", "mcb", "dsc", "ks", "spiegelhalter_z")
MAKE: dict[str, Callable[..., Sample]] = {"binary": samples.binary, "multiclass": samples.multiclass}
DESIGNS = ("plain", "weighted", "grouped", "both", "one group")


def _designed(sample: Sample, design: str) -> Sample:
    n = sample.target.size
    if design in ("weighted", "both"):
        sample = samples.weighted(sample, np.random.default_rng(1).integers(0, 3, size=n) + (np.arange(n) == 0))
    if design in ("grouped", "both"):
        sample = samples.grouped(sample, 3)
    return samples.grouped(sample, n) if design == "one group" else sample


def _near(one: float | None, other: float | None, tolerance: float) -> bool:
    """Both absent, or equal to rounding."""
    return one is other if one is None or other is None else bool(np.isclose(one, other, rtol=tolerance, atol=1e-12))


def _perfect(n: int) -> Sample:
    target = (np.arange(n) % 2).astype(np.int32)
    score = np.where(target == 1, 0.9, 0.1)
    return Sample("binary", target, target, np.stack([1 - score, score], axis=1), (0, 1))


def _wrong(n: int) -> Sample:
    perfect = _perfect(n)
    return replace(perfect, target=(1 - perfect.target).astype(np.int32))


EDGES = {
    "usual": samples.binary(200),
    "ties": samples.binary(200, digits=1),
    "all tied": replace(samples.binary(60), scores=np.full((60, 2), 0.5)),
    "few": samples.binary(12, share=0.5),
    "one row": samples.binary(1),
    "two rows": samples.binary(2, seed=4, share=0.5),
    "perfect": _perfect(80),
    "all wrong": _wrong(80),
    "only positives": replace(samples.binary(40), target=np.ones(40, dtype=np.int32)),
    "only negatives": replace(samples.binary(40), target=np.zeros(40, dtype=np.int32)),
    "predicts one class": replace(samples.binary(40), prediction=np.ones(40, dtype=np.int32)),
    "margins": samples.margins(samples.binary(120)),
    "certain": replace(samples.binary(100), scores=np.eye(2)[samples.binary(100).prediction]),
    "classes": samples.multiclass(200),
    "many classes": samples.multiclass(60, k=8),
    "few of many classes": samples.multiclass(9, k=8),
    "perfect classes": samples.multiclass(200, signal=60),
    "one class of several": replace(samples.multiclass(50), target=np.zeros(50, dtype=np.int32)),
    "tied classes": replace(samples.multiclass(50), scores=np.full((50, 4), 0.25)),
}


@pytest.mark.parametrize("edge", sorted(EDGES))
@pytest.mark.parametrize("design", DESIGNS)
def test_every_answer_is_sane(edge: str, design: str) -> None:
    """Whatever the rows: null has a reason; a value is finite and in bounds; an interval holds it, stays in bounds and has a width."""
    sample = _designed(EDGES[edge], design)
    names = NAMES[sample.task]
    with np.errstate(all="raise", under="ignore"):
        found = measure.measure(sample, names)
    bounds = {name: plugin.bounds for name, plugin in measure.find(names, sample.task, sample.labels).items()}
    for name, value in found.items():
        _sane(name, value, bounds[name])


def _sane(name: str, value: MetricValue, bounds: tuple[float, float]) -> None:
    if value.value is None:
        assert value.undefined, name
        assert value.lower is None, name
        return
    assert np.isfinite(value.value), name
    assert bounds[0] <= value.value <= bounds[1], name
    if value.lower is None or value.upper is None:
        assert value.method == "none", name
        assert name.split("(", maxsplit=1)[0] in WITHOUT or (value.reason and not value.reliable), name
        return
    assert bounds[0] <= value.lower <= value.value <= value.upper <= bounds[1], name
    assert value.lower < value.upper, name


@pytest.mark.parametrize("task", sorted(MAKE))
@pytest.mark.parametrize("design", ["plain", "weighted", "both"])
def test_order_of_rows_changes_nothing(task: str, design: str) -> None:
    """Shuffled rows give the same values and limits, with many ties as well."""
    sample = _designed(MAKE[task](150, seed=4), design)
    sample = replace(sample, scores=np.round(np.asarray(sample.scores), 1)) if task == "binary" else sample
    shuffled = measure.subset(sample, np.random.default_rng(0).permutation(150))
    one, other = measure.measure(sample, NAMES[task]), measure.measure(shuffled, NAMES[task])
    for name, value in one.items():
        for part in ("value", "lower", "upper", "n_effective"):
            assert _near(getattr(value, part), getattr(other[name], part), 1e-8), (name, part)


@pytest.mark.parametrize("task", sorted(MAKE))
def test_only_ratios_of_weights_matter(task: str) -> None:
    """Weights times 0.0001 change no value, no limit and no verdict of reliability."""
    sample, weight = MAKE[task](150, seed=3), np.random.default_rng(3).uniform(0.1, 5, size=150)
    one = measure.measure(samples.weighted(sample, weight), NAMES[task])
    other = measure.measure(samples.weighted(sample, weight * 1e-4), NAMES[task])
    for name, value in one.items():
        assert value.reliable == other[name].reliable, name
        for part in ("value", "lower", "upper", "n_effective"):
            assert _near(getattr(value, part), getattr(other[name], part), 1e-7), (name, part)


def test_names_of_classes_mean_nothing() -> None:
    """Classes in another order give the same values; only quadratic kappa reads the order, and only its reversal is the same."""
    sample = samples.multiclass(200)
    assert sample.scores is not None
    for order in ([2, 0, 3, 1], [3, 2, 1, 0]):
        place = np.argsort(order)
        turned = replace(
            sample,
            target=place[sample.target].astype(np.int32),
            prediction=place[sample.prediction].astype(np.int32),
            scores=sample.scores[:, order],
            labels=tuple(sample.labels[code] for code in order),
        )
        names = [name for name in NAMES["multiclass"] if name != "quadratic_kappa" or order == [3, 2, 1, 0]]
        one, other = measure.measure(sample, names), measure.measure(turned, names)
        for name, value in one.items():
            assert value.value == pytest.approx(other[name].value, rel=1e-9), name


def _paired(task: str) -> list[Any]:
    return [name for name in NAMES[task] if "class=" not in name and name.split("(")[0] not in (*WITHOUT, "hinge")]


@pytest.mark.parametrize(("task", "name"), [(task, name) for task in sorted(MAKE) for name in _paired(task)])
def test_influence_is_the_change_by_a_row(task: str, name: str) -> None:
    """An influence value is what the metric gains, per share of weight, when its row weighs a little more; their mean is 0.

    Metrics at a cut are tested with ties, where the rows at the cut are known and not guessed from their neighbours.
    """
    at_cut = name.split("(", maxsplit=1)[0] in CUTS
    n, tolerance = (1600, 0.02) if at_cut else (160, 1e-4)
    sample = MAKE[task](n, seed=6)
    sample = replace(sample, scores=np.round(np.asarray(sample.scores) * 4) / 4) if at_cut else sample
    plugin = next(iter(measure.find([name], task, sample.labels).values()))
    weight = np.random.default_rng(8).uniform(0.5, 2, size=n)
    _, influence = plugin.influence(with_facts(samples.weighted(sample, weight), 0))
    assert weight @ influence == pytest.approx(0, abs=1e-8 * np.abs(influence).max() * weight.sum())
    step = 1e-4 * weight.sum() / n
    scale = max(float(np.abs(influence).max()), 1e-9)
    for row in (0, 7, 31, 99):
        up, down = weight.copy(), weight.copy()
        up[row] += step
        down[row] -= step
        above, below = (plugin.influence(with_facts(samples.weighted(sample, each), 0))[0] for each in (up, down))
        change = (above - below) / (2 * step) * weight.sum()
        assert change == pytest.approx(influence[row], abs=tolerance * scale), row
