"""Which form a command talks to, and where results go."""

from pathlib import Path

import pytest

from mtf.cli.session import find_home, gateway_url, parse_json, session
from mtf.client import Client
from mtf.embedded import Embedded
from mtf.errors import UsageError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MTF_HOME", "MTF_GATEWAY", "MTF_GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_home_is_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MTF_HOME, else the nearest `.mtf` upwards, else the folder's own."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_home(deep) == deep / ".mtf"
    (tmp_path / ".mtf").mkdir()
    assert find_home(deep) == tmp_path / ".mtf"
    (tmp_path / "a" / ".mtf").write_text("a file is no home")
    assert find_home(deep) == tmp_path / ".mtf"
    monkeypatch.setenv("MTF_HOME", "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert find_home(deep) == tmp_path / "elsewhere"


def test_a_named_gateway_is_talked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """MTF_GATEWAY means HTTP; an empty one means none."""
    monkeypatch.setenv("MTF_GATEWAY", "")
    assert gateway_url() is None
    monkeypatch.setenv("MTF_GATEWAY", "http://127.0.0.1:9")
    with session() as found:
        assert isinstance(found, Client)


def test_without_one_the_house_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a gateway the embedded form is opened here and closed again."""
    monkeypatch.chdir(tmp_path)
    with session(stages=()) as found:
        assert isinstance(found, Embedded)
        assert found.list_runs().items == []
    assert (tmp_path / ".mtf" / "mtf.db").is_file()


def test_json_of_a_command_line() -> None:
    """JSON is parsed; what is none names the option and the place."""
    assert parse_json('{"a": 1}', "--source") == {"a": 1}
    with pytest.raises(UsageError, match=r"--source is not JSON.*character 2"):
        parse_json("{a", "--source")
