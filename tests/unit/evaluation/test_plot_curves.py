"""Bands and curves over a threshold: references, coverage, weights and groups."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as reference

from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.plots import build, curves, scores
from mtf_evaluation.plots.effective import clustered, wilson_many
from mtf_evaluation.statistics.proportion import wilson
from tests.unit.evaluation import samples


def test_many_shares_have_wilsons_limits() -> None:
    """The vectorised interval is the interval of one share; without rows there is none."""
    share, n = np.array([0.0, 0.2, 0.5, 1.0, 0.3]), np.array([5.0, 10.5, 200.0, 7.0, 0.0])
    lower, upper = wilson_many(share, n, 0.9)
    for index in range(4):
        one = wilson(float(share[index]), float(n[index]), 0.9)
        assert (lower[index], upper[index]) == pytest.approx((one.lower, one.upper), rel=1e-12)
    assert np.isnan(lower[4])
    assert np.isnan(upper[4])


def test_a_rectangle_holds_both_rates_of_a_threshold() -> None:
    """At fixed thresholds the true pair of rates lies in the rectangle in 95 % of test sets; 600 sets leave 1.8 % for chance."""
    random = np.random.default_rng(5)
    truth = {cut: (1 - _normal(cut - 1.0), 1 - _normal(cut)) for cut in (-0.5, 0.5, 1.5)}
    held = dict.fromkeys(truth, 0)
    for _ in range(600):
        target = (random.random(250) < 0.4).astype(np.int32)
        score = random.normal(size=250) + target
        positives, negatives = int(target.sum()), int((1 - target).sum())
        for cut, pair in truth.items():
            rates = [np.array([(score[target == code] >= cut).mean()]) for code in (1, 0)]
            limits = [wilson_many(rate, n, 0.95**0.5) for rate, n in zip(rates, (positives, negatives), strict=True)]
            held[cut] += all(low[0] <= true <= high[0] for true, (low, high) in zip(pair, limits, strict=True))
    for cut, count in held.items():
        assert 0.93 <= count / 600 <= 0.98, cut


def _normal(x: float) -> float:
    from scipy.stats import norm

    return float(norm.cdf(x))


def test_bands_hold_their_curve_and_name_their_threshold() -> None:
    """Every point lies inside its own band, and flagging from its threshold on gives its rates."""
    sample = samples.binary(900, digits=3)
    assert sample.scores is not None
    curve = curves.roc(sample)["curves"][0]
    positive = sample.target == 1
    for at, threshold in enumerate(curve["threshold"]):
        assert curve["y_lower"][at] <= curve["y"][at] <= curve["y_upper"][at]
        assert curve["x_lower"][at] <= curve["x"][at] <= curve["x_upper"][at]
        if threshold is not None:
            flagged = sample.scores[:, 1] >= threshold
            assert curve["y"][at] == pytest.approx(flagged[positive].mean(), abs=1e-5)
            assert curve["x"][at] == pytest.approx(flagged[~positive].mean(), abs=1e-5)
    assert curve["threshold"][0] is None


def test_weights_widen_bands_by_kish_and_repetition_moves_no_curve() -> None:
    """Integer weights draw the curve of repeated rows, and their band is wider, because weights are no rows."""
    sample, times = samples.binary(400, digits=2), np.random.default_rng(2).integers(1, 4, 400)
    heavy, long = curves.roc(samples.weighted(sample, times))["curves"][0], curves.roc(samples.repeated(sample, times))["curves"][0]
    assert (heavy["x"], heavy["y"]) == (long["x"], long["y"])
    middle = len(heavy["x"]) // 2
    assert heavy["y_upper"][middle] - heavy["y_lower"][middle] > long["y_upper"][middle] - long["y_lower"][middle]


def test_groups_widen_bands() -> None:
    """Rows that repeat each other in groups count as the groups do."""
    sample = samples.binary(200, digits=2)
    fives = samples.repeated(sample, np.full(200, 5))
    alone, together = curves.precision_recall(fives)["curves"][0], curves.precision_recall(samples.grouped(fives, 5))["curves"][0]
    once = curves.precision_recall(sample)["curves"][0]
    middle = len(once["x"]) // 2
    widths = [one["y_upper"][middle] - one["y_lower"][middle] for one in (alone, together, once)]
    assert widths[0] < widths[1]
    assert widths[1] == pytest.approx(widths[2], rel=0.15)


def test_a_design_effect_is_that_of_the_groups() -> None:
    """Copies in groups shrink to the groups, independent rows stay, and one group is one row."""
    values, group = np.repeat(np.random.default_rng(0).normal(size=100), 4), np.repeat(np.arange(100), 4)
    every = np.ones(400, dtype=np.bool_)
    assert clustered(values, None, group, every) == pytest.approx(0.25, rel=0.02)
    assert clustered(values, None, np.arange(400), every) == 1.0
    assert clustered(values, None, np.zeros(400, dtype=np.intp), every) == pytest.approx(1 / 400)


def test_gain_and_lift_are_what_sorting_says() -> None:
    """Gain at a depth is the recall of the rows above it, lift the precision there over the share of the class."""
    sample = samples.binary(700, digits=2)
    assert sample.scores is not None
    data, score, positive = scores.gain(sample), sample.scores[:, 1], sample.target == 1
    for x, gain, lift, low, high, threshold in zip(
        *(data[name] for name in ("x", "gain", "lift", "lift_lower", "lift_upper", "threshold")), strict=True
    ):
        flagged = score >= threshold
        assert x == pytest.approx(flagged.mean(), abs=1e-5)
        assert gain == pytest.approx(flagged[positive].mean(), abs=1e-5)
        assert lift == pytest.approx(positive[flagged].mean() / positive.mean(), rel=1e-4)
        assert low <= lift <= high
    assert (data["x"][-1], data["gain"][-1], data["lift"][-1]) == (1, 1, 1)


def test_thresholds_are_the_references() -> None:
    """Precision, recall, F1 and share at each threshold, null precision where nothing is flagged."""
    sample = samples.binary(500)
    assert sample.scores is not None
    data = scores.thresholds(sample)
    assert (data["x"][0], data["x"][-1]) == (0.0, 1.0)
    for at in range(0, 101, 7):
        chosen = (sample.scores[:, 1] >= at / 100).astype(int)
        assert data["flagged"][at] == pytest.approx(chosen.mean(), abs=1e-5)
        assert data["recall"][at] == pytest.approx(reference.recall_score(sample.target, chosen), abs=1e-5)
        assert data["f1"][at] == pytest.approx(reference.f1_score(sample.target, chosen, zero_division=0), abs=1e-5)
        if chosen.any():
            assert data["precision"][at] == pytest.approx(reference.precision_score(sample.target, chosen), abs=1e-5)
        else:
            assert data["precision"][at] is None
    assert data["in_use"][0] < 0.5 <= data["in_use"][1]
    odd = replace(sample, prediction=1 - sample.prediction)
    assert scores.thresholds(odd)["in_use"] is None


def test_costs_are_those_of_the_metric() -> None:
    """At the threshold in use the curve has the value of the metric that asked for it; the least cost lies on the curve."""
    sample = samples.binary(800)
    name = "expected_cost(false_negative=5)"
    canonical = next(iter(measure.find([name], "binary", sample.labels)))
    data = scores.thresholds(sample, 0.95, [canonical])["costs"][0]
    assert data["name"] == canonical
    assert data["y"][50] == pytest.approx(measure.measure(sample, [canonical])[canonical].value, rel=1e-5)
    assert data["least"][1] == min(data["y"])
    assert data["least"][1] < data["y"][50]


def test_plots_do_not_depend_on_the_order_of_rows() -> None:
    """The same rows in another order give the same data, byte for byte."""
    order = np.random.default_rng(9).permutation(2000)
    for sample in (samples.binary(2000, digits=3), samples.multiclass(2000), samples.regression(2000)):
        assert build(sample) == build(measure.subset(sample, order))


def test_a_class_that_nobody_has_draws_no_curve() -> None:
    """Of several classes only those with rows are drawn, in their own order."""
    random = np.random.default_rng(0)
    raw = random.random((200, 4))
    target = random.choice([0, 2], 200).astype(np.int32)
    sample = Sample("multiclass", target, raw.argmax(axis=1).astype(np.int32), raw / raw.sum(axis=1, keepdims=True), tuple("abcd"))
    assert [one["label"] for one in curves.roc(sample)["curves"]] == ["a", "c"]
