"""What says which gateway is meant may stand anywhere on the command line."""

import pytest
import typer

from mtf.cli.main import app
from mtf.errors import MtfError


@pytest.mark.parametrize(
    "words",
    [
        ["--gateway", "http://127.0.0.1:9", "runs", "list"],
        ["runs", "list", "--gateway", "http://127.0.0.1:9"],
        ["runs", "--gateway=http://127.0.0.1:9", "list", "--limit", "3"],
    ],
)
def test_gateway_stands_anywhere(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, between and behind the command's own words it means the same; the command then asks that gateway."""
    monkeypatch.setenv("MTF_GATEWAY", "")
    asked: list[str] = []

    class ElsewhereError(MtfError):
        """Stops the command where it would call."""

    def client(url: str, **_: object) -> None:
        asked.append(url)
        raise ElsewhereError("enough is known")

    monkeypatch.setattr("mtf.client.Client", client)
    with pytest.raises(ElsewhereError):
        typer.main.get_command(app).main(words, standalone_mode=False)
    assert asked == ["http://127.0.0.1:9"]


def test_words_behind_two_dashes_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--` ends the options, for a run file with an odd name."""
    monkeypatch.setenv("MTF_GATEWAY", "")
    with pytest.raises(MtfError, match="--gateway"):
        typer.main.get_command(app).main(["validate", "--", "--gateway"], standalone_mode=False)
