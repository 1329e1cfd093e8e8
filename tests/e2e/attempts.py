"""One run in an open house, told as the command tells it: exit code, the lines a person reads, and what is left on the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mtf.cli.run import finish
from mtf.cli.show import complain
from mtf.contracts.registry import RunView
from mtf.embedded import Embedded
from mtf.errors import MtfError
from mtf.spec import read
from mtf.storage.publication import manifest_ref

ROWS = 40
LABELS = ["yes" if index % 3 == 0 else "no" for index in range(ROWS)]
TRUTH = "id,x,region,truth\n" + "".join(f"{i},{i / 7:.3f},{'north' if i % 2 else 'south'},{LABELS[i]}\n" for i in range(ROWS))
PREDICTIONS = "id,prediction,score\n" + "".join(f"{i},{LABELS[i]},{0.9 if LABELS[i] == 'yes' else 0.2}\n" for i in range(ROWS))
SPEC: dict[str, Any] = {
    "name": "trial",
    "dataset": {"source": {"type": "file", "path": "truth.csv"}, "target": "truth", "id": "id", "positive": "yes"},
    "model": {"source": {"type": "predictions", "path": "predictions.csv"}},
    "evaluation": {"slices": ["region"], "gates": ["accuracy >= 0.5"]},
}
"""A run that succeeds as it stands; each case changes one thing."""


@dataclass(frozen=True)
class Case:
    """One wrong thing: files and keys that differ from the good run, and what must be said about it."""

    name: str
    code: int
    says: tuple[str, ...]
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)
    text: str | bytes | None = None


@dataclass(frozen=True)
class Told:
    """What a person has after the attempt."""

    code: int
    text: str
    view: RunView | None

    @property
    def lines(self) -> list[str]:
        """The lines of standard error."""
        return self.text.rstrip("\n").split("\n")


def changed(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The good run file with dotted keys set; the value `None` removes one."""
    spec: dict[str, Any] = json.loads(json.dumps(SPEC))
    for path, value in keys.items():
        *parents, last = path.split(".")
        place = spec
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return spec


def lay_out(folder: Path, case: Case) -> Path:
    """Write the case's files and return its run file."""
    files: dict[str, str | bytes | None] = {"truth.csv": TRUTH, "predictions.csv": PREDICTIONS, **case.files}
    files["run.yaml"] = json.dumps(changed(case.keys)) if case.text is None else case.text  # JSON is YAML
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / "run.yaml"


def attempt(house: Embedded, file: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """Do what `mtf run FILE` does, in an open house."""
    capsys.readouterr()
    view = None
    try:
        view = house.submit(read(file), base=file.parent)
        for _ in house.events(view.id):
            pass
        view = house.get(view.id)
        code = finish(house, view, html=None, junit=None, as_json=True)
    except MtfError as error:
        complain(error)
        code = error.exit_code
    return Told(code, capsys.readouterr().err, view)


def leftovers(home: Path, view: RunView) -> list[str]:
    """What a run that failed must not leave: attempts, drafts, report files, and a manifest of a stage that did not succeed."""
    found = [str(path) for path in home.rglob("*") if path.name.startswith((".attempt", ".draft"))]
    found += [str(path) for path in [home / "runs" / view.id] if path.exists()]
    for stage in view.stages:
        if stage.status == "succeeded" or stage.fingerprint is None:
            continue
        area, _, key = manifest_ref(stage.stage, stage.fingerprint).partition(":")
        found += [str(path) for path in [home / area / key] if path.exists()]
    return found


def check(told: Told, case: Case, home: Path) -> None:
    """The exit code of the cause, few and useful lines, nothing half-written, the true problem in the run."""
    assert told.code == case.code, told.text
    for words in case.says:
        assert words in told.text, f"{words!r} is not in:\n{told.text}"
    assert len(told.lines) <= 8, told.text
    assert max(map(len, told.lines)) <= 500, told.text
    assert "Traceback" not in told.text
    assert "\x1b" not in told.text
    if told.view is not None:
        assert told.view.status in {"failed", "cancelled"}
        assert told.view.problem is not None
        assert told.view.problem.detail in " ".join(told.text.split()) or told.view.problem.errors
        assert leftovers(home, told.view) == []
