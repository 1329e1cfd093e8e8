"""The documentation as tests read it: pages, their code blocks, their links and anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language and its text."""

    kind: str
    text: str


def pages() -> list[Path]:
    """Every page of the documentation."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order."""
    return [Block(found["kind"], found["text"]) for found in FENCE.finditer(page.read_text())]


def links(page: Path) -> Iterator[str]:
    """Targets of links that stay inside the project."""
    for found in LINK.finditer(FENCE.sub("", page.read_text())):
        if "://" not in found["target"]:
            yield found["target"]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text())):
        text = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(text)
    return found


def everything() -> str:
    """The text of all pages under docs/."""
    return "\n".join(page.read_text() for page in sorted((ROOT / "docs").rglob("*.md")))
