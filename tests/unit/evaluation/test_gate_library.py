"""`report.gate(...)`: gates on a report at hand."""

import numpy as np
import pandas as pd
import pytest

import mtf
from mtf import judged
from mtf.contracts.report import Report
from mtf.errors import MtfError, SpecError, UsageError
from mtf.notebook import EvaluationReport

N = 600
ROWS = np.random.default_rng(0)
TRUTH = (ROWS.random(N) < 0.4).astype(int)
GOOD = np.where(ROWS.random(N) < 0.9, TRUTH, 1 - TRUTH)
POOR = np.where(ROWS.random(N) < 0.8, TRUTH, 1 - TRUTH)
FRAME = pd.DataFrame({"sex": np.where(ROWS.random(N) < 0.5, "F", "M"), "age": ROWS.integers(1, 4, N)})


@pytest.fixture(scope="module")
def good() -> EvaluationReport:
    """The good model."""
    return mtf.evaluate(TRUTH, y_pred=GOOD, slices=FRAME)


@pytest.fixture(scope="module")
def poor() -> EvaluationReport:
    """The poor model."""
    return mtf.evaluate(TRUTH, y_pred=POOR, slices=FRAME)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("accuracy >= 0.85", "pass"),
        ("accuracy >= 0.95", "fail"),
        ("accuracy >= 0.91", "inconclusive"),
        ("accuracy >= 0.8 in sex=F", "pass"),
        ("accuracy >= 0.7 in sex=F, age=1", "pass"),
        ("accuracy >= 0.75 in worst slice of sex, age", "pass"),
        ("lower(accuracy) >= 0.85", "pass"),
        ("upper(accuracy) <= 0.9", "fail"),
        ("point(f1) >= 0.8", "pass"),
        ("f_beta(beta=2) >= 0.7", "pass"),
    ],
)
def test_a_gate_on_rows(good: EvaluationReport, text: str, verdict: str) -> None:
    """Every form of a gate is judged, also on metrics, slices and crosses that the report does not list."""
    found = good.gate(text)
    assert (found.verdict, found.expression) == (verdict, text)
    assert found.reason


def test_a_gate_against_another_report(good: EvaluationReport, poor: EvaluationReport) -> None:
    """`not worse than baseline` takes the report of another model on the same rows, for all rows, a slice, and every slice."""
    for where in ("", " in sex=F", " in worst slice of sex"):
        assert good.gate(f"accuracy not worse than baseline{where}", baseline=poor).verdict == "pass"
        assert poor.gate(f"accuracy not worse than baseline{where}", baseline=good).verdict == "fail"


@pytest.mark.parametrize(
    ("text", "error", "message", "fix"),
    [
        ("accuracy >= 0.8 in sex=X", SpecError, "no row has sex=X", "values of `sex`: "),
        ("accuracy >= 0.8 in sx=F", SpecError, "no slice column `sx`", "did you mean `sex`?"),
        ("accuracy >= 0.8 in worst slice of sx", SpecError, "no slice column `sx`", "did you mean `sex`?"),
        ("mae <= 3", SpecError, "does not apply to a binary task", "choose from"),
        ("accuracy >= 80", SpecError, "lies between 0 and 1", "write 0.8"),
        ("accuracy not worse than baseline", UsageError, "needs a baseline", "`baseline=`"),
    ],
)
def test_a_gate_that_makes_no_sense(good: EvaluationReport, text: str, error: type[MtfError], message: str, fix: str) -> None:
    """The error says what is wrong with the gate, and what to write."""
    with pytest.raises(error) as caught:
        good.gate(text)
    assert message in caught.value.message
    assert fix in str(caught.value.fix)


def test_without_columns_there_are_no_slices() -> None:
    """A report of rows without a frame says how to give one."""
    with pytest.raises(SpecError) as caught:
        mtf.evaluate(TRUTH, y_pred=GOOD).gate("accuracy >= 0.8 in sex=F")
    assert "slices=frame" in str(caught.value.fix)


def test_a_report_of_a_file_is_judged_by_its_numbers(good: EvaluationReport, poor: EvaluationReport) -> None:
    """Metrics and slices that it holds are judged as with the rows; what would take the rows is refused, unless the run judged it."""
    file = EvaluationReport.of(Report.model_validate_json(good.to_json()))
    for text in ("accuracy >= 0.91", "accuracy >= 0.8 in sex=F", "lower(f1) >= 0.8"):
        assert file.gate(text) == good.gate(text)
    refused = ["accuracy >= 0.8 in worst slice of sex", "accuracy >= 0.8 in sex=X", "f_beta(beta=2) >= 0.7"]
    for text in refused:
        with pytest.raises(UsageError) as caught:
            file.gate(text)
        assert "run file" in str(caught.value.fix)
    with pytest.raises(UsageError, match="needs the predictions of both"):
        file.gate("accuracy not worse than baseline", baseline=poor)
    judged = good.gate(refused[0])
    known = EvaluationReport.of(file.model_copy(update={"gates": [judged]}))
    assert known.gate("accuracy>=0.80 in worst slice of sex") == judged


def test_the_rows_are_not_touched(good: EvaluationReport) -> None:
    """Judging draws nothing from the caller's random state and leaves the report as it was."""
    before, state = good.to_json(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002 - the caller's own
    good.gate("accuracy >= 0.8 in worst slice of sex")
    assert good.to_json() == before
    assert (np.random.get_state()[1] == state).all()  # type: ignore[index]  # noqa: NPY002 - as above


WAYS = [
    "sex",
    {"column": "age", "bins": [2, 3]},
    {"where": "age >= 2 and sex = 'F'", "name": "grown women"},
    ["sex", {"column": "age", "quantiles": 2}],
]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("accuracy >= 0.5 in grown women", (FRAME["age"] >= 2) & (FRAME["sex"] == "F")),
        ("accuracy >= 0.5 in age=below 2", FRAME["age"] < 2),
        ("accuracy >= 0.5 in sex=M, age=[2, 3)", (FRAME["age"] == 2) & (FRAME["sex"] == "M")),
        ("accuracy >= 0.5 in sex=M", FRAME["sex"] == "M"),
    ],
)
def test_a_gate_names_a_declared_slice(text: str, rows: "pd.Series[bool]") -> None:
    """Conditions, bins and their crosses are named as in a run file: with the rows, as arrays for a gate, and from the report's own JSON."""
    report = mtf.evaluate(TRUTH, y_pred=GOOD, slices=FRAME, slice_by=WAYS)
    found = report.gate(text)
    assert found.verdict == "pass"
    assert found.observed["value"] == pytest.approx((TRUTH == GOOD)[rows].mean())
    assert judged.rows(y_true=TRUTH, y_pred=GOOD, slices=FRAME, slice_by=WAYS).gate(text) == found
    saved = judged.read(report.model_dump(mode="json"))
    if "sex=M, age" not in text:
        assert saved.gate(text).observed["value"] == found.observed["value"]


def test_the_worst_slice_is_of_the_declared_bins() -> None:
    """`worst slice of age` judges the bins, which are two here, as a run file does."""
    report = mtf.evaluate(TRUTH, y_pred=GOOD, slices=FRAME, slice_by=[{"column": "age", "bins": [2]}])
    assert report.gate("accuracy >= 0.5 in worst slice of age").observed["judged"] == 2
    with pytest.raises(SpecError, match="no row has age=below 7"):
        report.gate("accuracy >= 0.5 in age=below 7")
