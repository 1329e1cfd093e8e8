"""The whole stage on real models, against the libraries themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mtf.errors import DataError, PlatformError, SpecError
from mtf.testing import StageRun

SPECIES = ["setosa", "versicolor", "virginica"]
RowSet = Callable[..., dict[str, Path]]
Score = Callable[..., StageRun]


def saved(tmp_path: Path, model: Any) -> Path:
    skops.io.dump(model, tmp_path / "model.skops")
    return tmp_path / "model.skops"


def columns(frame: Any) -> dict[str, Any]:
    return {name: frame[name].to_numpy() for name in frame.columns}


def table_of(run: StageRun, name: str = "test") -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = pq.read_table(run.path(f"{name}.scored")).to_pydict()
    return found


def matrix(table: dict[str, list[Any]], k: int) -> np.ndarray:
    return np.column_stack([table[f"score_{index}"] for index in range(k)])


def test_skops_gives_scikit_learns_own_answers(tmp_path: Path, iris: Any, logistic: Any, row_set: RowSet, score: Score) -> None:
    """Predictions and scores are bit for bit the library's, columns come in any order, extras are ignored and named."""
    frame, target = iris
    features = {**columns(frame[["d", "b", "a", "c"]]), "extra": np.zeros(150)}
    inputs = row_set(features, target, **{"slice:s": ["u", "v"] * 75, "weight": np.ones(150)})
    run = score("skops", {**inputs, "model": saved(tmp_path, logistic)}, task="multiclass", labels=SPECIES)
    table = table_of(run)
    assert list(table) == ["row_id", "target", "slice:s", "weight", "prediction", "score_0", "score_1", "score_2"]
    assert [SPECIES[code] for code in table["target"]] == target.tolist()
    assert [SPECIES[code] for code in table["prediction"]] == logistic.predict(frame).tolist()
    assert np.array_equal(matrix(table, 3), logistic.predict_proba(frame))
    facts = run.outcome.facts
    assert facts["rows"] == {"test": 150}
    assert facts["model"]["class"].endswith("LogisticRegression")
    assert facts["model"]["written_by"].keys() == {"skops", "scikit-learn"}
    assert facts["model"]["ignored"] == ["extra"]
    assert any("extra" in text for text in run.outcome.warnings)
    assert run.events[-1]["done"] == run.events[-1]["total"] == 150


@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx_gives_onnxruntimes_answers(iris: Any, plain: Any, row_set: RowSet, score: Score, *, zipmap: bool) -> None:
    """One float matrix in; maps or a tensor of probabilities out; labels from the graph."""
    frame, target = iris
    inputs = row_set(columns(frame), target)
    path = inputs["test.features"].with_name("model.onnx")
    path.write_bytes(to_onnx(plain, frame.to_numpy(np.float32)[:1], options={"zipmap": zipmap}).SerializeToString())
    table = table_of(score("onnx", {**inputs, "model": path}, task="multiclass", labels=SPECIES))
    assert [SPECIES[code] for code in table["prediction"]] == plain.predict(frame.to_numpy(np.float32)).tolist()
    assert np.allclose(matrix(table, 3), plain.predict_proba(frame.to_numpy(np.float32)), atol=1e-6)


def test_onnx_takes_one_input_a_column(tmp_path: Path, row_set: RowSet, score: Score) -> None:
    """Inputs by name, numbers and text, matched to the columns of that name."""
    import pandas as pd

    frame = pd.DataFrame({"size": np.arange(40.0), "kind": pd.Series(["x", "y"] * 20, dtype=object)})
    target = np.array([0, 1] * 20)
    steps = make_column_transformer((StandardScaler(), ["size"]), (OneHotEncoder(), ["kind"]))
    model = make_pipeline(steps, LogisticRegression()).fit(frame, target)
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(model, frame.astype({"size": np.float32}), options={"zipmap": False}).SerializeToString())
    features = {"kind": ["x", "y"] * 20, "other": np.zeros(40), "size": np.arange(40.0)}
    run = score("onnx", {**row_set(features, target), "model": path}, task="binary", labels=[0, 1])
    table = table_of(run)
    assert table["prediction"] == model.predict(frame).tolist()
    assert np.allclose(matrix(table, 2), model.predict_proba(frame), atol=1e-6)
    assert run.outcome.facts["model"]["matched_by"] == "name"


def test_a_regression_has_values_and_no_scores(tmp_path: Path, row_set: RowSet, score: Score) -> None:
    """Target and prediction are float64; by skops as by ONNX."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(50, 2))
    model = LinearRegression().fit(rows, rows @ [1, 2])
    inputs = row_set({"u": rows[:, 0], "v": rows[:, 1]}, np.arange(50))
    table = table_of(score("skops", {**inputs, "model": saved(tmp_path, model)}, task="regression"))
    assert table["prediction"] == model.predict(rows).tolist()
    assert table["target"] == [float(n) for n in range(50)]
    assert list(table) == ["row_id", "target", "prediction"]
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(model, rows.astype(np.float32)[:1]).SerializeToString())
    assert np.allclose(table_of(score("onnx", {**inputs, "model": path}, task="regression"))["prediction"], model.predict(rows), atol=1e-5)


def test_pipelines_get_names_text_and_missing_values(tmp_path: Path, row_set: RowSet, score: Score) -> None:
    """A pipeline that selects columns by name sees text as text and null as NaN, as it was trained."""
    import pandas as pd
    from sklearn.impute import SimpleImputer

    frame = pd.DataFrame(
        {"n": [1.0, np.nan, 3.0, 4.0] * 5, "t": pd.Series(["x", "y", np.nan, "x"] * 5, dtype=object), "w": [1, 2, 3, 4] * 5}
    )
    target = ["no", "yes"] * 10
    steps = make_column_transformer((SimpleImputer(), ["n", "w"]), (OneHotEncoder(handle_unknown="ignore"), ["t"]))
    model = make_pipeline(steps, LogisticRegression()).fit(frame, target)
    features = {"t": ["x", "y", None, "x"] * 5, "w": [1, 2, 3, 4] * 5, "n": [1.0, None, 3.0, 4.0] * 5}
    inputs = row_set(features, target)
    table = table_of(score("skops", {**inputs, "model": saved(tmp_path, model)}, task="binary", labels=["no", "yes"]))
    assert np.array_equal(matrix(table, 2), model.predict_proba(frame))


def test_labels_meet_across_types(tmp_path: Path, iris: Any, row_set: RowSet, score: Score) -> None:
    """A model trained on 0 and 1 scores data that says False and True; the data's labels stand in the facts."""
    frame, target = iris
    truth = target == "setosa"
    model = LogisticRegression().fit(frame, truth.astype(int))
    run = score("skops", {**row_set(columns(frame), truth), "model": saved(tmp_path, model)}, task="binary", labels=[False, True])
    assert run.outcome.facts["labels"] == [False, True]
    assert table_of(run)["prediction"] == model.predict(frame).tolist()


def test_a_model_without_probabilities_has_no_scores(tmp_path: Path, iris: Any, row_set: RowSet, score: Score) -> None:
    """`decision_function` is no probability."""
    frame, target = iris
    model = RidgeClassifier().fit(frame, target)
    run = score("skops", {**row_set(columns(frame), target), "model": saved(tmp_path, model)}, task="multiclass", labels=SPECIES)
    assert list(table_of(run)) == ["row_id", "target", "prediction"]


def test_several_row_sets_share_one_load(tmp_path: Path, iris: Any, logistic: Any, row_set: RowSet, score: Score) -> None:
    """Each row set has its own file."""
    frame, target = iris
    inputs = row_set(columns(frame), target)
    both = {**inputs, **{name.replace("test", "noisy"): path for name, path in inputs.items()}, "model": saved(tmp_path, logistic)}
    run = score("skops", both, task="multiclass", labels=SPECIES, row_sets=["test", "noisy"])
    assert table_of(run, "noisy") == table_of(run)
    assert run.outcome.facts["rows"] == {"test": 150, "noisy": 150}


def test_batches_do_not_change_the_answer(
    tmp_path: Path, iris: Any, row_set: RowSet, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small batches over files with other row groups give the same file, and threads in the model work."""
    frame, target = iris
    model = RandomForestClassifier(5, random_state=0, n_jobs=-1).fit(frame, target)
    inputs = {**row_set(columns(frame), target), "model": saved(tmp_path, model)}
    whole = table_of(score("skops", inputs, task="multiclass", labels=SPECIES))
    assert table_of(score("skops", inputs, task="multiclass", labels=SPECIES, cpus=3.0)) == whole
    monkeypatch.setattr("mtf_inference.rows.BATCH_ROWS", 7)
    assert table_of(score("skops", inputs, task="multiclass", labels=SPECIES)) == whole


def test_declared_labels_name_the_models_codes(tmp_path: Path, iris: Any, row_set: RowSet, score: Score) -> None:
    """A model that learned 0, 1, 2 is told what they mean."""
    frame, target = iris
    model = LogisticRegression(max_iter=500).fit(frame, [SPECIES.index(name) for name in target])
    inputs = {**row_set(columns(frame), target), "model": saved(tmp_path, model)}
    table = table_of(score("skops", inputs, task="multiclass", labels=SPECIES, model_labels=SPECIES))
    assert table["prediction"] == model.predict(frame).tolist()
    with pytest.raises(SpecError, match=r"labels 0, 1, 2 and the data's labels .* have nothing in common"):
        score("skops", inputs, task="multiclass", labels=SPECIES)
    with pytest.raises(SpecError, match="2 labels are declared, and the model has 3"):
        score("skops", inputs, task="multiclass", labels=SPECIES, model_labels=SPECIES[:2])


def test_a_label_unseen_in_training_is_named(tmp_path: Path, iris: Any, row_set: RowSet, score: Score) -> None:
    """Rows of a class that the model never learned are an error, not a silent miss."""
    frame, target = iris
    model = LogisticRegression(max_iter=500).fit(frame[:100], target[:100])
    with pytest.raises(DataError, match="labels that the model does not know: 'virginica'"):
        score("skops", {**row_set(columns(frame), target), "model": saved(tmp_path, model)}, task="multiclass", labels=SPECIES)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, iris: Any, logistic: Any, row_set: RowSet, score: Score) -> None:
    """Other rows, or the same in another order, never meet."""
    frame, target = iris
    inputs = {**row_set(columns(frame), target), "model": saved(tmp_path, logistic)}
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"row_id": range(149, -1, -1), "target": target}), other)
    with pytest.raises(DataError, match="same order of rows"):
        score("skops", {**inputs, "test.context": other}, task="multiclass", labels=SPECIES)
    pq.write_table(pa.table({"row_id": range(10), "target": target[:10]}), other)
    with pytest.raises(DataError, match="do not belong together"):
        score("skops", {**inputs, "test.context": other}, task="multiclass", labels=SPECIES)
    with pytest.raises(PlatformError, match="no input `model`"):
        score("skops", row_set(columns(frame), target), task="multiclass", labels=SPECIES)


def test_no_rows_are_an_error(tmp_path: Path, iris: Any, logistic: Any, row_set: RowSet, score: Score) -> None:
    """An empty row set is not an empty result."""
    frame, target = iris
    with pytest.raises(DataError, match="no rows are left to score"):
        score("skops", {**row_set(columns(frame[:0]), target[:0]), "model": saved(tmp_path, logistic)}, task="multiclass", labels=SPECIES)
