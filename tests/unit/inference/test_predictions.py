"""Predictions that were made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf.errors import DataError, ModelError, MtfError, SpecError
from mtf.testing import StageRun

TRUTH = ["no", "yes", "no", "yes"]
IDS = ["p1", "p2", "p3", "p4"]
RowSet = Callable[..., dict[str, Path]]
Score = Callable[..., StageRun]


@pytest.fixture
def run(tmp_path: Path, row_set: RowSet, score: Score) -> Callable[..., dict[str, list[Any]]]:
    """Scores four rows with a predictions file."""

    def go(text: str | bytes | None, path: Path | None = None, **spec: Any) -> dict[str, list[Any]]:
        if path is None:
            path = tmp_path / "predictions"
            path.write_bytes(text.encode() if isinstance(text, str) else text or b"")
        target = spec.pop("target", TRUTH)
        inputs = row_set({"x": pa.array(range(4))}, target, row_id=pa.array(spec.pop("ids", range(4))))
        spec = {"task": "binary", "labels": ["no", "yes"], **spec}
        found: dict[str, list[Any]] = pq.read_table(
            score("predictions", {**inputs, "predictions": path}, **spec).path("test.scored")
        ).to_pydict()
        return found

    return go


def test_rows_in_order(run: Any) -> None:
    """One line for each scored row; nothing was loaded, so there was no sandbox."""
    assert run("prediction\nno\nyes\nyes\nno\n")["prediction"] == [0, 1, 1, 0]


def test_rows_by_the_id_column(run: Any) -> None:
    """The id column wins over the order; further rows of the file are not asked for."""
    text = "patient,prediction\np4,yes\np9,yes\np3,no\np2,no\np1,yes\n"
    assert run(text, ids=IDS, id_column="patient")["prediction"] == [1, 0, 0, 1]


def test_ids_match_across_types(run: Any) -> None:
    """An id that is text in one file and a number in the other is the same id."""
    assert run("row_id,prediction\n3,yes\n2,no\n1,yes\n0,yes\n")["prediction"] == [1, 1, 0, 1]


def test_scores_of_the_positive_class(run: Any) -> None:
    """`score` alone is cut at the threshold; with `prediction` beside it, that one counts."""
    table = run("score\n0.1\n0.9\n0.5\n0.25\n")
    assert table["prediction"] == [0, 1, 1, 0]
    assert table["score_1"] == [0.1, 0.9, 0.5, 0.25]
    assert run("prediction,score\nyes,0.1\nyes,0.9\nno,0.5\nno,0.2\n")["prediction"] == [1, 1, 0, 0]


def test_a_score_for_each_class(run: Any) -> None:
    """Columns are matched by label, in any order, also where labels are numbers."""
    text = "score:3,score:1,score:2\n0.2,0.5,0.3\n0.6,0.2,0.2\n0,0,1\n0.1,0.8,0.1\n"
    table = run(text, task="multiclass", labels=[1, 2, 3], target=[1, 3, 2, 1])
    assert table["prediction"] == [0, 2, 1, 0]
    assert table["score_2"] == [0.2, 0.6, 0.0, 0.1]


def test_parquet_and_regression(run: Any, tmp_path: Path) -> None:
    """Any numeric type becomes float64."""
    pq.write_table(pa.table({"prediction": pa.array([1, 2, 3, 4], pa.int32())}), tmp_path / "p.parquet")
    table = run(None, tmp_path / "p.parquet", task="regression", labels=None, target=[1.0, 2.0, 3.0, 5.0])
    assert table["prediction"] == [1.0, 2.0, 3.0, 4.0]


def test_missing_predictions_may_be_excluded(run: Any) -> None:
    """An empty cell is a missing prediction, and null in the result."""
    assert run('prediction\nno\n""\nyes\nno\n', missing="exclude")["prediction"] == [0, None, 1, 0]


@pytest.mark.parametrize(
    ("text", "spec", "kind", "message"),
    [
        ("", {}, DataError, "empty"),
        ("a,b\n1,2\n", {}, DataError, "neither a column `prediction` nor `score`"),
        ("prediction\nno\n", {}, DataError, "has 1 rows, and 4 rows are scored"),
        ("prediction,prediction\nno,no\n", {}, DataError, "`prediction` twice"),
        ("prediction\nno\nyes\nmaybe\nno\n", {}, ModelError, "labels that the data does not have: 'maybe'"),
        ('prediction\nno\n""\nno\nno\n', {}, ModelError, "1 of the predictions are missing"),
        ("score\n0.1\n0.2\n1.5\n0\n", {}, ModelError, "outside"),
        ("score\n0.1\nhigh\n0.5\n0\n", {}, DataError, "not numeric"),
        ("score:no,score:yes\n0.1,0.9\n0.5,0.6\n0.5,0.5\n1,0\n", {}, ModelError, "do not sum to 1"),
        ("score:no,score:perhaps\n0,1\n0,1\n0,1\n0,1\n", {}, ModelError, "the model also knows 'perhaps'"),
        ("row_id,prediction\n0,no\n1,no\n2,no\n2,no\n", {}, DataError, "'2' more than once"),
        ("row_id,prediction\n0,no\n1,no\n2,no\n7,no\n", {}, DataError, "lacks 1 of the scored rows, first row_id 3"),
        (b"\x00\xff\xfe" * 50, {}, DataError, "neither a column|neither CSV"),
        ("prediction\nno\nyes,1\n", {}, DataError, "neither CSV nor Parquet"),
        ("prediction\ncheap\n1\n2\n3\n", {"task": "regression", "labels": None, "target": [1.0, 2.0, 3.0, 4.0]}, ModelError, "labels where numbers are due"),
        ("prediction\nno\nno\nno\nno\n", {"row_sets": ["test", "noisy"]}, SpecError, "covers one row set"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told(run: Any, text: Any, spec: dict[str, Any], kind: type[MtfError], message: str) -> None:
    """Each mistake has its own sentence."""
    with pytest.raises(kind, match=message):
        run(text, **spec)


def test_limits_of_a_regression_travel_along(run: Any) -> None:
    """`lower` and `upper` of a regression are scored beside the prediction; one of them alone is a column like any other."""
    regression = {"task": "regression", "labels": None, "target": [1.0, 2.0, 3.0, 4.0]}
    found = run("prediction,lower,upper\n1,0,2\n2,1,3\n3,2,4\n4,4,4\n", **regression)
    assert found["lower"] == [0, 1, 2, 4]
    assert found["upper"] == [2, 3, 4, 4]
    assert "lower" not in run("prediction,lower\n1,0\n2,1\n3,2\n4,4\n", **regression)


def test_crossed_limits_are_refused(run: Any) -> None:
    """A lower limit above its upper one is an error with the first row; a missing limit is a missing prediction."""
    regression = {"task": "regression", "labels": None, "target": [1.0, 2.0, 3.0, 4.0]}
    with pytest.raises(ModelError, match="row 2: 5 to 4"):
        run("prediction,lower,upper\n1,0,2\n2,1,3\n3,5,4\n4,4,4\n", **regression)
    with pytest.raises(ModelError, match="NaN or infinite"):
        run("prediction,lower,upper\n1,0,2\n2,,3\n3,3,4\n4,4,4\n", **regression)
    assert run("prediction,lower,upper\n1,0,2\n2,,3\n3,3,4\n4,4,4\n", missing="exclude", **regression)["upper"] == [2, None, 4, 4]
