"""What `mtf doctor` finds."""

from pathlib import Path
from typing import Any

import pytest

from mtf.cli import doctor
from mtf.errors import UnavailableError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTF_HOME", str(tmp_path / ".mtf"))
    monkeypatch.delenv("MTF_GATEWAY", raising=False)


def test_this_machine_is_fit() -> None:
    """Every part that a run needs is looked at, and here none is bad."""
    found = doctor.examine()
    assert {"python", "pyarrow", "service gateway", "service inference", "storage", "sandbox", "gateway"} <= {each.what for each in found}
    assert [each for each in found if each.state == "bad"] == []


def test_a_full_disk_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than a GiB of free space is told as it is."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5 << 20}))
    assert doctor._storage().state == "bad"


@pytest.mark.parametrize(("level", "state"), [("strict", "ok"), ("partial", "note"), ("process", "note")])
def test_the_sandbox_says_what_it_means(level: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weaker sandbox is a note that names what is refused."""
    monkeypatch.setattr("mtf.plugins.resolve", lambda _: lambda: level)
    found = doctor._sandbox()
    assert found.state == state
    assert ("refused" in found.text) == (level != "strict")


def test_a_gateway_that_is_down_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that is named must answer; its address is told."""
    monkeypatch.setenv("MTF_GATEWAY", "http://gateway:8000")

    def down(_: Any) -> None:
        raise UnavailableError("nobody listens there")

    monkeypatch.setattr("mtf.client.Client.ready", down)
    found = doctor._gateway()
    assert found.state == "bad"
    assert "http://gateway:8000: nobody listens there" in found.text
    monkeypatch.setattr("mtf.client.Client.ready", lambda _: None)
    assert doctor._gateway().state == "ok"


def test_a_missing_library_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image holds one room's libraries; that the others are missing is no fault."""
    from importlib.metadata import PackageNotFoundError

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", missing)
    assert {each.state for each in doctor._libraries()} == {"note"}
