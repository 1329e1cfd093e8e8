"""The rows that would settle a gate: enough, not far too many, and counted as the user counts rows."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mtf.contracts.report import Gate
from mtf.plugins import Sample
from mtf_evaluation import compare, measure
from mtf_evaluation.gates import judge
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.gates.settle import Basis, rows_needed
from tests.unit.evaluation import samples


def repeated(sample: Sample, times: int) -> Sample:
    """More rows of the same kind: the value stays, groups come again as other groups."""
    found = samples.repeated(sample, times)
    weight = None if sample.weight is None else np.repeat(sample.weight, times)
    copy = np.tile(np.arange(times), sample.target.size)
    group = None if sample.group is None else np.repeat(sample.group, times) * times + copy
    return replace(found, weight=weight, group=group)


def basis(sample: Sample, entered: int, effective: float | None = None) -> Basis:
    """The rows of a sample."""
    return Basis(len(sample.target), entered, effective, sample.weight is not None, sample.group is not None)


def gate(sample: Sample, text: str) -> Gate:
    """A gate on a sample."""
    term = parse(text)
    value = measure.measure(sample, [term.metric])[term.metric]
    return judge.metric(term, value, term.metric, basis=basis(sample, value.n, value.n_effective))


def design(sample: Sample, kind: str) -> Sample:
    """The rows with weights or in groups."""
    weight = np.random.default_rng(7).uniform(0.5, 2, sample.target.size)
    return {"rows": sample, "weights": samples.weighted(sample, weight), "groups": samples.grouped(sample, 5)}[kind]


METRICS = {
    "binary": ["accuracy", "precision", "recall", "specificity", "f1", "mcc", "balanced_accuracy", "roc_auc", "average_precision", "log_loss", "brier"],
    "multiclass": ["accuracy", "f1_macro", "cohen_kappa", "roc_auc_ovr", "precision(class=b)"],
    "regression": ["mae", "rmse", "r2", "mape", "bias"],
}  # fmt: skip  # a line per task
CASES = [(task, metric, kind) for task, names in METRICS.items() for metric in names for kind in ("rows", "weights", "groups")]


@pytest.mark.parametrize(("task", "metric", "kind"), CASES)
def test_the_rows_are_enough_and_not_far_too_many(task: str, metric: str, kind: str) -> None:
    """With a tenth more rows than the gate asks for the interval no longer holds the bound; with half of them it does.

    Every kind of interval and of design: more rows are the same rows again, so that the value stays where it is.
    """
    maker = {"binary": samples.binary, "multiclass": samples.multiclass, "regression": samples.regression}[task]
    sample = design(maker(900, seed=3), kind)
    value = measure.measure(sample, [metric])[metric]
    assert value.value is not None
    assert value.lower is not None
    assert value.reliable
    bound = value.value - 0.4 * (value.value - value.lower)
    found = gate(sample, f"{metric} >= {bound!r}")
    assert found.verdict == "inconclusive"
    assert found.rows_needed is not None
    times = found.rows_needed / len(sample.target)
    assert gate(repeated(sample, round(1.1 * times + 0.5)), f"{metric} >= {bound!r}").verdict == "pass"
    assert gate(repeated(sample, int(times / 2)), f"{metric} >= {bound!r}").verdict == "inconclusive"


def test_the_rows_of_a_median_are_right_on_average() -> None:
    """A median's interval ends at order statistics, whose distance depends on how the errors happen to lie; on average the rows fit."""
    arms = []
    for seed in range(30):
        value = measure.measure(samples.regression(400, seed=seed), ["median_ae"])["median_ae"]
        assert value.value is not None
        assert value.lower is not None
        wanted = 0.5 * (value.value - value.lower)
        found = gate(samples.regression(400, seed=seed), f"median_ae >= {value.value - wanted!r}")
        assert found.rows_needed is not None
        then = measure.measure(samples.regression(found.rows_needed, seed=seed + 1000), ["median_ae"])["median_ae"]
        assert then.value is not None
        assert then.lower is not None
        arms.append((then.value - then.lower) / wanted)
    assert np.mean(arms) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss", "f1"])
@pytest.mark.parametrize("kind", ["rows", "weights", "groups"])
def test_the_rows_of_a_difference_are_enough(metric: str, kind: str) -> None:
    """The same holds for a paired difference and its margin."""
    a = design(samples.binary(600, seed=3), kind)
    other = samples.binary(600, seed=3, signal=1.4)
    assert other.scores is not None
    b = replace(a, prediction=other.prediction, scores=other.scores)
    better = metric != "log_loss"

    def of(times: int, text: str) -> Gate:
        one, two = repeated(a, times), repeated(b, times)
        [found] = compare.compare(one, two, [metric], baseline="old", gated=[metric])
        return judge.comparison(parse(text), found, metric, greater_is_better=better, basis=basis(one, found.n))

    [first] = compare.compare(a, b, [metric], baseline="old", gated=[metric])
    assert first.difference is not None
    assert first.lower is not None
    assert first.upper is not None
    arm = first.difference - first.lower if better else first.upper - first.difference
    margin = max(-first.difference if better else first.difference, 0.0) + 0.4 * arm
    text = f"{metric} not worse than baseline by {margin!r}"
    found = of(1, text)
    if found.verdict == "pass":
        return
    assert found.rows_needed is not None
    times = found.rows_needed / 600
    assert of(round(1.1 * times + 0.5), text).verdict == "pass"
    assert of(max(int(times / 2), 1), text).verdict == "inconclusive"


def test_rows_are_those_of_the_test_set() -> None:
    """Recall looks at positives only; the rows asked for are rows of the test set, and the reason says how many of them enter."""
    sample = samples.binary(1000, seed=1)
    positives = int((sample.target == 1).sum())
    value = measure.measure(sample, ["recall"])["recall"]
    assert value.value is not None
    found = gate(sample, f"recall >= {value.value - 0.01:.3f}")
    assert found.rows_needed is not None
    assert f"(there are 1,000, of which {positives} enter this metric)" in found.reason
    rows = re.search(r"about ([\d,]+) rows would", found.reason)
    assert rows is not None
    assert int(rows.group(1).replace(",", "")) == pytest.approx(found.rows_needed, rel=0.1)


def test_weights_and_groups_are_said() -> None:
    """Weighted or grouped rows are worth fewer independent ones; the reason says how many, and what further rows must be like."""
    grouped = repeated(samples.binary(300, seed=1), 2)
    grouped = replace(grouped, group=np.arange(600) // 2)
    reason = gate(grouped, "accuracy >= 0.79").reason
    assert "rows in as many more groups would settle it (there are 600, which weights and groups make worth 299 independent ones)" in reason
    weighted = design(samples.binary(600, seed=1), "weights")
    reason = gate(weighted, "accuracy >= 0.79").reason
    assert "rows with weights like these would settle it (there are 600, which weights and groups make worth 5" in reason


@pytest.mark.parametrize(
    ("value", "lower", "upper", "limit"), [(0.9, 0.8, 0.95, 0.9), (0.5, 0.4, 0.6, 0.5 + 1e-9), (0.5, 0.5, 0.5, 0.5), (1.0, 0.96, 1.0, 1.0)]
)
def test_what_more_rows_cannot_settle(value: float, lower: float, upper: float, limit: float) -> None:
    """A value on its bound, or as good as on it, has no number of rows."""
    assert rows_needed(value, lower, upper, limit, 100) is None
