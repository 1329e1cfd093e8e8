"""What every ring shares."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="Write golden files anew instead of comparing with them.")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> "Golden":
    """Compares a text with a committed file, or writes the file anew with `--update`."""
    return Golden(Path(str(request.fspath)).parent / "golden", update=bool(request.config.getoption("--update")))


class Golden:
    """Committed expectations."""

    def __init__(self, folder: Path, *, update: bool) -> None:
        self.folder, self.update = folder, update

    def check(self, name: str, text: str) -> None:
        path = self.folder / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{path} is missing: run the test with --update and look at the file"
        assert text == path.read_text(), f"{path.name} changed: contracts change by addition only; run with --update when it is meant"
