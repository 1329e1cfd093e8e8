"""The three examples, run once by the real command from an empty home."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import EXAMPLES, Command

CODES = {"penguins": 3, "diamonds": 0, "adult": 1}


@dataclass(frozen=True)
class Finished:
    """One example that ran."""

    folder: Path
    home: Path
    done: subprocess.CompletedProcess[str]

    @property
    def report(self) -> dict[str, Any]:
        """What `--json` printed."""
        found: dict[str, Any] = json.loads(self.done.stdout)
        return found

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.report["run"]["id"])

    @property
    def results(self) -> Path:
        """The folder of the run's files."""
        return self.home / "runs" / self.id


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command in an empty folder, with copies of the examples beside it."""
    folder = tmp_path_factory.mktemp("examples")
    for name in CODES:
        shutil.copytree(EXAMPLES / name, folder / name)
    return Command(folder)


@pytest.fixture(scope="session")
def finished(command: Command) -> dict[str, Finished]:
    """Every example by name."""
    found = {}
    for name, code in CODES.items():
        done = command("run", f"{name}/run.yaml", "--json", "--report", f"out/{name}.html", "--junit", f"out/{name}.xml", code=code)
        found[name] = Finished(command.folder / name, command.home, done)
    return found
