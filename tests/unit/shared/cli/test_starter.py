"""The files of `mtf init`."""

from pathlib import Path

import pytest

from mtf.cli.starter import write_starter
from mtf.errors import ConflictError
from mtf.spec import read, validate


def test_the_starter_is_a_valid_run_file(tmp_path: Path) -> None:
    """The run file has the right form, and its table and predictions have the same ids."""
    written = write_starter(tmp_path / "new" / "folder")
    assert [path.name for path in written] == ["run.yaml", "truth.csv", "predictions.csv"]
    spec = validate(read(written[0]))
    assert spec.name == "first-run"
    truth, predictions = ([line.split(",") for line in path.read_text().splitlines()[1:]] for path in written[1:])
    assert [row[0] for row in truth] == [row[0] for row in predictions]
    assert {row[2] for row in truth} == {"0", "1"}
    assert all(0 <= float(row[2]) <= 1 and row[1] == str(int(float(row[2]) >= 0.5)) for row in predictions)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """One file in the way is enough to write none."""
    (tmp_path / "truth.csv").write_text("mine")
    with pytest.raises(ConflictError, match="exists already"):
        write_starter(tmp_path)
    assert (tmp_path / "truth.csv").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["truth.csv"]
