"""`--summary`: where the job summary goes."""

from pathlib import Path

import pytest

from mtf.cli.job_summary import place_of, told_in, write
from mtf.errors import CancelledError, DataError, UsageError


def test_github_is_the_file_of_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`github` means the file that GitHub Actions names; without it the command stops before it runs anything."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    with pytest.raises(UsageError, match="GITHUB_STEP_SUMMARY"):
        place_of("github")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    assert place_of("github") == tmp_path / "step.md"
    assert place_of("summary.md") == Path("summary.md")
    assert place_of(None) is None


def test_a_file_is_replaced_and_a_step_is_added_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary file holds the newest summary; what other commands wrote into the step's page stays there."""
    step = tmp_path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    step.write_text("before\n")
    write(step, "one\n")
    write(step, "two\n")
    assert step.read_text() == "before\none\ntwo\n"
    plain = tmp_path / "new" / "plain.md"
    write(plain, "one\n")
    write(plain, "two\n")
    assert plain.read_text() == "two\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder in the file's place is the user's mistake, told as such."""
    with pytest.raises(UsageError, match="cannot write") as caught:
        write(tmp_path, "text")
    assert caught.value.field == "--summary"


def test_a_failed_run_is_told_too(tmp_path: Path) -> None:
    """A build whose run failed shows why on its page; a run that the user cancelled leaves the page alone."""
    page = tmp_path / "page.md"
    with pytest.raises(DataError), told_in(page, "run.yaml"):
        raise DataError("there is no target", field="dataset.target")
    assert "run.yaml: no verdict, the run failed" in page.read_text()
    assert "there is no target" in page.read_text()
    with pytest.raises(CancelledError), told_in(tmp_path / "none.md", "run.yaml"):
        raise CancelledError("by hand")
    assert not (tmp_path / "none.md").exists()
    with pytest.raises(DataError), told_in(None, "run.yaml"):
        raise DataError("no page is asked for")
