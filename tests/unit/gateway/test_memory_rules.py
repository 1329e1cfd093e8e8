"""Rules over many runs: whose model it is, what looks cost, what changed, what a run is measured by next."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from mtf.contracts.job import Validated
from mtf_gateway.memory.identity import metric_name, model_key, version_of
from mtf_gateway.memory.looks import FEWEST, counted, optimism, warn_from
from mtf_gateway.memory.past import holm
from mtf_gateway.reevaluation import work
from mtf_gateway.reevaluation.changes import gate_changes, metric_changes, outdated
from mtf_gateway.reevaluation.work import Skipped

SCORED = {"ref": "artifacts:inference/x", "sha256": "a" * 64, "size": 3}


def look(model: str, at: float = 0.0) -> Any:
    """A run as a look sees it."""
    return {"model_inputs": {"model": {"sha256": model}}, "model_spec": {}, "created_at": at}


def test_a_model_is_its_bytes_and_how_it_is_read() -> None:
    """The same file under two names is one model; other bytes, another threshold and another endpoint are others."""
    one = model_key({"model": {"sha256": "a", "ref": "models:x"}}, {"threshold": 0.5})
    assert one == model_key({"model": {"sha256": "a", "ref": "models:y"}}, {"threshold": 0.5})
    others = [
        model_key({"model": {"sha256": "b"}}, {"threshold": 0.5}),
        model_key({"model": {"sha256": "a"}}, {"threshold": 0.4}),
        model_key({}, {"loader": {"name": "endpoint", "args": {"url": "http://a"}}}),
        model_key(None, None),
    ]
    assert len({one, *others}) == 5


def test_a_metric_is_known_by_its_name() -> None:
    """Arguments do not change whose version it is."""
    assert metric_name("f_beta(beta=2, class='a(b')") == "f_beta"
    assert version_of({"metric:f_beta": "3"}, "f_beta(beta=2)") == "3"
    assert version_of({"f_beta": "3"}, "f_beta") is None


def test_optimism_bounds_what_simulated_equal_models_gain() -> None:
    """The best of k equal classifiers beats the truth by less than sqrt(ln k / 2n) on average, and by a good part of it."""
    dice = np.random.default_rng(1)
    for models, rows in ((2, 50), (10, 200), (100, 1000)):
        best = dice.binomial(rows, 0.5, size=(2000, models)).max(axis=1) / rows - 0.5
        assert 0.45 * optimism(models, rows) < best.mean() < optimism(models, rows)
    assert optimism(1, 100) == optimism(5, 0) == 0.0


def test_a_warning_needs_more_models_the_more_rows_there_are() -> None:
    """From the least number on the bound exceeds an interval's half-width and 0.01; one model fewer does not."""
    assert warn_from(100) == FEWEST
    for rows in (20_000, 60_000):
        models = warn_from(rows)
        assert models is not None
        assert optimism(models, rows) >= 0.01 > optimism(models - 1, rows)
    assert warn_from(1_000_000) is None
    half = 1.959964 * 0.5
    assert optimism(FEWEST, 100) * math.sqrt(100) > half > optimism(FEWEST - 1, 100) * math.sqrt(100)


def test_looks_count_models_and_say_what_it_means() -> None:
    """Runs and models, since when, and a sentence; seven models on a hundred rows are a warning."""
    few = counted("k", [look("a", 5.0), look("a", 9.0), look("b", 86_400.0)], 100)
    assert (few.runs, few.models, few.since, few.warning) == (3, 2, "1970-01-01T00:00:05.000Z", False)
    assert few.optimism == pytest.approx(math.sqrt(math.log(2) / 200))
    assert "2 models were scored on these test rows since 1970-01-01, in 3 runs." in few.sentence
    many = counted("k", [look(str(number)) for number in range(7)], 100)
    assert many.warning
    assert "Confirm the winner once on rows that nobody has looked at" in many.sentence
    assert counted("k", [look("a")], 100).sentence == "1 model was scored on these test rows since 1970-01-01."
    unknown = counted("k", [look("a"), look("b")], None)
    assert (unknown.optimism, unknown.warning) == (None, False)
    assert counted("k", [], None).sentence == "Nobody has looked at these test rows yet."


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_holm_is_statsmodels(p_values: list[float | None]) -> None:
    """The same corrected p-values, in place, with those that are missing left out of the family."""
    there = [p for p in p_values if p is not None]
    expected = iter(multipletests(there, method="holm")[1] if there else [])
    for p, found in zip(p_values, holm(p_values), strict=True):
        assert (found is None) == (p is None)
        if found is not None:
            assert found == pytest.approx(next(expected), rel=1e-12, abs=0)


def gate(expression: str, verdict: str, **observed: Any) -> dict[str, Any]:
    """A judged gate."""
    return {"expression": expression, "verdict": verdict, "observed": observed, "reason": ""}


def test_gate_changes_are_verdicts_that_differ() -> None:
    """A new value with the old verdict is no change; new and removed gates are; a comparison's number is its difference."""
    before = [gate("a >= 1", "pass", value=1.0), gate("b >= 1", "pass", value=2.0), gate("old", "fail", value=None)]
    after = [gate("a >= 1", "fail", value=0.5), gate("b >= 1", "pass", value=1.5), gate("new", "pass", value=0.9, difference=-0.1)]
    found = gate_changes(before, after)
    assert [(one.gate, one.before, one.after, one.value_before, one.value_after) for one in found] == [
        ("a >= 1", "pass", "fail", 1.0, 0.5),
        ("old", "fail", None, None, None),
        ("new", None, "pass", None, -0.1),
    ]


def test_metric_changes_are_values_that_differ() -> None:
    """Value, limits, reliability or definedness; another wording is no change. Each with its version before and after."""
    same = {"value": 0.5, "lower": 0.4, "upper": 0.6, "reliable": True, "undefined": None}
    before = {"a": same, "b": same, "c": same}
    after = {
        "a": {**same, "reason": "said otherwise"},
        "b": {**same, "upper": 0.7},
        "c": {**same, "value": None, "undefined": "no"},
        "d": same,
    }
    found = metric_changes(before, after, {"metric:b": "1"}, {"metric:b": "2", "metric:d": "1"})
    assert [(one.metric, one.before, one.after, one.version_before, one.version_after, one.new) for one in found] == [
        ("b", 0.5, 0.5, "1", "2", False),
        ("c", 0.5, None, None, None, False),
        ("d", None, 0.5, None, "1", True),
    ]


def test_outdated_are_metrics_in_the_result_with_another_version() -> None:
    """A metric that the run does not show, or that is not installed any more, does not make it outdated."""
    versions = {"metric:f_beta": "1", "metric:mcc": "1"}
    assert outdated({"f_beta(beta=2)": {}}, versions, {"f_beta": 2})
    assert not outdated({"f_beta(beta=2)": {}}, versions, {"f_beta": 1, "mcc": 2})
    assert not outdated({"f_beta(beta=2)": {}}, versions, {"mcc": 2})
    assert not outdated({"new": {}}, versions, {"new": 2})


def rows(**changes: Any) -> tuple[Any, Any]:
    """A run and its stages."""
    run = {
        "id": "r",
        "status": "succeeded",
        "spec": {"evaluation": {"gates": ["accuracy >= 0.5"], "slices": ["sex"]}},
        "plan": {"warnings": ["planned"]},
        "metrics": {"accuracy": {}, "coverage": {}},
        **changes,
    }
    request = {"spec": {"task": "binary", "labels": [0, 1], "titles": {"name": "n"}, "seed": 3}, "inputs": {"scored": SCORED}}
    stages = {
        "inference": {"outputs": {"test.scored": SCORED}, "warnings": ["inferred"], "facts": {}},
        "evaluation": {"request": request, "fingerprint": "f", "versions": {"metric:accuracy": "1"}, "warnings": ["judged"]},
    }
    return run, stages


def test_a_run_is_measured_as_before_with_what_is_asked() -> None:
    """Spec and inputs are those the worker got; the checked section takes the place of its part; a default set is written out first."""
    run, stages = rows()
    found = work.subject(run, stages, None)
    assert found.warnings == ["planned", "inferred"]
    section = work.section(found, {"metrics": ["mcc", "accuracy"], "gates": ["mcc >= 0"]})
    assert section == {"task": "binary", "gates": ["accuracy >= 0.5", "mcc >= 0"], "slices": ["sex"], "metrics": ["accuracy", "mcc"]}
    assert work.section(found, {}) == {"task": "binary", "gates": ["accuracy >= 0.5"], "slices": ["sex"]}
    asked = work.job(found, Validated(spec={"metrics": ["mcc"], "slices": [["sex"]], "gates": [], "level": 0.9, "task": "multiclass"}))
    assert asked.inputs["scored"].sha256 == "a" * 64
    assert {key: asked.spec[key] for key in ("kind", "task", "seed", "metrics", "level", "titles")} == {
        "kind": "report",
        "task": "binary",
        "seed": 3,
        "metrics": ["mcc"],
        "level": 0.9,
        "titles": {"name": "n"},
    }


def test_the_next_evaluation_starts_from_the_newest() -> None:
    """Its section, fingerprint and versions; revision 1 keeps those that came with the run."""
    run, stages = rows()
    newest: Any = {"evaluation": {"metrics": ["f1"], "task": "binary"}, "fingerprint": "g", "versions": {"metric:f1": "2"}}
    found = work.subject(run, stages, newest)
    assert (found.evaluation["metrics"], found.fingerprint, found.versions) == (["f1"], "g", {"metric:f1": "2"})
    assert (found.first["fingerprint"], found.first["evaluation"]["gates"]) == ("f", ["accuracy >= 0.5"])
    assert work.section(found, {"gates": ["f1 >= 0"], "replace": True}) == {"metrics": ["f1"], "gates": ["f1 >= 0"], "task": "binary"}
    assert work.section(found, {"metrics": ["mcc"], "replace": True})["gates"] == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda run, stages: (None, stages), "deleted"),
        (lambda run, stages: ({**run, "status": "failed"}, stages), "failed"),
        (lambda run, stages: (run, {**stages, "inference": {**stages["inference"], "outputs": {}}}), "no predictions"),
        (lambda run, stages: (run, {"evaluation": stages["evaluation"]}), "no predictions"),
        (lambda run, stages: (run, {**stages, "evaluation": {**stages["evaluation"], "request": None}}), "rerun"),
    ],
)
def test_a_run_without_what_is_needed_is_skipped(change: Any, why: str) -> None:
    """The reason says what is missing."""
    with pytest.raises(Skipped, match=why):
        work.subject(*change(*rows()), None)
