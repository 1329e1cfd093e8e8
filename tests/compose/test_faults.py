"""Containers that die: whatever is killed while runs go through, every run ends, and ends right."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.compose.stack import ROOT, Stack

pytestmark = pytest.mark.compose
RUNS = 3
FINAL = {"succeeded", "failed", "cancelled"}


@pytest.mark.parametrize("victim", ["acquisition", "processing", "inference", "evaluation", "gateway", "postgres"])
def test_a_container_that_is_killed_loses_no_run(stack: Stack, tmp_path: Path, victim: str) -> None:
    """Runs of new seeds are under way, one container is killed with -9 and comes back; every run still succeeds."""
    text = (ROOT / "examples/penguins/run.yaml").read_text()
    seeds = [1000 + RUNS * sum(map(ord, victim)) + number for number in range(RUNS)]
    for name in ("penguins.csv", "forest.skops"):
        (tmp_path / name).write_bytes((ROOT / "examples/penguins" / name).read_bytes())
    runs = []
    for seed in seeds:
        file = tmp_path / f"run{seed}.yaml"
        file.write_text(text.replace("seed: 7", f"seed: {seed}").replace("name: penguins-forest", f"name: killed-{victim}"))
        command = [sys.executable, "-m", "mtf", "--gateway", stack.url, "run", "--json", str(file)]
        runs.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    stack.wait_for(lambda: len(stack.runs(f"killed-{victim}")) == RUNS)
    stack.compose("kill", "--signal", "SIGKILL", victim)
    time.sleep(2)
    stack.compose("start", victim)
    for run in runs:
        run.communicate(timeout=240)  # the command may have lost its gateway; what counts is what the gateway says in the end
    stack.wait_for(lambda: len([run for run in stack.runs(f"killed-{victim}") if run["status"] in FINAL]) == RUNS, seconds=240)
    found = stack.runs(f"killed-{victim}")
    assert [run["status"] for run in found] == ["succeeded"] * RUNS, (found, stack.logs("gateway", victim)[-6000:])
