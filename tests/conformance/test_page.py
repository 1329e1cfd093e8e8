"""The published page says what the tests found."""

from __future__ import annotations

from tests.conformance.page import PAGE, written
from tests.conformance.peers import BUGS


def test_page_is_up_to_date() -> None:
    """docs/conformance.md is what this run would write; `python -m tests.conformance` writes it."""
    assert PAGE.read_text() == written()


def test_page_lists_every_bug_of_others() -> None:
    """Each test of a peer's bug has its row, with a sentence of what holds here."""
    text = PAGE.read_text()
    assert len(BUGS) >= 10
    for bug in BUGS:
        assert bug.ours
        assert bug.peer in text
