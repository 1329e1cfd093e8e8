"""Conditions on rows as a tree, their canonical text, and what they need of the columns.

Logic has two values: a comparison with a missing value is false, and `!=` and `not` are the exact opposites of `=` and what they negate,
as in pandas. So rows without a `sex` are among `sex != 'Female'`; `sex is missing` asks for them alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mtf.contracts.slices import SliceDemand

Literal = bool | int | float | str

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
RESERVED = frozenset({"and", "or", "not", "in", "is", "missing", "true", "false"})
NUMBERS = ("integer", "float", "decimal")


@dataclass(frozen=True)
class Compare:
    """A column beside a value: `=`, `!=`, `<`, `<=`, `>` or `>=`."""

    column: str
    operator: str
    value: Literal


@dataclass(frozen=True)
class Among:
    """A column that has one of some values."""

    column: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Missing:
    """A column without a value."""

    column: str


@dataclass(frozen=True)
class Not:
    """The opposite."""

    of: Condition


@dataclass(frozen=True)
class Every:
    """All of some conditions."""

    of: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """At least one of some conditions."""

    of: tuple[Condition, ...]


Condition = Compare | Among | Missing | Not | Every | Some


def write(condition: Condition) -> str:
    """The canonical text; reading it gives the condition back."""
    if isinstance(condition, Every | Some):
        return (" and " if isinstance(condition, Every) else " or ").join(_inner(one) for one in condition.of)
    if not isinstance(condition, Not):
        return _leaf(condition)
    return _leaf(condition.of, " not") if isinstance(condition.of, Missing | Among) else f"not {_inner(condition.of)}"


def _leaf(leaf: Compare | Among | Missing, negation: str = "") -> str:
    column = _column(leaf.column)
    if isinstance(leaf, Missing):
        return f"{column} is{negation} missing"
    if isinstance(leaf, Among):
        return f"{column}{negation} in [{', '.join(_value(value) for value in leaf.values)}]"
    return f"{column} {leaf.operator} {_value(leaf.value)}"


def leaves(condition: Condition) -> Iterator[Compare | Among | Missing]:
    """The comparisons, from left to right."""
    if isinstance(condition, Not):
        yield from leaves(condition.of)
    elif isinstance(condition, Every | Some):
        for one in condition.of:
            yield from leaves(one)
    else:
        yield condition


def demands(condition: Condition, field: str) -> list[SliceDemand]:
    """What each comparison needs: a column whose values can be compared, and texts that occur."""
    found = []
    for leaf in leaves(condition):
        if isinstance(leaf, Missing):
            found.append(SliceDemand(column=leaf.column, field=field))
            continue
        values = leaf.values if isinstance(leaf, Among) else (leaf.value,)
        for value in values:
            kinds, fix = _kinds(value)
            ordered = isinstance(leaf, Compare) and leaf.operator not in ("=", "!=")
            if isinstance(value, str) and ordered:
                kinds = ["time"]
            occurs = [value] if kinds == ["text"] and isinstance(value, str) else []
            why = f"`{write(leaf)}` compares it with {_value(value)}"
            found.append(SliceDemand(column=leaf.column, kinds=kinds, values=occurs, field=field, why=why, fix=fix))
    return found


def _kinds(value: Literal) -> tuple[list[str], str]:
    if isinstance(value, bool):
        return ["bool"], "write numbers without and texts with quotation marks"
    if isinstance(value, int | float):
        return list(NUMBERS), f"write '{value}' in quotation marks if the column holds text"
    timed = ["text", "time"] if moment(value) is not None else ["text"]
    return timed, "write numbers without quotation marks, and times as '2024-01-31' or '2024-01-31T12:00:00'"


def moment(text: str) -> datetime | None:
    """A time in ISO 8601; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _inner(condition: Condition) -> str:
    """A condition inside another, in parentheses where it has words of its own."""
    bare = isinstance(condition, Compare | Among | Missing) or (isinstance(condition, Not) and isinstance(condition.of, Missing | Among))
    return write(condition) if bare else f"({write(condition)})"


def _column(name: str) -> str:
    if _BARE.fullmatch(name) and name.lower() not in RESERVED:
        return name
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _value(value: Literal) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
