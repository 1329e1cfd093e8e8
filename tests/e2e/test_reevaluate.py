"""Runs that are over are measured again: a stranger's corrected metric turns verdicts, and a kill -9 in the middle leaves nothing half-written."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from mtf.embedded import Embedded
from tests.e2e.stranger import RIGHT, WRONG, Stranger

pytestmark = pytest.mark.slow
ROWS = 600
RUN = """
name: {name}
dataset:
  source: {{type: file, path: truth.csv}}
  target: truth
  id: id
model:
  source: {{type: predictions, path: {name}.csv}}
evaluation:
  metrics: [accuracy, share_right]
  gates:
    - share_right >= 0.7
"""
RUNS = {"good": 0.05, "middling": 0.45, "bad": 0.5}
"""Runs by the share of rows that they call positive and should not."""


def write(folder: Path) -> None:
    """A table of truth, and predictions that err on some positives and, each run by its share, on negatives."""
    dice = random.Random(3)
    truth = [int(dice.random() < 0.3) for _ in range(ROWS)]
    (folder / "truth.csv").write_text("id,x,truth\n" + "".join(f"{i},{i % 7},{t}\n" for i, t in enumerate(truth)))
    for name, wrong in RUNS.items():
        said = [int(dice.random() < (wrong / 0.7 if t == 0 else 0.85)) for t in truth]
        lines = "".join(f"{i},{p},{0.9 if p else 0.1}\n" for i, p in enumerate(said))
        (folder / f"{name}.csv").write_text(f"id,prediction,score\n{lines}")
        (folder / f"{name}.yaml").write_text(RUN.format(name=name))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """Three runs that were judged by the first version of the metric."""
    stranger = Stranger.settle(tmp_path_factory.mktemp("past"))
    stranger.publish(1, WRONG)
    write(stranger.folder)
    for name in RUNS:
        stranger("run", f"{name}.yaml", "--quiet")
    return stranger


@pytest.fixture
def here(past: Stranger, tmp_path: Path) -> Stranger:
    """The same past in a folder of the test's own."""
    shutil.copytree(past.folder, tmp_path / "work")
    past.publish(1, WRONG)
    return Stranger(past.python, past.module, tmp_path / "work")


def told(stranger: Stranger, *words: object, code: int) -> dict[str, dict[str, Any]]:
    """What a re-evaluation says of each run, by name."""
    document = json.loads(stranger("reevaluate", *words, "--json", code=code))
    assert document["reevaluation"]["status"] == "succeeded"
    return {run["name"]: run for run in document["runs"]}


def test_a_corrected_metric_turns_the_verdicts_that_it_must(here: Stranger) -> None:
    """Nothing is outdated until the version rises; then exactly the runs with the metric are, and each change equals a fresh computation."""
    assert told(here, "--outdated", code=0) == {}
    here.publish(2, RIGHT)
    dry = told(here, "--outdated", "--dry-run", code=1)
    found = told(here, "--outdated", code=1)
    for name, run in found.items():
        assert (run["status"], run["revision"], dry[name]["revision"]) == ("done", 2, None)
        assert {**run, "revision": None, "cached": None} == {**dry[name], "cached": None}
    assert {name: (run["verdict_before"], run["verdict_after"]) for name, run in found.items()} == {
        "good": ("pass", "pass"),
        "middling": ("pass", "fail"),
        "bad": ("pass", "fail"),
    }
    (gate,) = found["bad"]["gates"]
    with Embedded(here.folder / ".mtf", stages=()) as house:
        view = house.get(found["bad"]["run"])
        first, second = (json.loads(house.report(view.id, "json", number)) for number in (1, 2))
        assert house.report(view.id, "json") == house.report(view.id, "json", 2)
    # The corrected metric is accuracy under another name.
    assert gate["value_after"] == second["metrics"]["accuracy"]["value"] == second["metrics"]["share_right"]["value"]
    assert gate["value_before"] == first["metrics"]["share_right"]["value"] > 0.9
    assert first["metrics"]["accuracy"] == second["metrics"]["accuracy"]
    assert (first["run"]["revision"], second["run"]["revision"], second["run"]["looks"]["models"]) == (1, 2, 3)
    assert second["notes"]["evaluation"]["metric_versions"]["share_right"] == 2
    (change,) = found["bad"]["metrics"]
    assert (change["metric"], change["version_before"], change["version_after"]) == ("share_right", "1", "2")
    assert told(here, "--outdated", code=0) == {}


def test_the_table_is_what_a_person_reads(here: Stranger) -> None:
    """Run, gate, verdicts, values and versions; the report's place is that of the newest evaluation, and the first can still be read."""
    here.publish(2, RIGHT)
    text = here("reevaluate", "--outdated", "--name", "bad", code=1)
    assert "pass → fail" in text
    assert "share_right >= 0.7" in text
    assert re.search(r"0\.9\d+ → 0\.[45]\d+", text)
    assert "1 → 2" in text
    assert "1 run measured; 1 run with another verdict, 1 gate verdicts changed." in text
    run = here("runs", "list", "--name", "bad").split("bad")[0].split()[-1]
    assert "revisions/2/report.html" in here("report", run)
    assert "verdict: pass" in here("report", run, "--revision", 1)
    assert "2 newest" in here("runs", "revisions", run)
    assert (here.folder / ".mtf/runs" / run / "report.html").is_file()


def test_predictions_that_are_gone_are_told_with_the_run(here: Stranger) -> None:
    """The others are measured; the one without predictions is named with the reason, and stays as it was."""
    here.publish(2, RIGHT)
    with Embedded(here.folder / ".mtf", stages=()) as house:
        view = house.list_runs(name="good").items[0]
        scored = next(stage for stage in view.stages if stage.stage == "inference").outputs["test.scored"]
    (here.folder / ".mtf" / "artifacts" / scored.key).unlink()
    found = told(here, code=1)
    assert {name: run["status"] for name, run in found.items()} == {"good": "skipped", "middling": "done", "bad": "done"}
    assert "predictions are gone" in found["good"]["reason"]


def everything(home: Path) -> dict[str, Any]:
    """What the house says of its runs, without ids and times of re-evaluations."""
    with Embedded(home, stages=()) as house:
        runs = {view.name: view for view in house.list_runs().items}
        return {
            name: (
                view.verdict,
                view.metrics,
                view.gates,
                view.warnings,
                [(one.revision, one.verdict, one.metrics, one.versions) for one in house.revisions(view.id).items],
                json.loads(house.report(view.id, "json")),
            )
            for name, view in sorted(runs.items())
        }


def test_killed_in_the_middle_and_resumed(here: Stranger, tmp_path: Path) -> None:
    """After kill -9 every run has all of its new evaluation or nothing of it; the resume ends where an undisturbed one ends."""
    calm = Stranger(here.python, here.module, tmp_path / "calm")
    shutil.copytree(here.folder, calm.folder)
    here.publish(2, RIGHT)
    told(calm, "--outdated", code=1)

    here.publish(2, RIGHT, pause=1.5)
    home = here.folder / ".mtf"
    process = here.start("reevaluate", "--outdated")
    assert process.stderr is not None
    key = process.stderr.readline().split()[1].rstrip(":")
    deadline = time.monotonic() + 60
    try:
        while True:
            with Embedded(home, stages=()) as house:
                counts = house.reevaluation(key).counts
            if counts["done"]:
                break
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    with Embedded(home, stages=()) as house:
        view = house.reevaluation(key)
        assert view.status == "interrupted"
        assert 0 < view.counts["done"] < 3
        for item in house.reevaluation_runs(key).items:
            run = house.get(item.run)
            assert (item.status, run.revision) in {("done", 2), ("waiting", 1)}
            report = json.loads(house.report(item.run, "json"))
            assert report["verdict"] == run.verdict
            assert report["metrics"] == run.metrics

    here.publish(2, RIGHT)
    found = told(here, "--resume", key, code=1)
    assert {run["status"] for run in found.values()} == {"done"}
    assert everything(home) == everything(calm.folder / ".mtf")
