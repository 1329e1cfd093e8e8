"""`--summary`: the run as Markdown for the page of a build."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtf.errors import CancelledError, MtfError, UsageError

GITHUB = "github"
"""Stands for the file that GitHub Actions names in `GITHUB_STEP_SUMMARY`."""
_VARIABLE = "GITHUB_STEP_SUMMARY"


def place_of(target: str | None) -> Path | None:
    """The file that `--summary` means. Raises UsageError for `github` outside of GitHub Actions: better now than after the run."""
    if target != GITHUB:
        return None if target is None else Path(target)
    named = os.environ.get(_VARIABLE)
    if not named:
        raise UsageError(
            f"`--summary {GITHUB}` needs {_VARIABLE}, which GitHub Actions sets",
            field="--summary",
            found=target,
            fix="give a file's name elsewhere",
        )
    return Path(named)


def write(path: Path, text: str) -> None:
    """Write the summary; to the file of a GitHub Actions step it is added, for other commands of the step write there too."""
    named = os.environ.get(_VARIABLE)
    adds = named is not None and path.absolute() == Path(named).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if adds else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", field="--summary", found=str(path)) from None


@contextmanager
def told_in(path: Path | None, name: str) -> Iterator[None]:
    """A run that fails is told in the summary too; its error goes on as it is."""
    try:
        yield
    except CancelledError:
        raise
    except MtfError as error:
        if path is not None:
            from mtf.summary import problem_to_markdown

            write(path, problem_to_markdown(error.problem(), name))
        raise
