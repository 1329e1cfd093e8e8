"""Every command of `mtf`, as a process, over one home in which the examples ran."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pyarrow.parquet as pq
import pytest
import skops.io
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

from tests.conftest import ROOT
from tests.e2e.command import Command, Inside
from tests.e2e.conftest import CODES, Finished

ULID = re.compile(r"\b[0-9a-z]{26}\b")


def variant(mtf: Command, example: str, file: str, **keys: Any) -> str:
    """An example's run file with dotted keys changed (`__` for the dot), beside the original; the path for the command."""
    spec = yaml.safe_load((mtf.folder / example / "run.yaml").read_text())
    for path, value in keys.items():
        *parents, last = path.split("__")
        place = spec
        for parent in parents:
            place = place[parent]
        place[last] = value
    (mtf.folder / example / file).write_text(json.dumps(spec))
    return f"{example}/{file}"


@pytest.fixture(scope="module")
def mtf(command: Command) -> Command:
    """The command in the examples' folder, from its entry point."""
    return Inside(command.folder)


# Help, schema, doctor, plug-ins

COMMANDS = ["", "run", "validate", "init", "runs", "runs list", "runs show", "runs cancel", "runs resume", "runs rerun", "runs delete",
            "runs compare", "runs logs", "runs revisions", "report", "leaderboard", "history", "reevaluate", "datasets", "datasets list",
            "datasets show", "datasets add",
            "datasets delete", "datasets looks", "models", "models list", "models show", "models add", "models alias", "recipe", "recipe fit",
            "recipe apply", "serve", "db", "db upgrade", "doctor", "plugins", "schema", "version"]  # fmt: skip


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` of every command exits 0, says in a sentence what it does, and names its options."""
    from mtf.cli.main import app

    for command in COMMANDS:
        assert app([*command.split(), "--help"], standalone_mode=False) == 0
        text = capsys.readouterr().out
        assert "Usage:" in text
        assert len(text.splitlines()) < 60, command


def test_no_command_is_forgotten() -> None:
    """The list above is every command that exists."""
    import typer

    from mtf.cli.main import app

    def names(command: Any, path: str) -> set[str]:
        found = {path}
        for name, child in getattr(command, "commands", {}).items():
            found |= names(child, f"{path} {name}".strip())
        return found

    assert names(typer.main.get_command(app), "") == set(COMMANDS)


def test_help_through_the_real_command(command: Command) -> None:
    """`mtf --help` tells the exit codes; without arguments it shows itself too."""
    text = command("--help").stdout
    assert "Exit codes" in text
    assert "interrupted" in text
    assert "Usage:" in "".join((done := command(code=2)).stdout + done.stderr)


def test_the_schema_accepts_the_examples(mtf: Command) -> None:
    """`mtf schema run` is a JSON Schema that every example's run file fulfils, and a misspelt key does not."""
    schema = json.loads(mtf("schema", "run").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name in CODES:
        spec = yaml.safe_load((ROOT / "examples" / name / "run.yaml").read_text())
        validator.validate(spec)
        spec["evaluation"]["metircs"] = []
        assert not validator.is_valid(spec)
    assert json.loads(mtf("schema", "report").stdout)["type"] == "object"
    assert "run" in mtf("schema", "nonsense", code=2).stderr


def test_the_report_schema_accepts_the_reports(mtf: Command, finished: dict[str, Finished]) -> None:
    """`mtf schema report` describes what `--json` prints."""
    validator = jsonschema.Draft202012Validator(json.loads(mtf("schema", "report").stdout))
    for run in finished.values():
        validator.validate(run.report)


def test_doctor_version_and_plugins(mtf: Command) -> None:
    """Doctor looks at this machine, plug-ins are listed with their kind."""
    text = mtf("doctor").stdout
    for word in ("python", "sandbox", "storage", "gateway", "service inference"):
        assert word in text
    assert re.match(r"\d+\.\d+", mtf("version").stdout)
    found = {(view["kind"], view["name"]) for view in json.loads(mtf("plugins", "--json").stdout)}
    assert {("source", "file"), ("step", "split"), ("loader", "skops"), ("metric", "roc_auc")} <= found
    assert "one_hot" in mtf("plugins").stdout


def test_validate(mtf: Command) -> None:
    """A right run file is valid; a wrong one names its field, and nothing is made."""
    for name in CODES:
        assert "valid" in mtf("validate", f"{name}/run.yaml").stdout
    wrong = variant(mtf, "penguins", "wrong.yaml", evaluation__metrics=["acuracy"])
    assert "evaluation.metrics[0]" in mtf("validate", wrong, code=2).stderr


def test_init_writes_a_run_that_works(tmp_path: Path) -> None:
    """The starter runs as it is, in an empty folder, and is never overwritten."""
    mtf = Command(tmp_path)
    assert "mtf run first/run.yaml" in mtf("init", "first").stdout
    done = mtf("run", "first/run.yaml")
    assert "verdict: pass" in done.stdout
    place = re.search(r"^report: (.*)$", done.stdout, re.MULTILINE)
    assert place is not None
    assert (tmp_path / place[1]).is_file()
    assert "exists already" in mtf("init", "first", code=2).stderr


# Verdicts and reports


@pytest.mark.parametrize(("meaning", "code"), [("pass", 0), ("fail", 1), ("3", 3)])
def test_what_an_inconclusive_gate_means(meaning: str, code: int, mtf: Command, finished: dict[str, Finished]) -> None:
    """`--inconclusive` decides the exit code and nothing else."""
    assert "? inconclusive" in mtf("run", "penguins/run.yaml", "--inconclusive", meaning, code=code).stdout


def test_the_job_summary(mtf: Command, finished: dict[str, Finished], tmp_path: Path) -> None:
    """`--summary` writes the verdict, the gates with their reasons and the metrics; `report` prints the same again; a broken run has one too."""
    page = tmp_path / "page.md"
    done = mtf("run", "penguins/run.yaml", "--quiet", "--summary", page, code=3)
    text = page.read_text()
    assert text.startswith("## ❓ penguins-forest: 1 of 3 gates is inconclusive")
    assert "rows would settle it" in text
    assert "| <code>accuracy</code> | 0.980 | 0.930 to 0.994 | 100 |" in text
    run_id = re.search(r"run: (\w+)", done.stdout)
    assert run_id is not None
    assert mtf("report", run_id[1], "--format", "summary").stdout == text
    wrong = variant(mtf, "penguins", "summary-wrong.yaml", evaluation__metrics=["acuracy"])
    mtf("run", wrong, "--summary", page, code=2)
    assert page.read_text().startswith("## ❌ summary-wrong.yaml: no verdict, the run failed")
    assert "did you mean <code>accuracy</code>?" in page.read_text()
    assert "GITHUB_STEP_SUMMARY" in mtf("run", "penguins/run.yaml", "--summary", "github", code=2).stderr


def test_inconclusive_takes_three_words(mtf: Command) -> None:
    """Another word is a usage error."""
    assert "--inconclusive" in mtf("run", "penguins/run.yaml", "--inconclusive", "maybe", code=2).stderr


def test_report_again(mtf: Command, finished: dict[str, Finished]) -> None:
    """Text, JSON, HTML and JUnit of a run that ended, to standard output or to a file."""
    run = finished["adult"]
    text = mtf("report", run.id).stdout
    assert "✘ fail" in text
    assert "report.html" in text
    assert json.loads(mtf("report", run.id, "--format", "json").stdout) == run.report
    ET.fromstring(mtf("report", run.id, "--format", "junit").stdout)  # noqa: S314 - our own document
    mtf("report", run.id, "--format", "html", "--out", "again/page.html")
    assert (mtf.folder / "again/page.html").read_bytes() == (run.results / "report.html").read_bytes()
    assert "no-such-run" in mtf("report", "no-such-run", code=2).stderr
    assert "--format" in mtf("report", run.id, "--format", "pdf", code=2).stderr


def test_leaderboard(mtf: Command, finished: dict[str, Finished]) -> None:
    """Runs of one dataset, best first, each with its interval."""
    text = mtf("leaderboard", "--dataset", "adult-test.csv.gz", "--metric", "roc_auc").stdout
    value = finished["adult"].report["metrics"]["roc_auc"]
    assert "adult-logistic" in text
    assert f"{value['value']:.3f}"[:4] in text


# Runs


def test_runs_list_show_and_logs(mtf: Command, finished: dict[str, Finished]) -> None:
    """The list pages and filters; one run shows its stages."""
    text = mtf("runs", "list").stdout
    assert {"penguins-forest", "diamonds-boosting", "adult-logistic"} <= set(text.split())
    page = mtf("runs", "list", "--limit", "1").stdout
    cursor = re.search(r"--cursor (\S+)", page)
    assert cursor is not None
    assert set(ULID.findall(page)).isdisjoint(ULID.findall(mtf("runs", "list", "--limit", "1", "--cursor", cursor[1]).stdout))
    assert "adult" not in mtf("runs", "list", "--name", "penguins-forest").stdout
    shown = mtf("runs", "show", finished["adult"].id).stdout
    assert all(stage in shown for stage in ("acquisition", "processing", "inference", "evaluation"))
    view = json.loads(mtf("runs", "show", finished["adult"].id, "--json").stdout)
    assert view["status"] == "succeeded"
    mtf("runs", "logs", finished["adult"].id)
    assert "nope" in mtf("runs", "show", "nope", code=2).stderr


def test_rerun_cancel_resume_and_delete(mtf: Command, finished: dict[str, Finished]) -> None:
    """A run can be repeated; one that is over is neither cancelled nor resumed; a deleted one is gone."""
    again = mtf("runs", "rerun", finished["diamonds"].id)
    new = ULID.search(again.stdout)
    assert new is not None
    assert new[0] != finished["diamonds"].id
    assert "over" in mtf("runs", "cancel", new[0], code=2).stderr
    assert "succeeded" in mtf("runs", "resume", new[0], code=2).stderr
    assert "aborted" in mtf("runs", "delete", new[0], stdin="n\n", code=130).stderr
    mtf("runs", "delete", new[0], "--yes")
    assert new[0] in mtf("runs", "show", new[0], code=2).stderr
    assert not (mtf.home / "runs" / new[0]).exists()
    assert "succeeded" in mtf("runs", "show", finished["diamonds"].id).stdout


# Baselines and comparisons


@pytest.fixture(scope="module")
def plainer(mtf: Command, finished: dict[str, Finished]) -> str:
    """A second, weaker model on the very same test rows, trained on what `mtf recipe fit` wrote: the id of its run."""
    mtf("recipe", "fit", "penguins/run.yaml", "--train", "train.parquet", "--test", "test.parquet", "--recipe", "recipe.json")
    train = pq.read_table(mtf.folder / "train.parquet").to_pandas()
    features = train[["bill_depth_mm", "flipper_length_mm"]]
    skops.io.dump(LogisticRegression(max_iter=5000).fit(features, train["species"]), mtf.folder / "penguins/plain.skops")
    file = variant(mtf, "penguins", "plain.yaml", name="penguins-logistic", model__source__path="plain.skops", evaluation__gates=[])
    return str(json.loads(mtf("run", file, "--json").stdout)["run"]["id"])


def test_recipe_fit_writes_what_will_be_tested(mtf: Command, plainer: str, finished: dict[str, Finished]) -> None:
    """Training and test rows are apart, the test rows are those of the run, and the model trained on them scores as computed by hand."""
    train, test = (pq.read_table(mtf.folder / name).to_pandas() for name in ("train.parquet", "test.parquet"))
    stored = pq.read_table(finished["penguins"].results / "scored.parquet")
    assert len(test) == stored.num_rows
    assert len(train) + len(test) == pd.read_csv(mtf.folder / "penguins/penguins.csv")["sex"].notna().sum()
    model = skops.io.load(mtf.folder / "penguins/plain.skops")
    expected = accuracy_score(test["species"], model.predict(test[["bill_depth_mm", "flipper_length_mm"]]))
    report = json.loads(mtf("report", plainer, "--format", "json").stdout)
    assert report["metrics"]["accuracy"]["value"] == pytest.approx(expected, rel=1e-10)


def test_recipe_apply_learns_nothing(mtf: Command, plainer: str) -> None:
    """The fitted recipe gives the test rows again from the raw table, and works on a single row."""
    raw = mtf.folder / "penguins/penguins.csv"
    mtf("recipe", "apply", "recipe.json", "--data", raw, "--out", "all.parquet")
    everything = pq.read_table(mtf.folder / "all.parquet").to_pandas()
    test = pq.read_table(mtf.folder / "test.parquet").to_pandas().drop(columns=["species"])
    columns = [name for name in test.columns if name in everything.columns]
    assert len(columns) == test.shape[1]
    assert len(test.merge(everything.drop_duplicates(columns), on=columns)) == len(test)
    lines = raw.read_text().splitlines()
    (mtf.folder / "one.csv").write_text("\n".join(lines[:2]) + "\n")
    mtf("recipe", "apply", "recipe.json", "--data", "one.csv", "--out", "one.parquet")
    one = pq.read_table(mtf.folder / "one.parquet").to_pandas()
    assert one.iloc[0].equals(everything.iloc[0])


BASELINES = ["name", "id", "report", "predictions"]


@pytest.mark.parametrize("form", BASELINES)
def test_baseline_in_every_form(form: str, mtf: Command, plainer: str) -> None:
    """A name, an id, a report's path and a predictions file name the same baseline and give the same paired difference."""
    folder = mtf.home / "runs" / plainer
    stored = pq.read_table(folder / "scored.parquet").to_pandas()
    labels = json.loads((folder / "report.json").read_text())["labels"]
    with (mtf.folder / "penguins/answers.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row_id", "prediction", *(f"score:{label}" for label in labels)])
        for row in stored.itertuples():
            writer.writerow([row.row_id, labels[row.prediction], *(repr(getattr(row, f"score_{k}")) for k in range(len(labels)))])
    written: dict[str, Any] = {
        "name": "penguins-logistic",
        "id": plainer,
        "report": {"report": str(folder / "report.json")},
        "predictions": {"source": {"type": "predictions", "path": "answers.csv"}},
    }
    gates = ["log_loss not worse than baseline by 0.01", "accuracy not worse than baseline"]
    file = variant(mtf, "penguins", f"against-{form}.yaml", evaluation__baseline=written[form], evaluation__gates=gates)
    report = json.loads(mtf("run", file, "--json").stdout)
    assert {gate["verdict"] for gate in report["gates"]} == {"pass"}
    found = {item["metric"]: item for item in report["comparisons"]}
    ours, theirs = report["metrics"], json.loads((folder / "report.json").read_text())["metrics"]
    for metric in ("accuracy", "log_loss"):
        assert found[metric]["difference"] == pytest.approx(ours[metric]["value"] - theirs[metric]["value"], rel=1e-9)
        assert found[metric]["lower"] < found[metric]["difference"] < found[metric]["upper"]


def test_compare_two_runs(mtf: Command, plainer: str, finished: dict[str, Finished]) -> None:
    """The difference is that of the values, said in words; a run compared with itself differs by nothing; other rows are refused."""
    ours = finished["penguins"]
    view = json.loads(mtf("runs", "compare", ours.id, plainer, "--json").stdout)
    found = {item["metric"]: item for item in view["comparisons"]}
    other = json.loads(mtf("report", plainer, "--format", "json").stdout)["metrics"]["f1_macro"]["value"]
    assert found["f1_macro"]["difference"] == pytest.approx(ours.report["metrics"]["f1_macro"]["value"] - other, rel=1e-9)
    assert "test sets" in mtf("runs", "compare", ours.id, plainer).stdout
    same = json.loads(mtf("runs", "compare", ours.id, ours.id, "--json").stdout)
    assert {item["difference"] for item in same["comparisons"]} <= {0.0, None}
    assert {item["p_value"] for item in same["comparisons"]} <= {1.0, None}
    assert "different tasks" in mtf("runs", "compare", ours.id, finished["adult"].id, code=2).stderr


def test_compare_many_runs(mtf: Command, plainer: str, finished: dict[str, Finished]) -> None:
    """Three runs on the same rows: every pair, an overall test and ranks; against a baseline only its pairs; named metrics get Holm."""
    ours = finished["penguins"]
    file = variant(mtf, "penguins", "twin.yaml", name="penguins-twin", evaluation__gates=[])
    third = str(json.loads(mtf("run", file, "--json").stdout)["run"]["id"])
    asked = ("runs", "compare", ours.id, plainer, third)
    view = json.loads(mtf(*asked, "--metric", "accuracy", "-m", "log_loss", "--json").stdout)
    assert len(view["comparisons"]) == 6
    assert view["family"].startswith("Holm over 6 tests")
    assert {one["metric"]: one["method"] for one in view["overall"]} == {"accuracy": "cochran-q", "log_loss": "wald"}
    letters = {one["run"]: one["letters"] for one in view["standings"][1]["runs"]}
    labels = {one["id"]: one["label"] for one in view["runs"]}
    assert letters[labels[ours.id]] == letters[labels[third]] != letters[labels[plainer]]
    against = json.loads(mtf(*asked, "--baseline", plainer, "-m", "accuracy", "--json").stdout)
    assert {one["baseline"] for one in against["comparisons"]} == {labels[plainer]}
    assert (against["baseline"], len(against["comparisons"])) == (plainer, 2)
    assert "every two compared" in mtf(*asked).stdout
    assert "accuracy" in mtf(*asked, "-m", "acuracy", code=2).stderr
    assert "2 to 20 runs" in mtf("runs", "compare", ours.id, code=2).stderr


def test_compare_runs_on_other_rows(mtf: Command, finished: dict[str, Finished]) -> None:
    """Another split is refused in pairs with what differs and how many rows are shared, and compared unpaired when asked to."""
    ours = finished["penguins"]
    steps = [
        {"drop_missing": {"columns": ["sex"]}},
        {"split": {"test": 0.4, "seed": 11}},
        {"impute": {"numeric": "median", "categorical": "most_frequent"}},
        {"one_hot": {"columns": ["island", "sex"]}},
    ]
    file = variant(mtf, "penguins", "split.yaml", processing=steps, evaluation__gates=[])
    other = str(json.loads(mtf("run", file, "--json").stdout)["run"]["id"])
    told = " ".join(mtf("runs", "compare", ours.id, other, code=2).stderr.split())
    for part in ("the steps that choose rows", "seed=11", "rows are among the", "--unpaired"):
        assert part in told
    view = json.loads(mtf("runs", "compare", ours.id, other, "--unpaired", "-m", "accuracy", "--json").stdout)
    assert view["paired"] is False
    assert "seed=11" in view["differs"][0]
    one = view["comparisons"][0]
    assert (one["paired"], one["interval_method"]) == (False, "miettinen-nurminen")
    assert "also belong to another run" in view["warnings"][0]
    assert "unpaired, on other rows" in mtf("runs", "compare", ours.id, other, "--unpaired").stdout


# Registries


def test_registered_dataset_and_model(mtf: Command, finished: dict[str, Finished]) -> None:
    """A run by `dataset: name@1` and `model: name@alias` gives the values of the run by files."""
    assert "no datasets yet" in mtf("datasets", "list").stdout
    assert "birds@1" in mtf("datasets", "add", "birds", "--file", "penguins/penguins.csv", "--target", "species").stdout
    assert "birds@1" in mtf("datasets", "add", "birds", "--file", "penguins/penguins.csv", "--target", "species").stdout
    assert "iris@1" in mtf("datasets", "add", "iris", "--source", '{"type": "builtin", "name": "iris"}').stdout
    assert {"birds@1", "iris@1"} <= set(mtf("datasets", "list").stdout.split())
    assert "flipper_length_mm" in mtf("datasets", "show", "birds@1").stdout
    assert "no models yet" in mtf("models", "list").stdout
    assert "forest@1" in mtf("models", "add", "forest", "--file", "penguins/forest.skops", "--alias", "first").stdout
    mtf("models", "alias", "forest@1", "champion")
    shown = mtf("models", "show", "forest").stdout
    assert "champion" in shown
    assert "first" in shown
    assert "forest@1" in mtf("models", "list").stdout
    file = variant(mtf, "penguins", "registered.yaml", dataset="birds@1", model="forest@champion")
    report = json.loads(mtf("run", file, "--json", code=3).stdout)
    assert report["metrics"] == finished["penguins"].report["metrics"]
    assert (report["run"]["dataset"], report["run"]["model"]) == ("birds@1", "forest@1")
    assert "needed" in (done := mtf("datasets", "delete", "birds@1", "--yes", code=2)).stderr or "use" in done.stderr
    mtf("datasets", "delete", "iris@1", "--yes")
    assert "iris" not in mtf("datasets", "list").stdout


def test_registries_refuse_what_is_wrong(mtf: Command) -> None:
    """Wrong names, files and numbers are told in a line or two, and nothing is registered."""
    for arguments, word in (
        (("datasets", "add", "../x", "--file", "penguins/penguins.csv"), "name"),
        (("datasets", "add", "x", "--file", "nowhere.csv"), "nowhere.csv"),
        (("datasets", "add", "x"), "--file"),
        (("datasets", "add", "x", "--source", "{"), "JSON"),
        (("datasets", "add", "x", "--source", "[1]"), "JSON object"),
        (("runs", "list", "--status", "nonsense"), "succeeded"),
        (("datasets", "show", "nobody"), "nobody"),
        (("datasets", "show", "birds@newest"), "number"),
        (("datasets", "delete", "birds", "--yes"), "version"),
        (("models", "add", "../x", "--file", "penguins/forest.skops"), "name"),
        (("models", "add", "x", "--file", "penguins/penguins.csv"), "model"),
        (("models", "add", "x", "--file", "nowhere.skops"), "nowhere.skops"),
        (("models", "show", "nobody"), "nobody"),
        (("models", "alias", "nobody@1", "champion"), "nobody"),
    ):
        told = mtf(*arguments, code=2).stderr
        assert word in told
        assert len(told.splitlines()) <= 8


def test_usage_errors(mtf: Command) -> None:
    """What the command line itself has wrong is exit code 2; a gateway that is down is exit code 4 and named."""
    for arguments in (("run",), ("run", "a.yaml", "--nonsense"), ("nonsense",), ("runs", "nonsense"), ("runs", "list", "--limit", "0")):
        assert mtf(*arguments, code=2).stderr
    assert "mtf init" in mtf("run", "nowhere.yaml", code=2).stderr
    told = mtf("--gateway", "http://127.0.0.1:9", "runs", "list", code=4).stderr
    assert "127.0.0.1:9" in told
    assert len(told.splitlines()) <= 8
    assert "gateway" in mtf("serve", "nonsense", code=2).stderr
