"""`mtf report` on a report that was saved."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mtf.cli.main import app
from mtf.contracts.report import MetricValue, Report, Rows, RunHead

STARTS = {"html": "<!doctype html>", "md": "# demo", "csv": "run,name,dataset", "junit": "<?xml", "json": "{", "summary": "## "}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A report that somebody saved."""
    head = RunHead(id="r1", name="demo", dataset="d@1", model="m@1")
    report = Report(run=head, task="regression", rows=Rows(total=3, scored=3), metrics={"mae": MetricValue(value=1.5, n=3)})
    path = tmp_path / "report.json"
    path.write_text(report.model_dump_json())
    return path


@pytest.mark.parametrize("kind", sorted(STARTS))
def test_a_saved_report_is_drawn_in_every_form(file: Path, kind: str) -> None:
    """No run, no gateway and no home is needed: the document is enough."""
    done = CliRunner().invoke(app, ["report", str(file), "--format", kind])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(STARTS[kind])


def test_a_saved_report_is_written_to_a_file(file: Path, tmp_path: Path) -> None:
    """`--out` takes the bytes, and the folders that lead there are made."""
    out = tmp_path / "a" / "page.html"
    assert CliRunner().invoke(app, ["report", str(file), "--format", "html", "--out", str(out)]).exit_code == 0
    assert out.read_text().startswith("<!doctype html>")


def test_the_table_is_written_to_a_file(file: Path, tmp_path: Path) -> None:
    """What stands on the screen without `--format` is what the file holds, not the JSON that it was made of."""
    out = tmp_path / "table.txt"
    assert CliRunner().invoke(app, ["report", str(file), "--out", str(out)]).exit_code == 0
    assert out.read_text() == CliRunner().invoke(app, ["report", str(file)]).output
    assert "mae" in out.read_text()
