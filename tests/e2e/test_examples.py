"""The examples through the real command: exit codes, files, caching, and every value against scikit-learn."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from tests.e2e.command import Command
from tests.e2e.conftest import CODES, Finished
from tests.e2e.oracle import Answers, differences, values

EXAMPLES = sorted(CODES)
TASKS = {"penguins": "multiclass", "diamonds": "regression", "adult": "binary"}


def scored(run: Finished) -> tuple[pd.DataFrame, Answers]:
    """The stored predictions of a run."""
    frame = pq.read_table(run.results / "scored.parquet").to_pandas()
    columns = sorted((name for name in frame if name.startswith("score_")), key=lambda name: int(name[6:]))
    scores = frame[columns].to_numpy() if columns else None
    return frame, Answers(frame["target"].to_numpy(), frame["prediction"].to_numpy(), scores)


@pytest.mark.parametrize("name", EXAMPLES)
def test_values_are_scikit_learns(name: str, finished: dict[str, Finished]) -> None:
    """Every metric, of all rows and of every slice, is what scikit-learn makes of the stored predictions."""
    run = finished[name]
    frame, answers = scored(run)
    assert differences(run.report, values(TASKS[name], answers)) == {}
    assert run.report["rows"]["scored"] == len(frame)
    assert run.report["slices"]
    for part in run.report["slices"]:
        rows = np.logical_and.reduce([frame[f"slice:{column}"] == value for column, value in part["where"].items()])
        assert part["rows"] == rows.sum()
        inside = answers.where(np.asarray(rows))
        if answers.scores is None or len(np.unique(inside.truth)) == answers.scores.shape[1]:
            assert differences(part, values(TASKS[name], inside)) == {}, part["name"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_intervals_hold_their_values(name: str, finished: dict[str, Finished]) -> None:
    """No interval has zero width, and each holds its value."""
    for metric, value in finished[name].report["metrics"].items():
        if value["lower"] is not None:
            assert value["lower"] < value["upper"], metric
            assert value["lower"] <= value["value"] <= value["upper"], metric


def load(path: Path) -> Any:
    """A model of ours, by its own library."""
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def penguins(run: Finished, rows: Any) -> Answers:
    """The forest on rows prepared by pandas alone."""
    frame = pd.read_csv(run.folder / "penguins.csv").dropna(subset=["sex"])
    split = np.array(sorted(set(frame.index) - set(rows)))
    numbers = frame.select_dtypes("number")
    frame[numbers.columns] = numbers.fillna(numbers.loc[split].median())
    frame = pd.get_dummies(frame, columns=["island", "sex"])
    model = load(run.folder / "forest.skops")
    test = frame.loc[rows]
    given = test[list(model.feature_names_in_)].astype(float)
    code = {label: index for index, label in enumerate(model.classes_)}
    return Answers(test["species"].map(code).to_numpy(), pd.Series(model.predict(given)).map(code).to_numpy(), model.predict_proba(given))


def adult(run: Finished, rows: Any) -> Answers:
    """The regression on rows prepared by pandas and scikit-learn, fitted on the published training file."""
    names = ["age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race", "sex",
             "capital_gain", "capital_loss", "hours_per_week", "native_country", "income"]  # fmt: skip

    def table(file: str) -> pd.DataFrame:
        with gzip.open(run.folder / file, "rt") as text:
            lines = [line for line in text if line.count(",") == 14]
        return pd.DataFrame([[cell.strip() for cell in line.split(",")] for line in lines], columns=names).replace("?", np.nan)

    train, test = table("adult-train.csv.gz"), table("adult-test.csv.gz")
    words = ["workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]
    numbers = ["age", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
    frequent = train[words].mode().iloc[0]
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(train[words].fillna(frequent))
    scaler = StandardScaler().fit(train[numbers].astype(float))
    columns = [*numbers, *encoder.get_feature_names_out(words)]
    features = np.hstack([scaler.transform(test[numbers].astype(float)), encoder.transform(test[words].fillna(frequent))])
    model = load(run.folder / "logistic.skops")
    given = pd.DataFrame(features, columns=columns).loc[rows, list(model.feature_names_in_)]
    truth = test["income"].str.rstrip(".").loc[rows].eq(">50K").astype(int).to_numpy()
    scores = model.predict_proba(given)
    assert list(model.classes_) == ["<=50K", ">50K"]
    return Answers(truth, (model.predict(given) == ">50K").astype(int), scores)


def diamonds(run: Finished, rows: Any) -> Answers:
    """The boosted trees in onnxruntime, on rows prepared by scikit-learn."""
    import onnxruntime

    frame = pd.read_csv(run.folder / "diamonds.csv.gz")
    orders = {"cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"], "color": list("JIHGFED"),
              "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"]}  # fmt: skip
    frame[list(orders)] = OrdinalEncoder(categories=list(orders.values())).fit_transform(frame[list(orders)])
    features = frame.drop(columns=["price"]).astype(float)
    scaler = StandardScaler().fit(features.drop(index=rows))
    given = scaler.transform(features.loc[rows]).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # several threads add the trees up in another order, and float32 shows it
    session = onnxruntime.InferenceSession(run.folder / "boosting.onnx", options, providers=["CPUExecutionProvider"])
    predicted = session.run(None, {session.get_inputs()[0].name: given})[0].reshape(-1).astype(float)
    return Answers(frame.loc[rows, "price"].to_numpy(float), predicted)


@pytest.mark.parametrize("name", EXAMPLES)
def test_values_follow_from_raw_data_and_model(name: str, finished: dict[str, Finished]) -> None:
    """The published data, prepared with pandas and scikit-learn and scored by the model's own library, give the same values."""
    run = finished[name]
    frame, _ = scored(run)
    answers = {"penguins": penguins, "adult": adult, "diamonds": diamonds}[name](run, frame["row_id"].to_numpy())
    assert differences(run.report, values(TASKS[name], answers)) == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_second_run_is_cached(name: str, finished: dict[str, Finished], command: Command) -> None:
    """No stage computes again, and the report is the same but for the run's id, time and count of looks."""
    done = command("run", f"{name}/run.yaml", code=CODES[name])
    stages = [line for line in done.stderr.splitlines() if "succeeded" in line]
    assert len(stages) in {4, 5}  # a table to train on is acquired as well
    assert all(line.endswith("cached") for line in stages), done.stderr
    newest = max((command.home / "runs").iterdir())
    texts = [(folder / "report.json").read_text().replace(folder.name, "") for folder in (finished[name].results, newest)]
    bare = [json.loads(text) for text in texts]
    for report in bare:
        for what in ("created_at", "looks"):
            del report["run"][what]
    assert bare[0] == bare[1]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_stands_alone(name: str, finished: dict[str, Finished]) -> None:
    """The HTML report is under 1 MB and loads nothing: no script, style, image, font or frame from an address."""
    page = (finished[name].results / "report.html").read_text()
    assert len(page.encode()) < 1_000_000
    assert not re.findall(
        r"""<(?:script|img|iframe|link|source|object|embed)[^>]*\s(?:src|href|data)\s*=\s*["']?(?!data:|#)[^"'\s>]""", page, re.IGNORECASE
    )
    assert not re.findall(r"url\(\s*[\"']?(?!data:|#)", page)
    assert "@import" not in page
    assert finished[name].id in page
    assert "{{" not in page


def test_output_files_are_written(finished: dict[str, Finished], command: Command) -> None:
    """`--report` and `--junit` write the same documents that the run keeps; `--json` prints the document and nothing else."""
    for name, run in finished.items():
        assert (command.folder / "out" / f"{name}.html").read_bytes() == (run.results / "report.html").read_bytes()
        suite = ET.fromstring((command.folder / "out" / f"{name}.xml").read_text())  # noqa: S314 - our own file
        assert len(suite.findall(".//testcase")) >= len(run.report["gates"])
        failed = sum(gate["verdict"] == "fail" for gate in run.report["gates"])
        assert len(suite.findall(".//failure")) == failed
        assert run.done.stderr == ""
        assert run.report == json.loads((run.results / "report.json").read_text())


def test_the_library_call_gives_the_same_report(finished: dict[str, Finished], tmp_path: Path) -> None:
    """`mtf.run` in this process gives the values of the command, and no exception for a gate that fails."""
    import mtf

    report = mtf.run(finished["adult"].folder / "run.yaml", home=tmp_path / ".mtf")
    assert report.verdict == "fail"
    wanted = finished["adult"].report["metrics"]["roc_auc"]
    assert (report.metrics["roc_auc"].value, report.metrics["roc_auc"].lower) == (wanted["value"], wanted["lower"])
    assert "<html" in report.to_html()
    assert "roc_auc" in report.to_frame().to_string()
