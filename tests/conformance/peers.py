"""Marks tests of what other tools got wrong, so that the page can list them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bug:
    """What a shipped tool got wrong, and the test that we do not."""

    peer: str
    wrong: str
    test: str
    ours: str


BUGS: list[Bug] = []
"""In the order of the tests."""


def bug_of(peer: str, wrong: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Note what the test below is about; its docstring says what holds here."""

    def noted(test: Callable[..., Any]) -> Callable[..., Any]:
        BUGS.append(Bug(peer, wrong, test.__name__, " ".join((test.__doc__ or "").split())))
        return test

    return noted
