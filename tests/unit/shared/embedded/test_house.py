"""The house in one folder: opened for reading without any worker, closed without a trace of a process."""

import threading
from pathlib import Path

import pytest

from mtf.embedded import Embedded
from mtf.embedded.workers import hire
from mtf.errors import NotFoundError, SpecError, UsageError


def test_reading_needs_no_worker(tmp_path: Path) -> None:
    """Without stages no process starts, lists are empty and what is not there is named."""
    before = threading.active_count()
    with Embedded(tmp_path / "deep" / ".mtf", stages=()) as house:
        assert house.list_runs().items == []
        assert house.list_datasets().items == []
        assert house.list_models().items == []
        assert house.leaderboard(dataset="iris@1", metric="accuracy").items == []
        assert house._crew.engines == ()
        for asked in (house.get, house.cancel, house.resume, house.rerun, house.delete, house.logs, house.report):
            with pytest.raises(NotFoundError):
                asked("nobody")
    assert threading.active_count() <= before + 1  # the loop's own pool may keep a thread that waits
    assert (tmp_path / "deep" / ".mtf" / "mtf.db").is_file()


def test_deleting_what_is_not_there_touches_no_folder(tmp_path: Path) -> None:
    """An id that is a path is no run, and nothing outside is removed."""
    (tmp_path / "precious").mkdir()
    with Embedded(tmp_path / ".mtf", stages=()) as house, pytest.raises(NotFoundError):
        house.delete("../../precious")
    assert (tmp_path / "precious").is_dir()


def test_a_wrong_run_file_stores_nothing(tmp_path: Path) -> None:
    """The form is checked before anything else."""
    with Embedded(tmp_path / ".mtf", stages=()) as house:
        with pytest.raises(SpecError):
            house.submit({"name": "x"}, base=tmp_path)
        assert house.list_runs().items == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A home under a file is told before anything starts."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="results cannot be kept"), Embedded(tmp_path / "file" / ".mtf", stages=()):
        pass


def test_a_second_opening_finds_the_first(tmp_path: Path) -> None:
    """What one process wrote another one reads: the place of a report depends on the folder alone."""
    for _ in range(2):
        with Embedded(tmp_path / ".mtf", stages=()) as house:
            assert house.report_place("r1").endswith(".mtf/runs/r1/report.html")


def test_stages_keep_their_order(tmp_path: Path) -> None:
    """However they are named, stages are hired in the order of a run."""
    assert Embedded(tmp_path, stages=("processing", "acquisition"))._stages == ("acquisition", "processing")
    assert len(Embedded(tmp_path)._stages) == 4


def test_hired_workers_share_one_zygote(tmp_path: Path) -> None:
    """An engine for each stage over the areas of the folder; the user's own machine may be reached; nothing runs yet."""
    crew = hire(tmp_path, ("acquisition", "inference"))
    assert set(crew.workers) == {"acquisition", "inference"}
    assert len({id(engine.room.zygote) for engine in crew.engines}) == 1
    source = crew.engines[0].room.source
    assert {"loopback", "private"} <= set(source.http_allow)
    assert source.confined is False
    assert source.uploads == tmp_path / "data" / "uploads"
