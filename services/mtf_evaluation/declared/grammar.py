r"""The language of conditions, and a hand parser that can say where it stopped and what it expected there. Nothing is ever executed.

condition  = every { "or" every }
every      = single { "and" single }
single     = "not" single | "(" condition ")" | comparison
comparison = column ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
           | column [ "not" ] "in" "[" value { "," value } "]"
           | column "is" [ "not" ] "missing"
column     = name | `name with blanks` | "name with blanks"
value      = number | 'text' | "text" | true | false                 \ before a quotation mark inside a text
"""

from __future__ import annotations

import math
import re
from typing import NoReturn

from mtf.errors import SpecError
from mtf_evaluation.declared.conditions import RESERVED, Among, Compare, Condition, Every, Literal, Missing, Not, Some, moment

DEEPEST = 50
"""Parentheses within each other; more are no condition that a person reads."""
MOST_VALUES = 1000
EXAMPLE = "a condition reads `age >= 65 and sex = 'Female'`, `country in ['DE', 'FR']` or `income is missing`"

_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_OPERATORS = ("==", "!=", "<>", "<=", ">=", "=", "<", ">")
_SAME = {"==": "=", "<>": "!="}
_MISSPELT = {"=>": ">=", "=<": "<=", "≥": ">=", "≤": "<=", "≠": "!="}


def read(text: str, *, field: str | None = None) -> Condition:
    """Read one condition. Raises SpecError with the position, what was expected there, what stands there, and a fix."""
    parser = _Parser(text, field)
    if not text.strip():
        raise SpecError("the condition is empty", field=field, fix=EXAMPLE)
    found = parser.condition(0)
    if parser.skip() < len(text):
        meant = {"&": "and", "|": "or"}.get(text[parser.at])
        parser.stop("`and`, `or` or the end of the condition", fix=f"write `{meant}`" if meant else None)
    return found


class _Parser:
    """Walks over one condition from left to right and never goes back further than a word."""

    def __init__(self, text: str, field: str | None) -> None:
        self.text, self.field, self.at = text, field, 0

    def condition(self, depth: int) -> Condition:
        """Alternatives."""
        parts = [self._every(depth)]
        while self._word("or"):
            parts.append(self._every(depth))
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _every(self, depth: int) -> Condition:
        parts = [self._single(depth)]
        while self._word("and"):
            parts.append(self._single(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _single(self, depth: int) -> Condition:
        if depth > DEEPEST:
            self.stop(f"at most {DEEPEST} conditions within each other", fix="write it as several slices")
        if self._word("not"):
            return Not(self._single(depth + 1))
        if not self._sees("("):
            return self._comparison()
        self.at += 1
        found = self.condition(depth + 1)
        if not self._sees(")"):
            self.stop("`)`, `and` or `or`")
        self.at += 1
        return found

    def _comparison(self) -> Condition:
        column = self._column()
        if self._word("is"):
            negated = self._word("not")
            if not self._word("missing"):
                self.stop("`missing`", fix="`is missing` asks for rows without a value; compare values with `=`")
            return Not(Missing(column)) if negated else Missing(column)
        negated = self._word("not")
        if self._word("in"):
            found = Among(column, self._values())
            return Not(found) if negated else found
        if negated:
            self.stop("`in`")
        operator = self._operator(column)
        start = self.skip()
        value = self._value()
        if isinstance(value, bool | str) and operator not in ("=", "!=") and not (isinstance(value, str) and moment(value)):
            self.at = start
            self.stop("a number or a time, as they alone have an order", fix="write numbers without quotation marks")
        return Compare(column, operator, value)

    def _column(self) -> str:
        start = self.skip()
        quote = self.text[start : start + 1]
        if quote and quote in "`\"'":
            return self._quoted(quote)
        match = _NAME.match(self.text, start)
        if match is None and _NUMBER.match(self.text, start):
            self.stop("a column", fix="the column stands first: `age >= 65`")
        if match is None or match.group().lower() in RESERVED:
            self.stop("a column", fix=EXAMPLE)
        self.at = match.end()
        return match.group()

    def _operator(self, column: str) -> str:
        self.skip()
        for wrong, right in _MISSPELT.items():
            if self._sees(wrong):
                self.stop("`=`, `!=`, `<`, `<=`, `>` or `>=`", fix=f"write `{right}`")
        for operator in _OPERATORS:
            if self._sees(operator):
                self.at += len(operator)
                return _SAME.get(operator, operator)
        fix = f"for a column of true and false write `{column} = true`; a name with blanks stands in backticks"
        return self.stop("`=`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `is missing`", fix=fix)

    def _values(self) -> tuple[Literal, ...]:
        if not self._sees("["):
            self.stop("`[`", fix="values stand in brackets: `in ['DE', 'FR']`")
        self.at += 1
        values: list[Literal] = []
        while True:
            values.append(self._value())
            if len(values) > MOST_VALUES:
                self.stop(f"at most {MOST_VALUES:,} values")
            if self._sees("]"):
                self.at += 1
                return tuple(values)
            if not self._sees(","):
                self.stop("a comma or `]`")
            self.at += 1

    def _value(self) -> Literal:
        start = self.skip()
        quote = self.text[start : start + 1]
        if quote and quote in "\"'":
            return self._quoted(quote)
        for word in ("true", "false"):
            if self._word(word):
                return word == "true"
        match = _NUMBER.match(self.text, start)
        if match is not None and not re.match(r"[\w.]", self.text[match.end() : match.end() + 1]):
            self.at = match.end()
            return self._number(match.group(), start)
        bare = _NAME.match(self.text, start)
        fix = f"texts stand in quotation marks: '{bare.group()}'" if bare else EXAMPLE
        return self.stop("a number, a text in quotation marks, true or false", fix=fix)

    def _number(self, written: str, start: int) -> int | float:
        plain = written.replace("_", "")
        value = int(plain) if re.fullmatch(r"[+-]?\d+", plain) else float(plain)
        if not math.isfinite(value) or abs(value) > 1e300:  # noqa: PLR2004 - far beyond any column
            self.at = start
            self.stop("a finite number")
        return value

    def _quoted(self, quote: str) -> str:
        start, found = self.at, []
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != quote:
            self.at += self.text[self.at] == "\\" and self.at + 1 < len(self.text)
            found.append(self.text[self.at])
            self.at += 1
        if self.at >= len(self.text) or (not found and quote == "`"):
            self.at = start
            self.stop(f"a closing {quote}", fix="close the quotation mark")
        self.at += 1
        return "".join(found)

    def _word(self, word: str) -> bool:
        match = _NAME.match(self.text, self.skip())
        if match is None or match.group().lower() != word:
            return False
        self.at = match.end()
        return True

    def _sees(self, symbol: str) -> bool:
        return self.text.startswith(symbol, self.skip())

    def skip(self) -> int:
        """Walk over blanks."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at

    def stop(self, expected: str, *, fix: str | None = None) -> NoReturn:
        """Raise SpecError."""
        self.skip()
        rest = self.text[self.at :].split(maxsplit=1)
        found = f"`{rest[0][:40]}`" if rest else "the end"
        raise SpecError(
            f"the condition `{' '.join(self.text.split())[:120]}` stops making sense at character {self.at + 1}: "
            f"expected {expected}, found {found}",
            field=self.field,
            found=self.text,
            fix=fix or EXAMPLE,
        )
