"""Ctrl-C in each stage: exit code 130, the run is cancelled, and no half of a stage is left."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from mtf.contracts.reference import STAGES
from mtf.embedded import Embedded
from mtf.storage.publication import PREFIX
from tests.e2e.attempts import leftovers
from tests.e2e.command import Command

ROWS = 400_000
RUN = """
name: long
seed: {seed}
dataset:
  source: {{type: file, path: long.csv}}
  target: truth
  positive: "yes"
processing:
  - split: {{test: 0.9}}
  - one_hot: {{columns: [region]}}
  - scale: {{method: standard}}
model:
  source: {{type: predictions, path: long-predictions.csv}}
evaluation:
  slices: [region, site, [region, site]]
"""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A table that keeps every stage busy long enough to be interrupted in it."""
    folder = tmp_path_factory.mktemp("long")
    dice = np.random.default_rng(0)
    truth = dice.random(ROWS) < 0.3
    score = np.clip(truth * 0.3 + dice.random(ROWS) * 0.7, 0.001, 0.999)
    words = np.array(["no", "yes"])
    columns = {f"x{number}": dice.normal(size=ROWS).round(4) for number in range(8)}
    regions, sites = (
        np.array([f"{kind}{n}" for n in range(count)])[dice.integers(0, count, ROWS)] for kind, count in (("r", 9), ("s", 12))
    )
    pa.csv.write_csv(pa.table({**columns, "region": regions, "site": sites, "truth": words[truth.astype(int)]}), folder / "long.csv")
    answers = {"row_id": np.arange(ROWS), "prediction": words[(score >= 0.5).astype(int)], "score": score}
    pa.csv.write_csv(pa.table(answers), folder / "long-predictions.csv")
    (folder / "run.yaml").write_text(RUN.format(seed=0))
    return Command(folder)


def running(home: Path) -> str | None:
    """The stage that writes now: it has a folder of its own for what is not published yet."""
    for stage, (area, folder) in PREFIX.items():
        if any((home / area / folder).glob("*/.attempt-*")):
            return stage
    return None


def interrupt_in(command: Command, stage: str) -> tuple[int, str]:
    """Start the run, wait for the stage, press Ctrl-C."""
    process = command.start("run", "run.yaml")
    try:
        while process.poll() is None and running(command.home) != stage:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, errors


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c(stage: str, long: Command) -> None:
    """Whatever stage it meets, the command leaves with 130 within seconds, and the run stands as cancelled."""
    code, errors = interrupt_in(long, stage)
    assert code == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert len(errors.rstrip("\n").split("\n")) <= 8, errors
    with Embedded(long.home, stages=()) as house:
        view = house.list_runs().items[0]
        view = house.get(view.id)
    assert view.status == "cancelled"
    assert [each.stage for each in view.stages if each.status == "succeeded"] == list(STAGES[: STAGES.index(stage)])
    assert leftovers(long.home, view) == []


def test_after_all_of_them_the_run_completes(long: Command) -> None:
    """The command told how to go on: what was finished before the interrupt is not computed again."""
    with Embedded(long.home, stages=()) as house:
        last = house.list_runs().items[0].id
    done = long("runs", "resume", last)
    assert "acquisition  succeeded  cached" in done.stderr
    assert "processing   succeeded  cached" in done.stderr
