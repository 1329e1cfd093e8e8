r"""The language of gates, and a hand parser that can say where it stopped and what it expected there.

gate   = term [ "in" slice ]
metric = name [ "(" argument "=" value { "," argument "=" value } ")" ]
term  = metric ( ">=" | ">" | "<=" | "<" ) number
      | metric "not worse than baseline" [ "by" number ]
      | "point(" metric ")" ( ">=" | ">" | "<=" | "<" ) number
slice = column "=" value { "," column "=" value }        columns and values may be quoted, with \ before a quote inside
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NoReturn

from mtf.contracts.stages import Term
from mtf.errors import SpecError
from mtf.plugins import unknown
from mtf_evaluation.reference import EVERY, scan

LONGEST = 1000
"""Characters of a gate; a longer text is a mistake, not a condition."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_OPERATORS = (">=", "<=", ">", "<")
_MISSPELT = {"=>": ">=", "=<": "<=", "≥": ">=", "≤": "<="}
_EXAMPLE = "a gate reads `accuracy >= 0.9`, `f1 >= 0.8 in sex=Female`, `point(ece) <= 0.05` or `log_loss not worse than baseline by 0.01`"
_PLAIN = re.compile(r"[^\s'\",=\\](?:[^'\",=\\]*[^\s'\",=\\])?")


def parse(text: str, known: Sequence[str] | None = None, *, field: str | None = None) -> Term:
    """Read one gate. `known` are the metric names that exist; None accepts any. Raises SpecError with the position and a fix."""
    if len(text) > LONGEST:
        raise SpecError(f"a gate has at most {LONGEST:,} characters; this one has {len(text):,}", field=field, found=text, fix=_EXAMPLE)
    return _Parser(text, known, field).gate()


def unparse(term: Term) -> str:
    """The canonical text of a term; `parse(unparse(term))` gives the term back."""
    where = ", ".join(f"{_quoted(column)}={_quoted(value)}" for column, value in term.where.items())
    head = f"point({term.metric})" if term.point else term.metric
    if term.operator == "not_worse":
        by = f" by {term.bound!r}" if term.bound else ""
        head = f"{head} not worse than baseline{by}"
    else:
        head = f"{head} {term.operator} {term.bound!r}"
    return f"{head} in {where}" if where else head


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.isprintable():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Parser:
    """Walks over one gate from left to right and never goes back."""

    def __init__(self, text: str, known: Sequence[str] | None, field: str | None) -> None:
        self.text, self.known, self.field, self.at = text, known, field, 0

    def gate(self) -> Term:
        """The whole line."""
        if not self.text.strip():
            raise SpecError("the gate is empty", field=self.field, fix=_EXAMPLE)
        metric, point = self._head()
        self._skip()
        if not point and self._word("not"):
            operator, bound = "not_worse", self._margin()
        else:
            operator, bound = self._operator(point), self._number("a number")
        where = self._where() if self._word("in") else {}
        if self._skip() < len(self.text):
            if where:
                self._stop(
                    "a comma or the end of the gate",
                    fix="put commas between the parts of a slice, and quotes around a value that holds `=`",
                )
            self._stop("`in column=value` or the end of the gate")
        return Term.model_validate(
            {"expression": self.text.strip(), "metric": metric, "operator": operator, "bound": bound, "point": point, "where": where}
        )

    def _head(self) -> tuple[str, bool]:
        self._skip()
        match = _NAME.match(self.text, self.at)
        if match is None:
            self._stop("the name of a metric")
        name, self.at = match.group(), match.end()
        if name == "point" and self._skip() < len(self.text) and self.text[self.at] == "(":
            self.at += 1
            metric = self._metric(self._skip())
            if self._skip() >= len(self.text) or self.text[self.at] != ")":
                self._stop("`)`")
            self.at += 1
            return metric, True
        if name == "point":
            self._stop("`(` behind `point`", fix="write `point(metric)` to judge a value without its interval")
        self.at = match.start()
        return self._metric(self.at), False

    def _metric(self, start: int) -> str:
        match = _NAME.match(self.text, start)
        if match is None:
            self._stop("the name of a metric")
        if self.known is not None and match.group() not in self.known:
            raise self._unknown(match.group())
        reference, self.at = scan(self.text, start, where=self.field)
        if reference.of_class == EVERY:
            self._stop("one class", fix="a gate judges one number; write a gate for each class")
        return str(reference)

    def _unknown(self, name: str) -> SpecError:
        """No such metric: one that begins alike is more likely meant than one that is spelt alike."""
        error = unknown("metric", name, self.known or (), where=self.field)
        begins = [one for one in self.known or () if one.startswith(name.lower())]
        if begins:
            error.fix = f"did you mean `{begins[0]}`?"
        return error

    def _operator(self, point: bool) -> str:
        for wrong, right in _MISSPELT.items():
            if self.text.startswith(wrong, self.at):
                self._stop(_named(_OPERATORS), fix=f"write `{right}`")
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at):
                self.at += len(operator)
                return operator
        if self.text.startswith("=", self.at):
            self._stop(_named(_OPERATORS), fix="two measured numbers are never exactly equal; demand a bound with `>=` or `<=`")
        return self._stop(_named(_OPERATORS) + ("" if point else ", or `not worse than baseline`"))

    def _margin(self) -> float:
        for word in ("worse", "than", "baseline"):
            if not self._word(word):
                self._stop(f"`{word}` of `not worse than baseline`")
        if not self._word("by"):
            return 0.0
        start = self._skip()
        margin = self._number("a number, the margin")
        if margin < 0:
            self.at = start
            self._stop("a margin of at least 0", fix=f"write `by {-margin:g}`: the margin is how much worse is still good enough")
        return margin

    def _number(self, expected: str) -> float:
        match = _NUMBER.match(self.text, self._skip())
        if match is None:
            self._stop(expected)
        value = float(match.group())
        if not math.isfinite(value):
            self._stop("a finite number")
        end = match.end()
        if self.text.startswith("%", end):
            self.at = end
            self._stop("a plain number", fix=f"write {value / 100:g} instead of {value:g}%")
        if end < len(self.text) and not self.text[end].isspace():
            self._stop(expected)
        self.at = end
        return value

    def _where(self) -> dict[str, str]:
        where: dict[str, str] = {}
        while True:
            start = self._skip()
            column = self._text("a column, as in `in column=value`", ends="=,")
            if self._skip() >= len(self.text) or self.text[self.at] != "=":
                self._stop(f"`=` and a value behind the column `{column}`")
            self.at += 1
            if column in where:
                self.at = start
                self._stop("a column that the slice does not name yet", fix=f"name `{column}` once; a row has one value of it")
            self._skip()
            where[column] = self._text(f"a value of `{column}`", ends="=,")
            if self._skip() >= len(self.text) or self.text[self.at] != ",":
                return where
            self.at += 1

    def _text(self, expected: str, ends: str) -> str:
        """A quoted text, or everything up to one of `ends`, without the blanks around it."""
        if self.at < len(self.text) and self.text[self.at] in "'\"":
            return self._quoted_text(self.text[self.at])
        end = self.at
        while end < len(self.text) and self.text[end] not in ends:
            end += 1
        found = self.text[self.at : end].strip()
        if not found:
            self._stop(expected)
        self.at = end
        return found

    def _quoted_text(self, quote: str) -> str:
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
        return self._stop(f"a closing {quote}", fix="close the quotation mark")

    def _word(self, word: str) -> bool:
        start = self._skip()
        match = _NAME.match(self.text, start)
        if match is None or match.group().lower() != word:
            return False
        self.at = match.end()
        return True

    def _skip(self) -> int:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at

    def _stop(self, expected: str, *, fix: str | None = None) -> NoReturn:
        rest = self.text[self.at :].split(maxsplit=1)
        found = f"`{rest[0][:40]}`" if rest else "the end"
        raise SpecError(
            f"the gate `{' '.join(self.text.split())[:120]}` stops making sense at character {self.at + 1}: expected {expected}, found {found}",
            field=self.field,
            found=self.text,
            fix=fix or _EXAMPLE,
        )


def _named(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
