"""A slice against the rest, beside measuring both sides apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from mtf.contracts.report import RestComparison
from mtf.plugins import Sample
from mtf_evaluation import measure, rest
from mtf_evaluation.metrics.adapter import influence_of
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.statistics.design import Design
from mtf_evaluation.statistics.unpaired import independent, proportions

N = 900
BINARY = [*measure.default_metrics("binary"), "gini", "npv"]
MANY = [*measure.default_metrics("multiclass"), "precision(class=b)", "roc_auc(class=b)", "average_precision(class=c)", "f1(class=a)"]
NUMBERS = [*measure.default_metrics("regression"), "pearson"]


def sample(task: str, design: str, *, ties: bool = False, seed: int = 3) -> Sample:
    """Rows of a task, independent, weighted, in groups or both."""
    rng = np.random.default_rng(seed)
    weight = rng.choice([0.5, 1.0, 2.5, 4.0], N) if "weight" in design else None
    group = rng.integers(0, 150, N) if "group" in design else None
    if task == "regression":
        truth = rng.gamma(2, 3, N) + 1
        return Sample(task, truth, truth + rng.normal(0.3, 1 + truth / 10), weight=weight, group=group)
    k = 2 if task == "binary" else 3
    truth = rng.integers(0, k, N).astype(np.int32)
    scores = rng.normal(size=(N, k))
    scores[np.arange(N), truth] += 1.2
    scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    if ties:
        scores = np.round(scores * 12) / 12
        scores[:, -1] = 1 - scores[:, :-1].sum(axis=1)
    labels: tuple[Any, ...] = (False, True) if k == 2 else ("a", "b", "c")
    return Sample(task, truth, scores.argmax(axis=1).astype(np.int32), scores, labels, weight, group)


def slices() -> list[np.ndarray]:
    """A small slice, a large one and most of the rows."""
    rng = np.random.default_rng(8)
    return [np.flatnonzero(rng.random(N) < share) for share in (0.12, 0.4, 0.8)]


def compared(whole: Sample, names: list[str]) -> list[dict[str, RestComparison]]:
    """What the product says."""
    ready = measure.prepared(whole)
    plugins = measure.find(names, whole.task, whole.labels)
    parts = [measure.measure(measure.subset(whole, rows), names) for rows in slices()]
    return rest.compare(ready, slices(), parts, measure.measure(whole, names), plugins, level=0.95)


CASES = [("binary", BINARY), ("multiclass", MANY), ("regression", NUMBERS)]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("design", ["simple", "weight", "group", "weight and group"])
@pytest.mark.parametrize(("task", "names"), CASES)
def test_values_are_those_of_both_sides_measured_apart(task: str, names: list[str], design: str, ties: bool) -> None:
    """The rest's metric, which is never measured by itself, is what measuring the rest gives."""
    whole = sample(task, design, ties=ties)
    for rows, found in zip(slices(), compared(whole, names), strict=True):
        outside = np.setdiff1d(np.arange(N), rows)
        own, other = (measure.measure(measure.subset(whole, part), list(found)) for part in (rows, outside))
        for name, one in found.items():
            assert one.undefined is None, (name, one.undefined)
            assert one.value == own[name].value
            assert one.rest == pytest.approx(other[name].value, rel=1e-9, abs=1e-12), name
            assert one.difference == pytest.approx((own[name].value or 0) - (other[name].value or 0), abs=1e-10)
            assert one.n_rest == outside.size


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("design", ["simple", "weight"])
@pytest.mark.parametrize(("task", "names"), CASES)
def test_errors_are_those_of_both_sides_influence_values(task: str, names: list[str], design: str, ties: bool) -> None:
    """Interval and p-value follow from the standard errors of the influence values of each side, asked for by themselves."""
    whole = sample(task, design, ties=ties)
    plugins = measure.find(names, whole.task, whole.labels)
    for rows, found in zip(slices(), compared(whole, names), strict=True):
        for name, one in found.items():
            if one.test_method == "score":
                continue
            errors, units = [], []
            for part in (rows, np.setdiff1d(np.arange(N), rows)):
                side = measure.prepared(measure.subset(whole, part))
                plugin = plugins[name]
                psi = plugin.influence(side)[1] if hasattr(plugin, "influence") else influence_of(plugin, side)[1]
                area = name.startswith(("roc_auc", "gini")) and "ovr" not in name and design == "simple"
                errors.append(_by_class(psi, side) if area else facts_of(side).design.standard_error(psi))
                units.append(facts_of(side).design.kish)
            ranks = one.test_method == "z"
            wanted = independent(one.difference or 0.0, (errors[0], errors[1]), (units[0], units[1]), 0.95, student=not ranks)
            assert (one.lower, one.upper) == pytest.approx((wanted.interval.lower, wanted.interval.upper), rel=2e-6, abs=1e-9), name
            assert one.p_value == pytest.approx(wanted.p_value, rel=1e-4, abs=1e-12)


def _by_class(psi: np.ndarray, side: Sample) -> float:
    """DeLong's standard error: variances of the placement values of each class."""
    positive = side.target == 1
    m, n = positive.sum(), (~positive).sum()
    return float(np.sqrt(psi[positive].var(ddof=1) * m + psi[~positive].var(ddof=1) * n) / side.target.size)


def test_shares_of_simple_rows_are_compared_by_the_score_method() -> None:
    """Accuracy and recall are shares of rows that their confusion matrices count."""
    whole = sample("binary", "simple")
    right = whole.target == whole.prediction
    for rows, found in zip(slices(), compared(whole, ["accuracy", "recall"]), strict=True):
        inside = np.isin(np.arange(N), rows)
        for name, counted in (("accuracy", np.ones(N, dtype=bool)), ("recall", whole.target == 1)):
            a, b = counted & inside, counted & ~inside
            wanted = proportions(float(right[a].sum()), float(a.sum()), float(right[b].sum()), float(b.sum()), 0.95)
            assert (found[name].lower, found[name].upper) == pytest.approx((wanted.interval.lower, wanted.interval.upper), abs=1e-12)
            assert found[name].p_value == pytest.approx(wanted.p_value, rel=1e-9)
            assert found[name].interval_method == "miettinen-nurminen"


def test_weighted_shares_are_compared_at_their_effective_numbers() -> None:
    """With weights the score method has Kish's numbers of rows, as Wilson's interval of the share itself has."""
    whole = sample("binary", "weight")
    right, weight = whole.target == whole.prediction, np.asarray(whole.weight)
    for rows, found in zip(slices(), compared(whole, ["recall"]), strict=True):
        inside = np.isin(np.arange(N), rows)
        counts = []
        for side in (inside, ~inside):
            own = weight * (side & (whole.target == 1))
            kish = own.sum() ** 2 / (own**2).sum()
            counts += [own[right].sum() / own.sum() * kish, kish]
        wanted = proportions(*counts, 0.95)
        assert (found["recall"].lower, found["recall"].upper) == pytest.approx((wanted.interval.lower, wanted.interval.upper), abs=1e-10)


def test_differences_of_few_rows_are_not_trusted() -> None:
    """Few rows of a class or few effective rows are told, though the metric's own interval may hold there."""
    whole = sample("binary", "simple")
    names = ["roc_auc", "log_loss", "accuracy"]
    rows = np.arange(40)
    part = measure.measure(measure.subset(whole, rows), names)
    plugins = measure.find(names, "binary", whole.labels)
    found = rest.compare(measure.prepared(whole), [rows], [part], measure.measure(whole, names), plugins, level=0.95)[0]
    assert "rarest class of the slice" in (found["roc_auc"].reason or "")
    assert "from 50" in (found["log_loss"].reason or "")
    assert found["accuracy"].reliable


def test_one_class_against_the_rest_is_a_share_too() -> None:
    """The precision of a class counts its column of the confusion matrix."""
    whole = sample("multiclass", "simple")
    found = compared(whole, ["precision(class=b)"])[0]["precision(class=b)"]
    inside = np.isin(np.arange(N), slices()[0])
    said, right = whole.prediction == 1, (whole.prediction == 1) & (whole.target == 1)
    counts = [float(part.sum()) for side in (inside, ~inside) for part in (right & side, said & side)]
    assert found.p_value == pytest.approx(proportions(*counts, 0.95).p_value, rel=1e-9)


def test_welch_for_a_mean() -> None:
    """The mean absolute error of a slice and the rest: Welch's t-test of the absolute errors."""
    whole = sample("regression", "simple")
    errors = np.abs(whole.prediction - whole.target)
    for rows, found in zip(slices(), compared(whole, ["mae"]), strict=True):
        wanted = stats.ttest_ind(errors[rows], np.delete(errors, rows), equal_var=False)
        assert found["mae"].p_value == pytest.approx(wanted.pvalue, rel=1e-9)
        assert found["mae"].lower == pytest.approx(wanted.confidence_interval(0.95).low, rel=1e-9)


@pytest.mark.parametrize("name", ["accuracy", "f1", "roc_auc", "average_precision", "log_loss"])
def test_groups_that_straddle_are_counted_once(name: str) -> None:
    """With groups the error is that of the sums of influence values within groups over both sides, slice less rest."""
    whole = sample("binary", "weight and group")
    plugin = measure.find([name], "binary", whole.labels)[name]
    for rows, found in zip(slices(), compared(whole, [name]), strict=True):
        parts = np.zeros(N)
        for part, sign in ((rows, 1.0), (np.setdiff1d(np.arange(N), rows), -1.0)):
            side = measure.prepared(measure.subset(whole, part))
            weight = whole.weight[part]  # type: ignore[index]
            parts[part] = sign * weight * plugin.influence(side)[1] / weight.sum()
        sums = np.array([parts[whole.group == code].sum() for code in np.unique(whole.group)])
        error = np.sqrt(sums.size / (sums.size - 1) * (sums**2).sum())
        assert found[name].upper == pytest.approx((found[name].difference or 0) + stats.t.ppf(0.975, sums.size - 1) * error, rel=1e-6)
        assert found[name].test_method == "cluster-t"


def test_p_values_are_corrected_over_the_slices_of_a_metric() -> None:
    """The family is one metric over all slices; scipy corrects it the same."""
    found = compared(sample("binary", "simple"), ["accuracy", "roc_auc"])
    for name in ("accuracy", "roc_auc"):
        wanted = stats.false_discovery_control([one[name].p_value for one in found])
        assert [one[name].p_adjusted for one in found] == pytest.approx(list(wanted), rel=1e-12)
        assert {one[name].tests for one in found} == {3}


def test_metrics_without_influence_values_are_left_out() -> None:
    """A maximum or a median has no influence values here, and so no comparison."""
    assert "max_error" not in compared(sample("regression", "simple"), NUMBERS)[0]


def test_what_cannot_be_compared_says_why() -> None:
    """All rows have no rest; a side without a positive has no recall; sides that never err show no variance with weights."""
    whole = sample("binary", "weight")
    names = ["accuracy", "recall", "f1"]
    plugins = measure.find(names, "binary", whole.labels)
    ready, overall = measure.prepared(whole), measure.measure(whole, names)

    def against(rows: np.ndarray) -> dict[str, RestComparison]:
        part = measure.measure(measure.subset(whole, rows), names)
        return rest.compare(ready, [rows], [part], overall, plugins, level=0.95)[0]

    assert against(np.arange(N))["accuracy"].undefined == "the slice is all rows"
    assert "undefined for the slice" in (against(np.flatnonzero(whole.target == 0))["recall"].undefined or "")
    assert against(np.flatnonzero(whole.target == 1))["recall"].undefined == "the metric is undefined for the rest"
    silent = against(np.flatnonzero(whole.target == whole.prediction))["f1"]
    assert (silent.reliable, silent.lower, silent.p_value) == (False, None, None)
    assert "contributes the same" in (silent.reason or "")
    few = against(np.arange(8))["accuracy"]
    assert not few.reliable
    assert "in the slice" in (few.reason or "")


def test_threads_change_nothing() -> None:
    """Two threads answer what one does."""
    whole = sample("binary", "simple")
    plugins = measure.find(BINARY, "binary", whole.labels)
    parts = [measure.measure(measure.subset(whole, rows), BINARY) for rows in slices()]
    args = (measure.prepared(whole), slices(), parts, measure.measure(whole, BINARY), plugins)
    assert rest.compare(*args, level=0.95, cpus=1) == rest.compare(*args, level=0.95, cpus=2)


def test_a_slice_like_the_rest_is_rarely_called_different() -> None:
    """Over random slices of one sample, 5 in 100 p-values lie below 0.05, and the intervals hold 0 in 95 of 100."""
    names = ["accuracy", "f1", "roc_auc", "average_precision", "log_loss"]
    below = dict.fromkeys(names, 0)
    turns = 120
    for seed in range(turns):
        whole = sample("binary", "simple", seed=seed)
        rows = np.flatnonzero(np.random.default_rng(1000 + seed).random(N) < 0.3)
        ready = measure.prepared(whole)
        part = measure.measure(measure.subset(whole, rows), names)
        plugins = measure.find(names, "binary", whole.labels)
        found = rest.compare(ready, [rows], [part], measure.measure(whole, names), plugins, level=0.95)[0]
        for name in names:
            below[name] += (found[name].p_value or 0.0) < 0.05
    for name, count in below.items():
        assert stats.binomtest(count, turns, 0.05).pvalue > 1e-3, (name, count)


def test_weights_are_sampling_weights() -> None:
    """Rescaling all weights changes nothing; the design of a sample of weight 1 is that of one without."""
    whole = sample("binary", "weight")
    doubled = sample("binary", "weight")
    object.__setattr__(doubled, "weight", np.asarray(doubled.weight) * 7)
    for one, two in zip(compared(whole, BINARY), compared(doubled, BINARY), strict=True):
        for name, value in one.items():
            assert value.upper == pytest.approx(two[name].upper, rel=1e-9), name
    assert Design(3, np.ones(3)).standard_error(np.array([1.0, -1, 0])) == Design(3).standard_error(np.array([1.0, -1, 0]))


def test_what_would_take_minutes_is_said_and_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric that must be sorted anew for every slice is left out of large reports, with the reason; the others are compared."""
    monkeypatch.setattr("mtf_evaluation.rest.ways.MOST_WORK", 10)
    found = compared(sample("multiclass", "simple"), ["roc_auc_ovr", "accuracy"])[0]
    assert "would take minutes" in (found["roc_auc_ovr"].undefined or "")
    assert found["roc_auc_ovr"].sentence.startswith("roc_auc_ovr cannot be compared")
    assert found["accuracy"].p_value is not None
