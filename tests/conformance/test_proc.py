"""Areas, DeLong's variances and tests against recorded values of R's pROC, on its own data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import mtf
from mtf.notebook import EvaluationReport
from mtf_evaluation import measure
from mtf_evaluation.metrics.facts import with_facts
from mtf_evaluation.statistics.area import delong_error
from tests.conformance.reference import TOLERANCE

PROC: dict[str, Any] = json.loads((Path(__file__).parent / "proc.json").read_text())
OUTCOME = np.array(PROC["data"]["outcome"])


def _score(name: str) -> np.ndarray:
    return np.array(PROC["data"][name], dtype=np.float64)


def _evaluated(name: str, metric: str) -> EvaluationReport:
    """A marker has no threshold of its own; areas need none."""
    score = _score(name)
    return mtf.evaluate(OUTCOME, y_pred=(score > np.median(score)).astype(int), y_score=score, labels=[0, 1], metrics=[metric])


def _influence(name: str) -> tuple[float, np.ndarray]:
    report = _evaluated(name, "roc_auc")
    ((_, plugin),) = measure.find(["roc_auc"], "binary").items()
    value, influence = plugin.influence(with_facts(report.sample, 0))
    return value, influence


@pytest.mark.parametrize("name", PROC["auc"])
def test_area_is_procs(name: str) -> None:
    """`auc(roc(outcome, marker))`."""
    assert _influence(name)[0] == pytest.approx(PROC["auc"][name], rel=TOLERANCE)


@pytest.mark.parametrize("name", PROC["var"])
def test_delongs_variance_is_procs(name: str) -> None:
    """`var(roc(outcome, marker))`: S10 / m + S01 / n, ties included."""
    assert delong_error(_influence(name)[1], OUTCOME == 1) ** 2 == pytest.approx(PROC["var"][name], rel=TOLERANCE)


@pytest.mark.parametrize("pair", PROC["cov"])
def test_delongs_covariance_is_procs(pair: str) -> None:
    """`cov(roc1, roc2)`: a quarter of what the variance of the sum has more than that of the difference."""
    one, other = (_influence(name)[1] for name in pair.split())
    together, apart = (delong_error(influence, OUTCOME == 1) ** 2 for influence in (one + other, one - other))
    assert (together - apart) / 4 == pytest.approx(PROC["cov"][pair], rel=1e-9)


def test_interval_is_procs_on_its_scale() -> None:
    """`ci.auc` is symmetric on the scale of the area; with our variance it is the same interval."""
    value, influence = _influence("ndka")
    half = stats.norm.ppf(0.975) * delong_error(influence, OUTCOME == 1)
    assert [value - half, value + half] == pytest.approx(PROC["ci"]["ndka"], rel=TOLERANCE)


@pytest.mark.parametrize("pair", PROC["test"])
def test_paired_test_is_procs(pair: str) -> None:
    """`roc.test(roc1, roc2)`: difference, z, p-value and interval of two markers of the same patients."""
    reports = [_evaluated(name, "roc_auc") for name in pair.split()]
    (found,) = mtf.compare(*reports).comparisons
    wanted = PROC["test"][pair]
    assert found.interval_method == "delong-paired"
    assert found.p_value == pytest.approx(wanted["p"], rel=1e-9)
    assert [found.lower, found.upper] == pytest.approx(wanted["ci"], rel=1e-9)
    assert found.difference is not None
    assert found.p_value is not None
    assert math.copysign(stats.norm.isf(found.p_value / 2), found.difference) == pytest.approx(wanted["z"], rel=1e-9)


@pytest.mark.parametrize("name", PROC["partial_auc"])
def test_partial_area_is_procs(name: str) -> None:
    """`auc(roc, partial.auc=c(1, .9), partial.auc.correct=TRUE)`: McClish's correction."""
    (found,) = _evaluated(name, "partial_auc(max_fpr=0.1)").metrics.values()
    assert found.value == pytest.approx(PROC["partial_auc"][name], rel=TOLERANCE)
