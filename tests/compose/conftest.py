"""One stack for the whole ring; everything it made is removed afterwards."""

from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack, engine_answers


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if not engine_answers():
        pytest.skip("no Docker engine answers")
    stack = Stack(tmp_path_factory.mktemp("compose"))
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
