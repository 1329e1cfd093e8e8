"""What the built-in checks find, and where they keep silent."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mtf.contracts.report import Check
from mtf.plugins import Sample, load, names
from tests.unit.evaluation import samples


def check(name: str, sample: Sample) -> Check | None:
    """What a check says of a sample."""
    found: Check | None = load("check", name).check(sample)
    return found


def verdict(name: str, sample: Sample) -> str | None:
    """Its verdict, or None where it does not apply."""
    found = check(name, sample)
    return None if found is None else found.verdict


@pytest.mark.parametrize("sample", [samples.binary(100), samples.multiclass(300), samples.regression(100)])
def test_an_ordinary_model_passes_every_check(sample: Sample) -> None:
    """No false alarm on a model of moderate skill, and each check answers under its own name."""
    for name in names("check"):
        found = check(name, sample)
        if found is not None:
            assert (found.name, found.verdict) == (name, "pass")


def test_one_answer_for_all_rows_fails() -> None:
    """A constant model is told from a good one, for labels and for numbers."""
    binary, regression = samples.binary(100), samples.regression(100)
    assert verdict("constant_prediction", replace(binary, prediction=np.zeros(100, dtype=np.int32))) == "fail"
    assert verdict("constant_prediction", replace(regression, prediction=np.full(100, 5.0))) == "fail"
    assert verdict("constant_prediction", samples.binary(1)) is None


def test_scores_in_the_order_of_other_labels_are_noticed() -> None:
    """Turned scores fail; any single threshold is fine; labels that scores explain in part are left open."""
    binary = samples.binary(200)
    assert binary.scores is not None
    assert verdict("labels_follow_scores", replace(binary, scores=binary.scores[:, ::-1])) == "fail"
    strict: Any = (binary.scores[:, 1] >= 0.8).astype(np.int32)
    assert verdict("labels_follow_scores", replace(binary, prediction=strict)) == "pass"
    many = samples.multiclass(300)
    assert many.scores is not None
    assert verdict("labels_follow_scores", replace(many, scores=many.scores[:, [1, 2, 3, 0]])) == "fail"
    mixed = many.prediction.copy()
    mixed[:60] = (mixed[:60] + 1) % 4
    assert verdict("labels_follow_scores", replace(many, prediction=mixed)) == "inconclusive"
    assert verdict("labels_follow_scores", samples.regression(50)) is None
    assert verdict("labels_follow_scores", replace(binary, scores=None)) is None


def test_a_model_without_an_error_is_doubted() -> None:
    """Not one error in a hundred rows is a reason to look for leakage; a handful of rows is not."""
    binary, regression = samples.binary(100), samples.regression(100)
    assert verdict("too_good", replace(binary, prediction=binary.target)) == "inconclusive"
    assert verdict("too_good", replace(regression, prediction=regression.target + 1e-12)) == "inconclusive"
    few = samples.binary(20)
    assert verdict("too_good", replace(few, prediction=few.target)) is None


def test_rare_classes_are_named() -> None:
    """A class with fewer than ten rows is named with its count."""
    sample = replace(samples.binary(100), target=np.r_[np.ones(3), np.zeros(97)].astype(np.int32))
    found = check("class_support", sample)
    assert found is not None
    assert found.verdict == "inconclusive"
    assert "yes (3)" in found.detail
    assert found.evidence == {"rows": {"yes": 3}}
    assert verdict("class_support", samples.regression(50)) is None
