"""How a metric is named: `f1`, `f_beta(beta=2)`, `precision(class=Adelie)`. One text is one metric, in run files, gates and reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from mtf.errors import SpecError

CLASS = "class"
"""The argument that turns a metric of two classes into one class of several against the rest."""
EVERY = "*"
"""`class=*` stands for every declared class."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WHOLE = 1e15
"""Up to here a float counts whole numbers one by one."""
_BARE = re.compile(r"[^\s,()='\"\\](?:[^,()='\"\\]*[^\s,()='\"\\])?")


@dataclass(frozen=True)
class Reference:
    """A metric's name, its arguments as written, and the class that it is about."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    of_class: str | None = None

    def __str__(self) -> str:
        """The canonical text; `read(str(reference))` gives the reference back."""
        parts = [f"{key}={_shown(value)}" for key, value in sorted(self.args.items())]
        if self.of_class is not None:
            parts.append(f"{CLASS}={self.of_class if self.of_class == EVERY else _quoted(self.of_class)}")
        return f"{self.name}({', '.join(parts)})" if parts else self.name


def read(text: str, *, where: str | None = None) -> Reference:
    """Read one metric. Raises SpecError that shows where the text stops making sense."""
    found, end = scan(text, 0, where=where)
    if text[end:].strip():
        raise _stopped(text, end, "the end", where)
    return found


def scan(text: str, at: int, *, where: str | None = None) -> tuple[Reference, int]:
    """Read the metric that begins at a position, and tell where it ends."""
    at = _blanks(text, at)
    match = _NAME.match(text, at)
    if match is None:
        raise _stopped(text, at, "the name of a metric", where)
    end = match.end()
    if text[end : end + 1] != "(":
        return Reference(match.group()), end
    args: dict[str, Any] = {}
    at = end + 1
    while True:
        name, value, at = _argument(text, at, where)
        if name in args:
            raise _stopped(text, at, f"`{name}` once", where)
        args[name] = value
        at = _blanks(text, at)
        if text[at : at + 1] == ")":
            chosen = args.pop(CLASS, None)
            return Reference(match.group(), args, None if chosen is None else str(chosen)), at + 1
        if text[at : at + 1] != ",":
            raise _stopped(text, at, "a comma or `)`", where)
        at += 1


def validated(reference: Reference, arguments: type[BaseModel], *, where: str | None = None) -> tuple[Reference, BaseModel]:
    """The arguments as the metric's own model reads them, and the reference without those that say what is the default anyway."""
    known = list(arguments.model_fields)
    unknown = [name for name in reference.args if name not in known]
    if unknown:
        fix = f"it takes {', '.join(f'`{name}`' for name in known)}" if known else f"write `{reference.name}`"
        raise SpecError(f"`{reference.name}` takes no argument `{unknown[0]}`", field=where, found=str(reference), fix=fix)
    try:
        args = arguments.model_validate(dict(reference.args))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"])) or "arguments"
        told = first["msg"].removeprefix("Value error, ")
        raise SpecError(f"`{name}` of `{reference.name}`: {told}", field=where, found=str(reference), fix=_takes(arguments)) from None
    given = {name: getattr(args, name) for name in known if getattr(args, name) != arguments.model_fields[name].default}
    return Reference(reference.name, given, reference.of_class), args


def _takes(arguments: type[BaseModel]) -> str:
    return "; ".join(f"`{name}`: {info.description or info.annotation}" for name, info in arguments.model_fields.items())


def _argument(text: str, at: int, where: str | None) -> tuple[str, Any, int]:
    at = _blanks(text, at)
    match = _NAME.match(text, at)
    if match is None:
        raise _stopped(text, at, "the name of an argument", where)
    at = _blanks(text, match.end())
    if text[at : at + 1] != "=":
        raise _stopped(text, at, f"`=` and the value of `{match.group()}`", where)
    value, at = _value(text, _blanks(text, at + 1), where)
    # A class named 1.0 is not the class 1: labels keep the text they were written with.
    return match.group(), value if match.group() == CLASS else _number(value), at


def _value(text: str, at: int, where: str | None) -> tuple[str, int]:
    quote = text[at : at + 1]
    if quote and quote in "'\"":
        end, found = at + 1, []
        while end < len(text) and text[end] != quote:
            end += text[end] == "\\" and end + 1 < len(text)
            found.append(text[end])
            end += 1
        if end >= len(text):
            raise _stopped(text, at, f"a closing {quote}", where)
        return "".join(found), end + 1
    match = _BARE.match(text, at)
    if match is None:
        raise _stopped(text, at, "a value", where)
    return match.group(), match.end()


def _number(value: str) -> Any:
    if not _NUMBER.fullmatch(value):
        return value
    number = float(value)
    return int(value) if re.fullmatch(r"[+-]?\d+", value) else number


def _shown(value: Any) -> str:
    """A whole number has no decimals, however it was read: `f_beta(beta=2)` stays what the user wrote."""
    if isinstance(value, str):
        return _quoted(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE else f"{value!r}"


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text) and text.isprintable() and text != EVERY:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _stopped(text: str, at: int, expected: str, where: str | None) -> SpecError:
    rest = text[at:].split(maxsplit=1)
    return SpecError(
        f"`{text[:120]}` stops making sense at character {at + 1}: expected {expected}, found {f'`{rest[0][:40]}`' if rest else 'the end'}",
        field=where,
        found=text,
        fix="a metric reads `f1`, `f_beta(beta=2)` or `precision(class=Adelie)`",
    )
