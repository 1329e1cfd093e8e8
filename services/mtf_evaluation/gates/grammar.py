r"""The language of gates, and a hand parser that can say where it stopped and what it expected there.

gate    = term [ "in" ( slice | "worst slice of" column { "," column } ) ]
term    = judged ( ">=" | ">" | "<=" | "<" ) number
        | metric "not worse than baseline" [ "by" number ]
judged  = metric | "point(" metric ")" | "lower(" metric ")" | "upper(" metric ")"
metric  = name [ "(" argument "=" value { "," argument "=" value } ")" ]
slice   = part { "," part }
part    = column "=" value | condition                      columns and values may be quoted, with \ before a quote inside
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mtf.contracts.stages import Term
from mtf.errors import SpecError
from mtf.plugins import unknown
from mtf_evaluation.gates.cursor import EXAMPLE, NAME, Cursor, named
from mtf_evaluation.reference import EVERY, scan

LONGEST = 1000
"""Characters of a gate; a longer text is a mistake, not a condition."""

_OPERATORS = (">=", "<=", ">", "<")
_MISSPELT = {"=>": ">=", "=<": "<=", "≥": ">=", "≤": "<="}
_PARTS = {"point": "judge a value without its interval", "lower": "judge the lower limit", "upper": "judge the upper limit"}
_PLAIN = re.compile(r"[^\s'\",=\\](?:[^'\",=\\]*[^\s'\",=\\])?")
_WORST = re.compile(r"worst\s+slice\s+of\b", re.IGNORECASE)


def parse(text: str, known: Sequence[str] | None = None, *, field: str | None = None, conditions: Sequence[str] = ()) -> Term:
    """Read one gate. `known` are the metric names that exist; None accepts any. Raises SpecError with the position and a fix.

    `conditions` are slices declared by a condition: they are true or not, so that their name alone stands for `name=true`.
    """
    if len(text) > LONGEST:
        raise SpecError(f"a gate has at most {LONGEST:,} characters; this one has {len(text):,}", field=field, found=text, fix=EXAMPLE)
    if not text.strip():
        raise SpecError("the gate is empty", field=field, fix=EXAMPLE)
    return _Parser(Cursor(text, field), known, conditions).gate()


def unparse(term: Term) -> str:
    """The canonical text of a term; `parse(unparse(term))` gives the term back."""
    part = "point" if term.point else term.limit
    head = f"{part}({term.metric})" if part else term.metric
    if term.operator == "not_worse":
        by = f" by {term.bound!r}" if term.bound else ""
        head = f"{head} not worse than baseline{by}"
    else:
        head = f"{head} {term.operator} {term.bound!r}"
    if term.worst:
        return f"{head} in worst slice of {', '.join(_quoted(column) for column in term.worst)}"
    where = ", ".join(f"{_quoted(column)}={_quoted(value)}" for column, value in term.where.items())
    return f"{head} in {where}" if where else head


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.isprintable() and not _WORST.match(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Parser:
    """One gate, part by part."""

    def __init__(self, cursor: Cursor, known: Sequence[str] | None, conditions: Sequence[str]) -> None:
        self.cursor, self.known, self.conditions = cursor, known, conditions

    def gate(self) -> Term:
        """The whole line."""
        cursor = self.cursor
        found: dict[str, Any] = {"expression": cursor.text.strip()} | self._head()
        judged = bool(found.keys() & {"point", "limit"})
        if not judged and cursor.word("not"):
            found |= {"operator": "not_worse", "bound": self._margin()}
        else:
            found |= {"operator": self._operator(judged=judged), "bound": cursor.number("a number")}
        sliced = self._slice() if cursor.word("in") else {}
        if not cursor.ended():
            if sliced:
                fix = "put commas between the parts of a slice, and quotes around a value that holds `=`"
                cursor.stop("a comma or the end of the gate", fix=fix)
            cursor.stop("`in column=value` or the end of the gate")
        return Term.model_validate(found | sliced)

    def _head(self) -> dict[str, Any]:
        """What is judged: the metric's interval, or one part of it."""
        cursor = self.cursor
        start = cursor.skip()
        name = cursor.name("the name of a metric")
        if name not in _PARTS:
            cursor.at = start
            return {"metric": self._metric()}
        if not cursor.sees("("):
            cursor.stop(f"`(` behind `{name}`", fix=f"write `{name}(metric)` to {_PARTS[name]}")
        cursor.at += 1
        metric = self._metric()
        if not cursor.sees(")"):
            cursor.stop("`)`")
        cursor.at += 1
        return {"metric": metric} | ({"point": True} if name == "point" else {"limit": name})

    def _metric(self) -> str:
        """A metric with its arguments, in its canonical text."""
        cursor = self.cursor
        start = cursor.skip()
        name = NAME.match(cursor.text, start)
        if name is None:
            cursor.stop("the name of a metric")
        try:
            reference, cursor.at = scan(cursor.text, start, where=cursor.field)
        except SpecError as error:
            raise SpecError(f"the gate {error.message}", field=cursor.field, found=cursor.text, fix=error.fix) from None
        if self.known is not None and name.group() not in self.known:
            raise self._unknown(name.group())
        if reference.of_class == EVERY:
            cursor.stop("one class", fix="a gate judges one number; write a gate for each class")
        return str(reference)

    def _unknown(self, name: str) -> SpecError:
        """No such metric: one that begins alike is more likely meant than one that is spelt alike."""
        error = unknown("metric", name, self.known or (), where=self.cursor.field)
        begins = [one for one in self.known or () if one.startswith(name.lower())]
        if begins:
            error.fix = f"did you mean `{begins[0]}`?"
        return error

    def _operator(self, *, judged: bool) -> str:
        cursor = self.cursor
        for wrong, right in _MISSPELT.items():
            if cursor.sees(wrong):
                cursor.stop(named(_OPERATORS), fix=f"write `{right}`")
        for operator in _OPERATORS:
            if cursor.sees(operator):
                cursor.at += len(operator)
                return operator
        if cursor.sees("="):
            cursor.stop(named(_OPERATORS), fix="two measured numbers are never exactly equal; demand a bound with `>=` or `<=`")
        return cursor.stop(named(_OPERATORS) + ("" if judged else ", or `not worse than baseline`"))

    def _margin(self) -> float:
        cursor = self.cursor
        for word in ("worse", "than", "baseline"):
            if not cursor.word(word):
                cursor.stop(f"`{word}` of `not worse than baseline`")
        if not cursor.word("by"):
            return 0.0
        start = cursor.skip()
        margin = cursor.number("a number, the margin")
        if margin < 0:
            cursor.at = start
            cursor.stop("a margin of at least 0", fix=f"write `by {-margin:g}`: the margin is how much worse is still good enough")
        return margin

    def _slice(self) -> dict[str, Any]:
        """One slice by its values, or the worst of all slices of some columns."""
        match = _WORST.match(self.cursor.text, self.cursor.skip())
        if match is None:
            return {"where": self._where()}
        self.cursor.at = match.end()
        return {"worst": self._columns()}

    def _columns(self) -> list[str]:
        cursor = self.cursor
        columns: list[str] = []
        while True:
            start = cursor.skip()
            column = cursor.phrase("a column, as in `in worst slice of column`", ends="=,")
            if column in columns:
                cursor.at = start
                cursor.stop("a column that is not named yet", fix=f"name `{column}` once")
            if cursor.sees("="):
                cursor.stop("a comma or the end of the gate", fix="name columns without values: the worst of all their values is meant")
            columns.append(column)
            if not cursor.sees(","):
                return columns
            cursor.at += 1

    def _where(self) -> dict[str, str]:
        cursor = self.cursor
        where: dict[str, str] = {}
        while True:
            start = cursor.skip()
            column = cursor.phrase("a column, as in `in column=value`", ends="=,")
            valued = cursor.sees("=")
            if not valued and column not in self.conditions:
                cursor.stop(f"`=` and a value behind the column `{column}`")
            cursor.at += valued
            if column in where:
                cursor.at = start
                cursor.stop("a column that the slice does not name yet", fix=f"name `{column}` once; a row has one value of it")
            where[column] = cursor.phrase(f"a value of `{column}`", ends="=,") if valued else "true"
            if not cursor.sees(","):
                return where
            cursor.at += 1
