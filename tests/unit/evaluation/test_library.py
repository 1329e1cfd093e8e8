"""`mtf.evaluate` and `mtf.compare` on what people hold in a notebook."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import metrics as oracle

import mtf
from mtf.contracts.report import Report
from mtf.errors import DataError, MtfError, SpecError, UsageError

TRUTH = [0, 1, 1, 0, 1, 0, 1, 1, 0, 1] * 6
SCORE = [0.1, 0.8, 0.6, 0.4, 0.3, 0.2, 0.9, 0.7, 0.6, 0.55] * 6


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        np.array,
        pd.Series,
        pa.array,
        lambda values: pa.chunked_array([values[:10], values[10:]]),
        lambda values: pd.Series(values, dtype="Float64" if isinstance(values[0], float) else "Int64"),
        lambda values: np.array(values)[:, None],
        lambda values: np.array(values, dtype=object),
    ],
)
def test_every_kind_of_column(make: Any) -> None:
    """Lists, numpy, pandas (nullable types too) and Arrow give the same report."""
    wanted, found = mtf.evaluate(TRUTH, y_score=SCORE), mtf.evaluate(make(TRUTH), y_score=make(SCORE))
    assert found.metrics == wanted.metrics
    assert found.task == "binary"
    assert found.metrics["roc_auc"].value == pytest.approx(oracle.roc_auc_score(TRUTH, SCORE))


def test_scores_of_one_and_two_columns() -> None:
    """(n,) and predict_proba's (n, 2) are the same, as array, list or frame."""
    table = np.stack([1 - np.array(SCORE), SCORE], axis=1)
    wanted = mtf.evaluate(TRUTH, y_score=SCORE).metrics
    for scores in (table, table.tolist(), pd.DataFrame(table), table.astype(np.float32).astype(np.float64)):
        found = mtf.evaluate(TRUTH, y_score=scores).metrics
        assert found["log_loss"].value == pytest.approx(wanted["log_loss"].value, rel=1e-6)


@pytest.mark.parametrize("positive", ["good", "bad"])
def test_positive_label_decides_the_column(positive: str) -> None:
    """Whatever label is positive, its own column is read: in sorted order, or in that of `labels`."""
    truth = np.array(["bad", "good"])[TRUTH]
    good = np.array(SCORE)
    own = good if positive == "good" else 1 - good
    wanted = oracle.average_precision_score(truth == positive, own)
    table = np.stack([1 - good, good], axis=1)
    for found in (
        mtf.evaluate(truth, y_score=table, positive=positive),
        mtf.evaluate(truth, y_score=table[:, ::-1], labels=["good", "bad"], positive=positive),
        mtf.evaluate(truth, y_score=own, positive=positive),
        mtf.evaluate(truth, y_score=own, positive=positive, labels=["good", "bad"]),
    ):
        assert found.metrics["average_precision"].value == pytest.approx(wanted)
        assert found.metrics["accuracy"].value == pytest.approx(np.mean((own >= 0.5) == (truth == positive)))
        assert found.labels is not None
        assert found.labels[1] == positive


@pytest.mark.parametrize(
    ("truth", "prediction", "task"),
    [
        ([0, 1, 1, 0], [0, 1, 0, 0], "binary"),
        ([True, False, True], [True, True, True], "binary"),
        ([0.0, 1.0, 1.0], [0.0, 1.0, 1.0], "binary"),
        (["a", "b", "c"], ["a", "b", "b"], "multiclass"),
        ([1, 2, 3, 3], [1, 2, 2, 3], "multiclass"),
        (list(range(30)), list(range(30)), "regression"),
        ([1.5, 2.5], [1.0, 3.0], "regression"),
        ([0.5, 1.0, 2.0], [0, 1, 2], "regression"),
    ],
)
def test_task_is_inferred(truth: list[Any], prediction: list[Any], task: str) -> None:
    """Two values binary, text or few integers multiclass, else regression."""
    assert mtf.evaluate(truth, y_pred=prediction).task == task


def test_predicted_label_that_the_truth_lacks() -> None:
    """A class that only the model names is a class of the task."""
    found = mtf.evaluate(["a", "b", "b", "c"], y_pred=["a", "d", "b", "c"])
    assert found.labels == ["a", "b", "c", "d"]


def test_booleans_and_numbers_meet() -> None:
    """True is 1: a model that answers integers can be tested against booleans."""
    found = mtf.evaluate([True, False, True, False], y_pred=[1, 0, 0, 0])
    assert found.metrics["accuracy"].value == 0.75


BAD: list[tuple[str, dict[str, Any]]] = [
    ("y_pred", {"y_true": [1, 0], "y_pred": [1]}),
    ("y_score", {"y_true": [1, 0], "y_score": [0.4]}),
    ("y_score", {"y_true": [1, 0], "y_pred": [1, 0], "y_score": [0.4]}),
    ("y_pred", {"y_true": [1, 0]}),
    ("y_true", {"y_true": [], "y_pred": []}),
    ("y_true", {"y_true": [1, None, 0], "y_pred": [1, 0, 1]}),
    ("y_pred", {"y_true": [1, 0], "y_pred": [1, float("nan")]}),
    ("y_pred", {"y_true": [1.5, 0.2], "y_pred": [1.0, float("inf")]}),
    ("y_score", {"y_true": [1, 0], "y_score": [0.1, float("nan")]}),
    ("y_score", {"y_true": [1, 0], "y_score": [[0.1, 0.9], [float("nan"), 1]]}),
    ("y_true", {"y_true": [1, "a"], "y_pred": [1, 0]}),
    ("y_pred", {"y_true": [1, 0], "y_pred": ["1", "0"]}),
    ("y_pred", {"y_true": ["a", "b"], "y_pred": ["a", "c"], "positive": "a"}),
    ("y_true", {"y_true": ["a", "c"], "y_pred": ["a", "b"], "labels": ["a", "b"], "positive": "a"}),
    ("y_true", {"y_true": [1, 1], "y_pred": [1, 1]}),
    ("y_true", {"y_true": [0, 1, 2], "y_pred": [0, 1, 2], "task": "binary"}),
    ("y_score", {"y_true": [1, 0], "y_score": [3.0, -2.0]}),
    ("y_score", {"y_true": [0, 1, 2], "y_score": [0.1, 0.2, 0.3]}),
    ("y_score", {"y_true": [0, 1, 2], "y_score": [[0.1, 0.9]] * 3}),
    ("y_score", {"y_true": [0, 1], "y_score": [[0.1, 0.9], [0.1]]}),
    ("y_score", {"y_true": [0, 1], "y_score": ["a", "b"]}),
    ("y_score", {"y_true": [0.5, 1.5], "y_score": [0.1, 0.2]}),
    ("y_true", {"y_true": ["a", "b"], "y_pred": [1, 2], "task": "regression"}),
    ("y_true", {"y_true": np.zeros((3, 2)), "y_pred": [1, 2, 3]}),
    ("y_true", {"y_true": "yes", "y_pred": ["yes"]}),
    ("y_true", {"y_true": [object(), object()], "y_pred": [1, 0]}),
    ("positive", {"y_true": ["a", "b"], "y_pred": ["a", "b"]}),
    ("positive", {"y_true": ["a", "b"], "y_pred": ["a", "b"], "positive": "z"}),
    ("labels", {"y_true": [0, 1], "y_pred": [0, 1], "labels": [0, 0]}),
    ("labels", {"y_true": [0, 1], "y_pred": [0, 1], "labels": [0, 1, 2], "task": "binary"}),
    ("task", {"y_true": [0, 1], "y_pred": [0, 1], "task": "ranking"}),
    ("level", {"y_true": [0, 1], "y_pred": [0, 1], "level": 95}),
    ("weight", {"y_true": [0, 1], "y_pred": [0, 1], "weight": [1, -1]}),
    ("weight", {"y_true": [0, 1], "y_pred": [0, 1], "weight": [0, 0]}),
    ("weight", {"y_true": [0, 1], "y_pred": [0, 1], "weight": [1]}),
    ("weight", {"y_true": [0, 1], "y_pred": [0, 1], "weight": ["a", "b"]}),
    ("group", {"y_true": [0, 1], "y_pred": [0, 1], "group": [1]}),
    ("slices", {"y_true": [0, 1], "y_pred": [0, 1], "slices": [[1, 2]]}),
    ("slices['a']", {"y_true": [0, 1], "y_pred": [0, 1], "slices": {"a": [1]}}),
    ("metrics", {"y_true": [0, 1], "y_pred": [0, 1], "metrics": ["acuracy"]}),
    ("metrics", {"y_true": [0, 1], "y_pred": [0, 1], "metrics": ["mae"]}),
]


@pytest.mark.parametrize(("field", "arguments"), BAD)
def test_bad_argument_is_named(field: str, arguments: dict[str, Any]) -> None:
    """Whatever is wrong: our own error, that names the argument, in at most a few lines."""
    with pytest.raises(MtfError) as caught:
        mtf.evaluate(**arguments)
    assert caught.value.field == field
    assert isinstance(caught.value, DataError | SpecError)
    assert len(str(caught.value)) < 400


def test_a_trace_says_what_to_do() -> None:
    """Who sees the trace alone, in a notebook or a test, reads the argument, what was found and what to write instead."""
    with pytest.raises(MtfError) as caught:
        mtf.evaluate([0, 1], y_pred=[0, 1], metrics=["npvv"])
    trace = "".join(traceback.format_exception_only(caught.value))
    assert trace.splitlines()[1:] == ["  field: metrics", "  found: npvv", "  fix: did you mean `npv`?"]


def test_odd_input_that_is_fine() -> None:
    """One row, absurd numbers, logits beside labels: values or nulls with reasons, never an exception or a warning."""
    one = mtf.evaluate([1], y_pred=[1], labels=[0, 1])
    assert one.metrics["accuracy"].value == 1
    huge = mtf.evaluate([1e300, -1e300, 3.0], y_pred=[-1e300, 1e300, 1.0])
    assert huge.metrics["rmse"].value is None
    logits = mtf.evaluate([1, 0, 1], y_pred=[1, 0, 1], y_score=[3.0, -2.0, 1.0])
    assert logits.metrics["roc_auc"].value == 1
    assert "not probabilities" in (logits.metrics["log_loss"].undefined or "")
    sums = mtf.evaluate([0, 1, 2], y_score=[[0.2, 0.3, 0.4], [0.5, 0.6, 0.5], [0.1, 0.2, 0.3]])
    assert "sum to 1" in (sums.metrics["brier"].undefined or "")


def test_arguments_are_left_alone() -> None:
    """No argument is changed."""
    truth, score, weight = np.array(TRUTH), np.array(SCORE), np.arange(60.0)
    before = [array.copy() for array in (truth, score, weight)]
    mtf.evaluate(truth, y_score=score, weight=weight)
    for array, old in zip((truth, score, weight), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_slices_by_bins_and_conditions() -> None:
    """`slice_by` parts the columns of `slices` as a run file does; each slice is compared with the rest."""
    frame = {"age": list(range(60)), "sex": ["f", "m"] * 30}
    forms = [{"column": "age", "bins": [20]}, ["sex", {"where": "age >= 55", "name": "old"}], {"column": "age", "quantiles": 2}]
    report = mtf.evaluate(TRUTH, y_score=SCORE, slices=frame, slice_by=forms)
    assert [(part.name, part.rows) for part in report.slices] == [
        ("age below 20", 20),
        ("age 20 and above", 40),
        ("sex=f, old", 2),
        ("sex=m, old", 3),
        ("age Q1 [0, 29.5)", 30),
        ("age Q2 [29.5, 59]", 30),
    ]
    assert report.slices[4].edges == {"age": (0, 29.5)}
    assert report.slices[2].condition == "(age >= 55)"
    against = report.slices[0].versus_rest["accuracy"]
    assert against.n_rest == 40
    assert against.value == report.slices[0].metrics["accuracy"].value
    assert against.rest == report.slices[1].metrics["accuracy"].value
    assert against.tests == 4
    assert "in the 40 other rows" in against.sentence


def test_small_slices_are_listed_with_the_reason() -> None:
    """Below the least number of rows a slice has its rows, null metrics and no comparison; the number is the caller's to choose."""
    frame = {"part": ["a"] * 4 + ["b"] * 56}
    small = mtf.evaluate(TRUTH, y_score=SCORE, slices=frame).slices[0]
    assert (small.name, small.rows, small.versus_rest) == ("part=a", 4, {})
    assert small.metrics["accuracy"].value is None
    assert "the slice has 4 rows; slices are measured from 10" in (small.metrics["accuracy"].undefined or "")
    assert mtf.evaluate(TRUTH, y_score=SCORE, slices=frame, slice_min_rows=1).slices[0].metrics["accuracy"].value is not None


def test_a_wrong_way_to_slice_is_named() -> None:
    """Errors of `slice_by` name the entry."""
    for form, field in (({"column": "age", "binz": [1]}, "slice_by[0].binz"), ({"where": "age >"}, "slice_by[0].where")):
        with pytest.raises(SpecError) as caught:
            mtf.evaluate(TRUTH, y_score=SCORE, slices={"age": list(range(60))}, slice_by=[form])
        assert caught.value.field == field


def test_slices_by_value() -> None:
    """Each column of the frame is sliced by value; missing values are a slice of their own."""
    frame = pd.DataFrame({"sex": ["m", "f", None] * 20, "old": [True, False] * 30})
    report = mtf.evaluate(TRUTH, y_score=SCORE, slices=frame)
    assert {part.name: part.rows for part in report.slices} == {
        "sex=f": 20,
        "sex=m": 20,
        "sex=(missing)": 20,
        "old=false": 30,
        "old=true": 30,
    }
    part = next(part for part in report.slices if part.name == "old=true")
    assert part.metrics["accuracy"].value == pytest.approx(np.mean((np.array(SCORE)[::2] >= 0.5) == np.array(TRUTH)[::2]))


def test_weights_and_groups_enter() -> None:
    """Weights move the value, groups widen the interval."""
    plain = mtf.evaluate(TRUTH, y_score=SCORE).metrics["log_loss"]
    weighted = mtf.evaluate(TRUTH, y_score=SCORE, weight=np.arange(60)).metrics["log_loss"]
    assert weighted.value == pytest.approx(oracle.log_loss(TRUTH, SCORE, sample_weight=np.arange(60)))
    grouped = mtf.evaluate(TRUTH, y_score=SCORE, group=["p", "q", "r", "s", "t", "u"] * 10).metrics["log_loss"]
    assert grouped.method == "sandwich-log"
    assert plain.value == grouped.value


def test_report_shows_itself() -> None:
    """JSON is the contract's document; frame, page, text and notebook views hold the same numbers."""
    report = mtf.evaluate(TRUTH, y_score=SCORE, slices={"half": [0] * 30 + [1] * 30})
    again = Report.model_validate_json(report.to_json())
    assert again.metrics == report.metrics
    assert json.loads(report.to_json(indent=2))["schema_version"] == "1.0"
    frame = report.to_frame()
    assert len(frame) == 3 * len(report.metrics)
    assert frame.set_index(["slice", "metric"]).loc[("", "roc_auc"), "value"] == report.metrics["roc_auc"].value
    assert report.to_html().lstrip().lower().startswith("<!doctype html>")
    assert "roc_auc" in report._repr_html_()
    assert "roc_auc" in str(report)


def test_comparison_shows_itself() -> None:
    """A comparison has a sentence per metric, and the same views."""
    a, b = mtf.evaluate(TRUTH, y_score=SCORE), mtf.evaluate(TRUTH, y_score=[1 - one for one in SCORE])
    found = mtf.compare(a, b)
    assert [one.metric for one in found.comparisons] == list(a.metrics)
    assert found.rows == 60
    assert "test sets" in str(found)
    assert len(found.to_frame()) == len(a.metrics)
    assert "<table>" in found._repr_html_()
    assert json.loads(found.to_json())["paired"] is True
    assert [one.metric for one in mtf.compare(a, b, metrics=["accuracy"], level=0.9).comparisons] == ["accuracy"]


def test_many_models_are_compared_by_name() -> None:
    """A list, a dictionary or arguments with names: every two, or each against the baseline; ranks and overall tests show themselves."""
    a, b, c = (mtf.evaluate(TRUTH, y_score=[min(max(one + 0.02 * k * (-1) ** i, 0), 1) for i, one in enumerate(SCORE)]) for k in (0, 5, 30))
    for found in (mtf.compare(a, b, c), mtf.compare([a, b, c])):
        assert [(one.run, one.baseline) for one in found.comparisons[:3]] == [("a", "b"), ("a", "c"), ("b", "c")]
        assert [one.label for one in found.runs] == ["a", "b", "c"]
    named = mtf.compare({"big": a, "small": b, "old": c}, baseline="old", metrics=["accuracy", "roc_auc"])
    assert {(one.run, one.baseline) for one in named.comparisons} == {("big", "old"), ("small", "old")}
    assert (named.run, named.baseline) == ("big", "old")
    assert named.family.startswith("Holm over 4 tests")
    assert mtf.compare(a, b, c, baseline=c, names=["big", "small", "old"], metrics="accuracy").baseline == "old"
    ranked = mtf.compare(a, b, c, metrics=["accuracy"])
    assert len(ranked.to_frame()) == 3
    assert "cannot be told apart" in ranked.to_html()
    assert "If all 3 were equally good" in str(ranked)
    assert mtf.compare(a, baseline=b).comparisons[0].baseline == "the baseline"


def test_models_on_other_rows_are_compared_unpaired() -> None:
    """Reports of other rows need `paired=False`, and the answer says so."""
    a, b = mtf.evaluate(TRUTH, y_score=SCORE), mtf.evaluate(TRUTH[:40], y_score=SCORE[:40])
    with pytest.raises(DataError, match="40 rows") as caught:
        mtf.compare(a, b)
    assert "paired=False" in (caught.value.fix or "")
    found = mtf.compare(a, b, metrics=["accuracy"], paired=False)
    assert (found.paired, found.rows, found.comparisons[0].n_baseline) == (False, 40, 40)
    assert "on other rows (60 and 40)" in str(found)


def test_names_that_do_not_fit_are_refused() -> None:
    """Too few reports, too few names, the same name twice, an unknown baseline: each names its argument."""
    a = mtf.evaluate(TRUTH, y_score=SCORE)
    for call, field in (
        (lambda: mtf.compare(a), "reports"),
        (lambda: mtf.compare(a, a, names=["x"]), "names"),
        (lambda: mtf.compare(a, a, names=["x", "x"]), "names"),
        (lambda: mtf.compare(a, a, baseline="nobody"), "baseline"),
        (lambda: mtf.compare(a, 3), "b"),
        (lambda: mtf.compare({"x": a, "y": None}), "y"),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.field == field


def test_metrics_with_arguments_are_compared_again() -> None:
    """Without names the metrics of the first report are compared, those with arguments and classes too."""
    a, b = (mtf.evaluate(TRUTH, y_score=one, metrics=["f_beta(beta=2)", "accuracy"]) for one in (SCORE, [1 - s for s in SCORE]))
    assert [one.metric for one in mtf.compare(a, b).comparisons] == list(a.metrics)


def test_comparison_needs_the_rows() -> None:
    """A report from a file has no rows to pair; reports of other rows are refused."""
    a = mtf.evaluate(TRUTH, y_score=SCORE)
    with pytest.raises(UsageError, match="`b`"):
        mtf.compare(a, Report.model_validate_json(a.to_json()))
    with pytest.raises(DataError, match="truth differs"):
        mtf.compare(a, mtf.evaluate(TRUTH[::-1], y_score=SCORE))


def test_import_is_light() -> None:
    """`import mtf` loads nothing heavy; the names are there all the same."""
    code = "import sys, mtf; print(sorted({'numpy', 'pandas', 'pyarrow', 'pydantic'} & set(sys.modules)), {'evaluate', 'compare'} <= set(dir(mtf)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "True"]
    with pytest.raises(AttributeError):
        mtf.evalute  # noqa: B018 - a misspelt name
