"""Following a run: lines for stages, and what Ctrl-C does."""

from collections.abc import Iterator
from typing import Any

import pytest

from mtf.cli.progress import Lines, follow
from mtf.contracts.registry import RunEvent, RunView
from mtf.errors import CancelledError, ConflictError


def event(kind: Any, stage: Any = "inference", **data: Any) -> RunEvent:
    return RunEvent(seq=1, at="2026-01-01T00:00:00Z", kind=kind, stage=stage, data=data)


def view(status: Any) -> RunView:
    return RunView(id="r1", name="n", status=status, created_by="local", created_at="2026-01-01T00:00:00Z", spec={}, dataset="d", model="m")


class House:
    """Tells events, then views in order; the last view stays."""

    def __init__(self, *events: RunEvent | BaseException, views: tuple[str, ...] = ("succeeded",)) -> None:
        self._events, self._views = events, list(views)
        self.cancelled = 0

    def events(self, _: str) -> Iterator[RunEvent]:
        for each in self._events:
            if isinstance(each, BaseException):
                raise each
            yield each

    def get(self, _: str) -> RunView:
        return view(self._views.pop(0) if len(self._views) > 1 else self._views[0])

    def cancel(self, _: str) -> RunView:
        self.cancelled += 1
        if self._views == ["succeeded"]:
            raise ConflictError("the run is over")
        return view("running")


def test_a_line_for_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """Off a terminal a stage is one line when it ends: its time, or that it was cached; progress is not printed."""
    house = House(
        event("stage", status="running"),
        event("progress", done=5, total=10, unit="rows"),
        event("stage", status="succeeded", cached=False, seconds=1.25),
        event("stage", "evaluation", status="succeeded", cached=True, seconds=0.0),
        event("stage", "evaluation", status="failed"),
    )
    assert follow(house, "r1").status == "succeeded"
    assert capsys.readouterr().err.splitlines() == [
        "inference    succeeded  1.25 s",
        "evaluation   succeeded  cached",
        "evaluation   failed     ",
    ]


def test_warnings_are_told_and_chatter_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """A stage's warnings reach the person; its other words do not."""
    follow(House(event("log", level="warning", message="few rows"), event("log", level="info", message="hello")), "r1")
    assert capsys.readouterr().err == "warning: few rows\n"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--quiet` nothing is printed."""
    follow(House(event("stage", status="succeeded", seconds=1.0)), "r1", quiet=True)
    assert capsys.readouterr() == ("", "")


def test_a_broken_stream_is_waited_out() -> None:
    """When the events end early the run is asked until it is final."""
    assert follow(House(views=("running", "running", "failed")), "r1", quiet=True).status == "failed"


def test_ctrl_c_cancels_and_waits() -> None:
    """The run is cancelled, its end awaited, and the error says how to go on."""
    house = House(KeyboardInterrupt(), views=("running", "cancelled"))
    with pytest.raises(CancelledError, match="r1 was cancelled") as caught:
        follow(house, "r1", quiet=True)
    assert house.cancelled == 1
    assert "mtf runs resume r1" in (caught.value.fix or "")
    assert caught.value.exit_code == 130


def test_ctrl_c_after_the_end_is_no_error_of_the_user() -> None:
    """A run that ended in the same moment is said to have ended; the exit code is that of an interrupt."""
    with pytest.raises(CancelledError, match="had ended already"):
        follow(House(KeyboardInterrupt()), "r1", quiet=True)


def test_a_moving_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal progress moves a line, which is taken away in the end."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    lines = Lines()
    lines.show(event("stage", status="running"))
    lines.show(event("progress", done=1500, total=3000, unit="rows", message="scoring"))
    assert lines._status is not None
    assert "1,500 of 3,000 rows scoring" in str(lines._status.status)
    lines.close()
    assert lines._status is None
