"""A place in a gate's text: what can be read there, and an error that says where reading stopped and what was expected."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NoReturn

from mtf.errors import SpecError

EXAMPLE = "a gate reads `accuracy >= 0.9`, `f1 >= 0.8 in sex=Female`, `point(ece) <= 0.05` or `log_loss not worse than baseline by 0.01`"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_INTERVAL = re.compile(r"(?:Q\d+\s+)?\[[^,=\[\])]*,[^,=\[\])]*[\])]")
"""The label of a bin or a quantile, `[18, 30)`, whose comma ends no value."""
_NUMBER = re.compile(r"[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


class Cursor:
    """Walks over one text from left to right and never goes back."""

    def __init__(self, text: str, field: str | None) -> None:
        self.text, self.field, self.at = text, field, 0

    def skip(self) -> int:
        """Go past blanks; the new position."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at

    def ended(self) -> bool:
        """Whether only blanks are left."""
        return self.skip() >= len(self.text)

    def sees(self, symbol: str) -> bool:
        """Whether this symbol comes next, behind blanks."""
        return self.text.startswith(symbol, self.skip())

    def word(self, word: str) -> bool:
        """Read this word, in capitals or not; False where another comes."""
        match = NAME.match(self.text, self.skip())
        if match is None or match.group().lower() != word:
            return False
        self.at = match.end()
        return True

    def name(self, expected: str) -> str:
        """Read a name."""
        match = NAME.match(self.text, self.skip())
        if match is None:
            self.stop(expected)
        self.at = match.end()
        return match.group()

    def number(self, expected: str) -> float:
        """Read a finite number that blanks or the end follow."""
        match = _NUMBER.match(self.text, self.skip())
        if match is None:
            self.stop(expected)
        value = float(match.group())
        if not math.isfinite(value):
            self.stop("a finite number")
        end = match.end()
        if self.text.startswith("%", end):
            self.at = end
            self.stop("a plain number", fix=f"write {value / 100:g} instead of {value:g}%")
        if end < len(self.text) and not self.text[end].isspace():
            self.stop(expected)
        self.at = end
        return value

    def phrase(self, expected: str, ends: str) -> str:
        """Read a quoted text, or everything up to one of `ends`, without the blanks around it."""
        if self.skip() < len(self.text) and self.text[self.at] in "'\"":
            return self._quoted(self.text[self.at])
        interval = _INTERVAL.match(self.text, self.at)
        end = interval.end() if interval else self.at
        while end < len(self.text) and self.text[end] not in ends:
            end += 1
        found = self.text[self.at : end].strip()
        if not found:
            self.stop(expected)
        self.at = end
        return found

    def _quoted(self, quote: str) -> str:
        start = self.at
        found: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == quote:
                return "".join(found)
            if char == "\\" and self.at < len(self.text):
                char = self.text[self.at]
                self.at += 1
            found.append(char)
        self.at = start
        return self.stop(f"a closing {quote}", fix="close the quotation mark")

    def stop(self, expected: str, *, fix: str | None = None) -> NoReturn:
        """Raise SpecError: the gate, the position, what was expected there, what stands there, and a fix."""
        rest = self.text[self.at :].split(maxsplit=1)
        found = f"`{rest[0][:40]}`" if rest else "the end"
        raise SpecError(
            f"the gate `{' '.join(self.text.split())[:120]}` stops making sense at character {self.at + 1}: expected {expected}, found {found}",
            field=self.field,
            found=self.text,
            fix=fix or EXAMPLE,
        )


def named(words: Sequence[str]) -> str:
    """Words as code, with commas."""
    return ", ".join(f"`{word}`" for word in words)
