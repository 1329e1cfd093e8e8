"""`python -m tests.conformance` writes docs/conformance.md; with `--check` it only says whether the page is up to date."""

from __future__ import annotations

import sys

from tests.conformance.page import PAGE, written


def main(arguments: list[str]) -> int:
    """0 where the page is as it should be."""
    text = written()
    if "--check" not in arguments:
        PAGE.write_text(text)
        return 0
    if PAGE.read_text() == text:
        return 0
    sys.stderr.write("docs/conformance.md is not up to date; run python -m tests.conformance\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
