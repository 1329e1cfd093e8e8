"""Paired comparisons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mtf.contracts.report import Comparison
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation.compare import adjusted, compare
from mtf_evaluation.sentences import odds
from tests.unit.evaluation import samples


def _worse(sample: Sample, seed: int = 1, noise: float = 0.15) -> Sample:
    """The same rows with noisier predictions."""
    random = np.random.default_rng(seed)
    if sample.scores is None:
        return replace(sample, prediction=sample.prediction + random.normal(size=sample.target.size))
    scores = np.clip(sample.scores + noise * random.normal(size=sample.scores.shape), 0.01, None)
    scores /= scores.sum(axis=1, keepdims=True)
    return replace(sample, scores=scores, prediction=scores.argmax(axis=1).astype(np.int32))


def _by_name(found: list[Comparison]) -> dict[str, Comparison]:
    return {one.metric: one for one in found}


PAIRS = [samples.binary(500), samples.multiclass(500), samples.regression(500)]


@pytest.mark.parametrize("sample", PAIRS)
def test_difference_is_a_minus_b(sample: Sample) -> None:
    """Differences, intervals and p-values are there for every metric with a paired test, and hang together."""
    found = compare(sample, _worse(sample), None, baseline="old")
    for one in found:
        assert one.value is not None
        assert one.baseline_value is not None
        assert one.difference == pytest.approx(one.value - one.baseline_value)
        assert one.sentence
        if one.metric in ("ece", "max_error"):
            assert one.lower is None
            continue
        assert one.lower is not None
        assert one.upper is not None
        assert one.p_value is not None
        assert one.difference is not None
        assert one.lower < one.difference < one.upper
        if abs(one.p_value - 0.05) > 1e-3:
            assert (one.lower > 0 or one.upper < 0) == (one.p_value < 0.05), one.metric


@pytest.mark.parametrize("sample", PAIRS)
def test_swapped_models_mirror(sample: Sample) -> None:
    """The difference a minus b is the negative of b minus a, with the same p-value."""
    other = _worse(sample)
    one, mirrored = _by_name(compare(sample, other, None, baseline="x")), _by_name(compare(other, sample, None, baseline="x"))
    for name, found in one.items():
        assert found.difference == pytest.approx(-(mirrored[name].difference or 0.0))
        assert found.p_value == (None if mirrored[name].p_value is None else pytest.approx(mirrored[name].p_value))
        if found.lower is not None:
            assert found.lower == pytest.approx(-(mirrored[name].upper or 0.0), rel=1e-6)


@pytest.mark.parametrize("sample", PAIRS)
@pytest.mark.parametrize("design", ["plain", "weighted", "grouped"])
def test_identical_predictions(sample: Sample, design: str) -> None:
    """A model against itself: difference 0, p 1, and what an unseen disagreement leaves open."""
    if design == "weighted":
        sample = samples.weighted(sample, np.arange(sample.target.size) % 3 + 1)
    if design == "grouped":
        sample = samples.grouped(sample, 5)
    for one in compare(sample, replace(sample), None, baseline="old"):
        assert one.difference == 0
        assert one.p_value == 1
        assert "no difference" in one.sentence
        if one.interval_method != "none":
            assert one.lower is not None
            assert one.upper is not None
            assert one.lower < 0 < one.upper


def test_means_are_the_paired_t_test() -> None:
    """For mae the p-value is that of the paired t-test on absolute errors."""
    sample = samples.regression(60)
    other = _worse(sample)
    wanted = stats.ttest_rel(np.abs(sample.prediction - sample.target), np.abs(other.prediction - other.target))
    assert _by_name(compare(sample, other, ["mae"], baseline="old"))["mae"].p_value == pytest.approx(wanted.pvalue, rel=1e-9)


def test_constant_shift_has_no_uncertainty() -> None:
    """A baseline that is off by the same amount everywhere has an exact difference in bias: no interval, and a reason."""
    sample = samples.regression(60)
    one = compare(sample, replace(sample, prediction=sample.prediction + 1), ["bias"], baseline="old")[0]
    assert one.difference == pytest.approx(-1)
    assert one.lower is None
    assert one.p_value is None
    assert "same on every row" in (one.reason or "")


def test_undefined_side_is_named() -> None:
    """A metric without a value on one side has no difference and says whose fault it is."""
    sample = samples.binary(100)
    one = compare(sample, replace(sample, scores=None), ["roc_auc"], baseline="old")[0]
    assert one.difference is None
    assert "the baseline" in (one.undefined or "")
    assert "old" in one.sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": np.zeros(100, dtype=np.int32)}, "truth differs"),
        ({"labels": ("a", "b")}, "other labels"),
        ({"weight": np.ones(100)}, "weights or groups"),
    ],
)
def test_other_rows_are_refused(change: dict[str, object], words: str) -> None:
    """Runs on other rows, labels or weights cannot be paired."""
    sample = samples.binary(100)
    with pytest.raises(DataError, match=words):
        compare(sample, replace(sample, **change), None, baseline="old")  # type: ignore[arg-type]  # fields by name
    with pytest.raises(DataError, match="rows"):
        compare(sample, samples.binary(99), None, baseline="old")


def test_families_are_corrected_apart() -> None:
    """Holm over what gates name, Benjamini and Hochberg over the rest."""
    found = _by_name(compare(samples.binary(400), _worse(samples.binary(400)), None, baseline="old", gated=["accuracy", "roc_auc"]))
    gates = sorted((one for one in found.values() if one.family == "gates"), key=lambda one: one.p_value or 0)
    assert [one.metric for one in found.values() if one.family == "gates"] == ["accuracy", "roc_auc"]
    assert gates[0].p_adjusted == pytest.approx(min(1, 2 * (gates[0].p_value or 0)))
    for one in found.values():
        if one.p_value is not None:
            assert one.p_adjusted is not None
            assert one.p_adjusted >= one.p_value - 1e-15


def test_correction_can_be_repeated() -> None:
    """Correcting a longer list starts from the raw p-values again."""
    found = compare(samples.binary(400), _worse(samples.binary(400)), None, baseline="old")
    assert adjusted(found) == found
    assert len(adjusted([*found, *found])) == 2 * len(found)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "100 of 100"),
        (0.34, "34 of 100"),
        (0.012, "12 of 1,000"),
        (0.0021, "1 of 480"),
        (0.0001, "1 of 10,000"),
        (3.2e-7, "1 of 3,100,000"),
        (1e-12, "fewer than 1 of 1,000,000,000"),
    ],
)
def test_odds_in_words(p: float, text: str) -> None:
    """A p-value as a person says it."""
    assert odds(p) == text


@pytest.mark.slow
def test_paired_tests_keep_their_level() -> None:
    """Two equally good models are told apart in about 5 of 100 test sets, by every paired method."""
    names = ["accuracy", "f1", "roc_auc", "average_precision", "log_loss", "brier"]
    wrong = dict.fromkeys(names, 0)
    for seed in range(400):
        random = np.random.default_rng([7, seed])
        target = (random.random(400) < 0.4).astype(np.int32)
        common = 1.5 * target + random.normal(size=400) - 0.7
        pair = []
        for _ in range(2):
            score = 1 / (1 + np.exp(-(common + 0.7 * random.normal(size=400))))
            pair.append(Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), (0, 1)))
        for one in compare(pair[0], pair[1], names, baseline="b"):
            wrong[one.metric] += (one.p_value or 1.0) < 0.05
    for name, count in wrong.items():
        assert 0.02 <= count / 400 <= 0.09, (name, count)
