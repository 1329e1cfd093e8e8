"""The stack's secrets are written once."""

from pathlib import Path

import pytest

from mtf.secrets import main, write_all


def test_every_secret_is_random_and_readable(tmp_path: Path) -> None:
    """Seven files; 256 random bits each; the URLs hold the passwords; other containers may read and nobody may write."""
    written = write_all(tmp_path)
    texts = {name: (tmp_path / name).read_text().strip() for name in written}
    assert set(texts) == {
        "service/token", "database/password", "database/url", "cache/password", "cache/url", "cache/redis.conf", "grafana/admin_password",
    }  # fmt: skip
    random = [texts[name] for name in ("service/token", "database/password", "cache/password", "grafana/admin_password")]
    assert len(set(random)) == 4
    assert all(len(text) == 64 for text in random)
    assert texts["database/password"] in texts["database/url"]
    assert texts["cache/password"] in texts["cache/url"]
    assert f"requirepass {texts['cache/password']}" in texts["cache/redis.conf"]
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in written} == {0o444}


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    """A second call writes nothing; a file that was deleted alone is made anew."""
    before = {name: (tmp_path / name).read_text() for name in write_all(tmp_path)}
    assert write_all(tmp_path) == []
    (tmp_path / "service/token").unlink()
    assert write_all(tmp_path) == ["service/token"]
    after = {name: (tmp_path / name).read_text() for name in before}
    assert [name for name in before if before[name] != after[name]] == ["service/token"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One folder is its argument; it tells names and no secret."""
    assert main([]) == 2
    assert main([str(tmp_path)]) == 0
    assert (tmp_path / "service/token").read_text().strip() not in capsys.readouterr().out
