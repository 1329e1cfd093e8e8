"""The root of the command: every way out has the exit code of its cause."""

from collections.abc import Callable
from typing import Any

import pytest
import typer

from mtf.cli import main as command
from mtf.errors import DataError, ModelError


def left(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Any]) -> object:
    """The exit code when the command does `work`."""
    monkeypatch.setattr(command, "app", lambda **_: work())
    with pytest.raises(SystemExit) as caught:
        command.main()
    return caught.value.code


def raising(error: BaseException) -> Callable[[], Any]:
    def work() -> Any:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (DataError("bad rows"), 2, "error: bad rows"),
        (ModelError("bad model"), 4, "error: bad model"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (typer.Abort(), 130, "aborted"),
        (typer.BadParameter("no such option"), 2, "no such option"),
        (ZeroDivisionError("a bug"), 4, "unexpected ZeroDivisionError: a bug"),
    ],
)
def test_the_cause_decides(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ours, the command line's, the user's and nobody's errors; never Python's own 1 and no trace."""
    monkeypatch.delenv("MTF_LOG_LEVEL", raising=False)
    assert left(monkeypatch, raising(error)) == code
    told = capsys.readouterr().err
    assert text in told
    assert "Traceback" not in told


def test_codes_of_commands_pass() -> None:
    """A command's own exit code is the process's."""
    with pytest.MonkeyPatch.context() as patch:
        assert [left(patch, lambda code=code: code) for code in (None, 0, 1, 3)] == [0, 0, 1, 3]  # type: ignore[misc]


def test_ctrl_c_that_became_a_code_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The library that reads the command line turns Ctrl-C into 130; the person still reads why."""
    assert left(monkeypatch, lambda: 130) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_debug_shows_the_trace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The trace of a bug is there for whoever asks."""
    monkeypatch.setenv("MTF_LOG_LEVEL", "debug")
    assert left(monkeypatch, raising(ZeroDivisionError("a bug"))) == 4
    assert "Traceback" in capsys.readouterr().err


def test_options_before_the_command_name_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--gateway` and `--token` reach what opens the session."""
    monkeypatch.setenv("MTF_GATEWAY", "old")
    monkeypatch.setenv("MTF_GATEWAY_TOKEN", "old")
    command.root(gateway="http://new", token="t")
    import os

    assert (os.environ["MTF_GATEWAY"], os.environ["MTF_GATEWAY_TOKEN"]) == ("http://new", "t")
    command.root()
    assert os.environ["MTF_GATEWAY"] == "http://new"
