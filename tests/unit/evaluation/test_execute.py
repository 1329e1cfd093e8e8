"""The stage on files: what is measured, left out, compared, judged and written."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as reference

from mtf.contracts.registry import ComparisonView
from mtf.contracts.report import Report
from mtf.errors import DataError, SpecError
from tests.unit.evaluation import samples, scored_files

GOLDEN = Path(__file__).with_name("golden_report.json")


def test_point_values_are_those_of_a_reference(tmp_path: Path) -> None:
    """Whatever way the rows take through the stage, the values are scikit-learn's."""
    sample = samples.binary(300)
    report = scored_files.report(scored_files.run(tmp_path, scored_files.spec(sample), scored_files.table(sample)))
    assert sample.scores is not None
    assert report.metrics["accuracy"].value == pytest.approx(reference.accuracy_score(sample.target, sample.prediction), rel=1e-10)
    assert report.metrics["roc_auc"].value == pytest.approx(reference.roc_auc_score(sample.target, sample.scores[:, 1]), rel=1e-10)
    assert (report.rows.total, report.rows.scored) == (300, 300)
    assert report.verdict is None
    assert (report.run.id, report.run.created_at) == ("{{run_id}}", None)


def test_slices_are_measured_on_their_rows(tmp_path: Path) -> None:
    """A slice's metrics are those of its rows alone, as a reference computes them."""
    sample = samples.binary(300)
    sex = np.where(np.arange(300) % 3 == 0, "Female", "Male")
    report = scored_files.report(
        scored_files.run(tmp_path, scored_files.spec(sample, {"slices": ["sex"]}), scored_files.table(sample, {"sex": sex}))
    )
    assert [(one.name, one.where, one.rows, one.found) for one in report.slices] == [
        ("sex=Female", {"sex": "Female"}, 100, False),
        ("sex=Male", {"sex": "Male"}, 200, False),
    ]
    chosen = sex == "Female"
    expected = reference.f1_score(sample.target[chosen], sample.prediction[chosen])
    assert report.slices[0].metrics["f1"].value == pytest.approx(expected, rel=1e-10)


def test_missing_predictions_are_counted_never_hidden(tmp_path: Path) -> None:
    """Rows without a prediction leave every metric, and `coverage`, the row counts and a warning say so, in slices too."""
    sample = samples.binary(200)
    table = scored_files.table(sample, {"part": ["a"] * 100 + ["b"] * 100})
    table = table.set_column(2, "prediction", pa.array([None] * 50 + list(sample.prediction[50:]), pa.int32()))
    done = scored_files.run(tmp_path, scored_files.spec(sample, {"slices": ["part"]}), table)
    report = scored_files.report(done)
    assert (report.rows.total, report.rows.scored) == (200, 150)
    assert report.metrics["coverage"].value == 0.75
    assert report.metrics["coverage"].lower is not None
    assert report.metrics["accuracy"].n == 150
    assert report.slices[0].metrics["coverage"].value == 0.5
    assert "coverage" not in report.slices[1].metrics
    assert any(warning.startswith("50 rows of 200 without a prediction") for warning in report.warnings)
    assert done.outcome.facts["warnings"] == report.warnings
    expected = reference.accuracy_score(sample.target[50:], sample.prediction[50:])
    assert report.metrics["accuracy"].value == pytest.approx(expected, rel=1e-10)


def test_missing_truth_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """A row without a target cannot be judged, and nobody is left to wonder where it went."""
    sample = samples.regression(50)
    table = scored_files.table(sample)
    table = table.set_column(1, "target", pa.array([None] * 5 + list(sample.target[5:])))
    report = scored_files.report(scored_files.run(tmp_path, scored_files.spec(sample), table))
    assert report.rows.scored == 45
    assert "5 rows without a target" in report.warnings[0]


def test_no_row_at_all_is_an_error(tmp_path: Path) -> None:
    """An empty file, and one in which no row can be measured, are told from each other."""
    sample = samples.regression(10)
    with pytest.raises(DataError, match="no row to evaluate"):
        scored_files.run(tmp_path / "a", scored_files.spec(sample), scored_files.table(sample).slice(0, 0))
    nothing = scored_files.table(replace(sample, prediction=np.full(10, np.nan)))
    with pytest.raises(DataError, match="none of the 10 rows"):
        scored_files.run(tmp_path / "b", scored_files.spec(sample), nothing)


def test_poor_slices_answer_with_reasons(tmp_path: Path) -> None:
    """A slice of one row, of one class or of no row never raises: what is undefined is null and says why."""
    sample = samples.binary(120)
    part = np.where(sample.target == 1, "ones", "zeros").astype(object)
    part[0] = "single"
    evaluation = {"slices": ["part"], "gates": ["recall >= 0.5 in part=nowhere", "roc_auc >= 0.5 in part=ones"]}
    done = scored_files.run(tmp_path, scored_files.spec(sample, evaluation), scored_files.table(sample, {"part": part}))
    report = scored_files.report(done)
    by_name = {one.name: one for one in report.slices}
    assert by_name["part=single"].rows == 1
    assert by_name["part=ones"].metrics["roc_auc"].value is None
    assert by_name["part=ones"].metrics["roc_auc"].undefined
    assert (by_name["part=nowhere"].rows, by_name["part=nowhere"].metrics["recall"].value) == (0, None)
    assert [gate.verdict for gate in report.gates] == ["inconclusive", "inconclusive"]
    assert "the slice has no row" in report.gates[0].reason
    assert report.verdict == "inconclusive"
    assert b"part=single" in done.path("html").read_bytes()


def test_a_gate_adds_its_metric(tmp_path: Path) -> None:
    """A gate on a metric that `metrics` does not name is measured all the same."""
    sample = samples.binary(100)
    evaluation = {"metrics": ["accuracy"], "gates": ["recall >= 0.001"]}
    report = scored_files.report(scored_files.run(tmp_path, scored_files.spec(sample, evaluation), scored_files.table(sample)))
    assert list(report.metrics) == ["accuracy", "recall"]
    assert report.gates[0].observed["value"] == report.metrics["recall"].value


def test_a_metric_of_another_task_is_a_wrong_spec(tmp_path: Path) -> None:
    """The task may be known only from the data; the error is the same as before the run."""
    sample = samples.regression(30)
    spec = scored_files.spec(sample) | {"metrics": ["f1"]}
    with pytest.raises(SpecError, match="`f1` does not apply to a regression task"):
        scored_files.run(tmp_path, spec, scored_files.table(sample))


def test_a_bound_beyond_these_rows_is_warned_of(tmp_path: Path) -> None:
    """Even perfect predictions of 50 rows cannot show an accuracy of 0.99; a gate that a perfect model passes is not warned of."""
    sample = samples.binary(50)
    evaluation = {"metrics": ["accuracy"], "gates": ["accuracy >= 0.99", "accuracy >= 0.5", "point(accuracy) >= 0.99", "log_loss <= 0.9"]}
    report = scored_files.report(scored_files.run(tmp_path, scored_files.spec(sample, evaluation), scored_files.table(sample)))
    assert [warning for warning in report.warnings if "no sample of 50 rows can pass `accuracy >= 0.99`" in warning]
    assert len(report.warnings) == 1


def baseline_of(sample: Any, **more: Any) -> pa.Table:
    """Another model's predictions of the same rows, in another order."""
    order = np.random.default_rng(5).permutation(len(sample.target))
    other = replace(sample, prediction=sample.prediction.copy(), scores=sample.scores * 0.9 + 0.05)
    other.prediction[:20] = 1 - other.prediction[:20]
    return scored_files.table(other, **more).take(pa.array(order))


def test_a_baseline_is_compared_row_by_row(tmp_path: Path) -> None:
    """Whatever order the baseline's rows have, the difference is that of the two values on the same rows."""
    sample = samples.binary(300)
    evaluation = {"baseline": "older", "gates": ["accuracy not worse than baseline by 0.01", "f1 not worse than baseline in part=a"]}
    table = scored_files.table(sample, {"part": ["a"] * 150 + ["b"] * 150})
    done = scored_files.run(tmp_path, scored_files.spec(sample, evaluation), table, baseline_of(sample))
    report = scored_files.report(done)
    other = sample.prediction.copy()
    other[:20] = 1 - other[:20]
    found = {(one.metric, bool(one.where)): one for one in report.comparisons}
    expected = reference.accuracy_score(sample.target, sample.prediction) - reference.accuracy_score(sample.target, other)
    assert found["accuracy", False].difference == pytest.approx(expected, abs=1e-12)
    assert (found["accuracy", False].baseline, found["accuracy", False].family) == ("older", "gates")
    assert found["roc_auc", False].family == "exploratory"
    in_part = reference.f1_score(sample.target[:150], sample.prediction[:150]) - reference.f1_score(sample.target[:150], other[:150])
    assert found["f1", True].difference == pytest.approx(in_part, abs=1e-12)
    assert found["f1", True].where == {"part": "a"}
    assert done.outcome.facts["comparisons"] == len(report.comparisons)
    gated = [one.p_adjusted for one in report.comparisons if one.family == "gates"]
    assert len(gated) == 2
    assert all(p is not None for p in gated)


def test_label_order_of_the_baseline_makes_no_difference(tmp_path: Path) -> None:
    """A baseline whose labels stand in another order is recoded; one with other labels is refused."""
    sample = samples.multiclass(200, 3)
    assert sample.scores is not None
    turned = replace(sample, target=2 - sample.target, prediction=2 - sample.prediction, scores=sample.scores[:, ::-1])
    spec = scored_files.spec(sample, {"baseline": "older"}) | {"baseline_labels": ["c", "b", "a"]}
    report = scored_files.report(scored_files.run(tmp_path / "a", spec, scored_files.table(sample), scored_files.table(turned)))
    assert {one.difference for one in report.comparisons if one.undefined is None} == {0.0}
    with pytest.raises(DataError, match="other labels"):
        scored_files.run(
            tmp_path / "b", spec | {"baseline_labels": ["x", "b", "a"]}, scored_files.table(sample), scored_files.table(turned)
        )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda table: table.slice(0, 90), "10 of our 100 rows are not among its 90"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "names a row more than once"),
        (lambda table: table.set_column(0, "row_id", pa.array(range(50, 150))), "50 of our 100 rows are not among its 100, and 50 of its"),
        (
            lambda table: table.set_column(1, "target", pa.array([1 - code for code in table["target"].to_pylist()], pa.int32())),
            "in 100 of 100 rows",
        ),
    ],
)
def test_a_baseline_of_other_rows_is_refused_with_numbers(tmp_path: Path, damage: Any, message: str) -> None:
    """The error says how many rows differ, and in which way."""
    sample = samples.binary(100)
    table = scored_files.table(sample)
    with pytest.raises(DataError, match=message) as caught:
        scored_files.run(tmp_path, scored_files.spec(sample, {"baseline": "older"}), table, damage(table))
    assert caught.value.field == "evaluation.baseline"


def test_row_names_meet_as_text(tmp_path: Path) -> None:
    """Integers of one run and their text of the other name the same rows."""
    sample = samples.binary(60)
    other = scored_files.table(sample, row_id=[str(index) for index in range(60)])
    report = scored_files.report(
        scored_files.run(tmp_path, scored_files.spec(sample, {"baseline": "older"}), scored_files.table(sample), other)
    )
    assert report.comparisons[0].difference == 0


def test_a_row_that_one_run_left_out_leaves_the_pair(tmp_path: Path) -> None:
    """Pairs need both predictions; rows that lack one are counted in a warning."""
    sample = samples.binary(100)
    other = scored_files.table(sample)
    other = other.set_column(2, "prediction", pa.array([None] * 7 + list(sample.prediction[7:]), pa.int32()))
    report = scored_files.report(
        scored_files.run(tmp_path, scored_files.spec(sample, {"baseline": "older"}), scored_files.table(sample), other)
    )
    assert report.comparisons[0].n == 93
    assert any("7 rows without a prediction of the baseline" in warning for warning in report.warnings)


def test_a_comparison_alone_is_written(tmp_path: Path) -> None:
    """`kind: comparison` writes the paired differences and nothing else."""
    sample = samples.binary(100)
    spec = scored_files.spec(sample, kind="comparison")
    done = scored_files.run(tmp_path, spec, scored_files.table(sample), scored_files.table(sample))
    assert dict(done.outcome.outputs) == {"comparison": "comparison.json"}
    view = ComparisonView.model_validate_json(done.path("comparison").read_bytes())
    assert (view.run, view.baseline, view.rows, view.paired) == ("{{run_id}}", "older", 100, True)
    assert "accuracy" in {one.metric for one in view.comparisons}


def test_groups_and_weights_reach_the_metrics(tmp_path: Path) -> None:
    """Dependent rows widen the interval, and the effective number of rows says so."""
    sample = samples.binary(200)
    right = sample.target == sample.prediction
    grouped = replace(sample, group=np.argsort(np.argsort(right, kind="stable")) // 5)
    free = scored_files.report(scored_files.run(tmp_path / "a", scored_files.spec(sample), scored_files.table(sample)))
    bound = scored_files.report(scored_files.run(tmp_path / "b", scored_files.spec(grouped), scored_files.table(grouped)))
    assert bound.metrics["accuracy"].value == free.metrics["accuracy"].value
    assert bound.metrics["accuracy"].lower < free.metrics["accuracy"].lower  # type: ignore[operator]  # both have intervals
    assert bound.metrics["accuracy"].n_effective < 100  # type: ignore[operator]


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    """Artefacts carry no time, no id and no chance, so that a cached report stays right."""
    sample = samples.multiclass(150)
    outputs = []
    for name in ("a", "b"):
        done = scored_files.run(tmp_path / name, scored_files.spec(sample, {"gates": ["accuracy >= 0.1"]}), scored_files.table(sample))
        outputs.append([done.path(output).read_bytes() for output in ("report", "html", "markdown", "csv", "junit")])
    assert outputs[0] == outputs[1]
    assert b"{{run_id}}" in outputs[0][0]
    assert b"{{run_id}}" in outputs[0][1]
    assert b"{{run_id}}" in outputs[0][2]


def test_the_golden_report(tmp_path: Path) -> None:
    """The document keeps its shape: keys are only ever added, and the numbers of a fixed tiny sample stay where they are."""
    sample = samples.binary(40, digits=2)
    part = ["x", "y"] * 20
    evaluation = {
        "metrics": ["accuracy", "roc_auc", "brier"],
        "slices": ["part"],
        "gates": ["accuracy >= 0.5", "accuracy >= 0.99 in part=x"],
    }
    done = scored_files.run(tmp_path, scored_files.spec(sample, evaluation), scored_files.table(sample, {"part": part}))
    found = json.loads(done.path("report").read_bytes())
    golden = json.loads(GOLDEN.read_text())
    Report.model_validate(golden)
    _holds(found, golden, "report")


def _holds(found: Any, golden: Any, at: str) -> None:
    """Everything that the golden document says, numbers to 1e-9; the new one may say more."""
    if isinstance(golden, dict):
        assert set(golden) <= set(found), at
        for key, value in golden.items():
            if key == "versions":  # of libraries, which change without us
                continue
            _holds(found[key], value, f"{at}.{key}")
    elif isinstance(golden, list):
        assert len(found) == len(golden), at
        for index, value in enumerate(golden):
            _holds(found[index], value, f"{at}[{index}]")
    elif isinstance(golden, float):
        assert found == pytest.approx(golden, rel=1e-9), at
    else:
        assert found == golden, at
