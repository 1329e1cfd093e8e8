"""Where the numbers come from, as blocks that the page can place: pairs, tables and lists, whatever earlier stages noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mtf.contracts.report import Report
from mtf_evaluation import numerals

MOST_ITEMS = 60
LONGEST = 400
_DEPTH = 4
_TITLES = {
    "steps": "Recipe steps",
    "versions": "Versions",
    "evaluation": "Evaluation",
    "sandbox": "Sandbox level",
    "digest": "Dataset digest",
}


@dataclass(frozen=True)
class Block:
    """One titled part. Exactly one of `pairs`, `items` and `head` with `rows` is filled."""

    title: str
    pairs: list[tuple[str, str]] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def blocks(report: Report) -> list[Block]:
    """The run itself, then every note of the earlier stages."""
    head = {
        "run": report.run.id,
        "dataset": report.run.dataset,
        "model": report.run.model,
        "task": report.task,
        "labels": report.labels,
        "rows": f"{report.rows.scored:,} of {report.rows.total:,} measured",
    }
    if report.run.created_at:
        head["created"] = report.run.created_at
    found = [Block("Run", pairs=_pairs({key: value for key, value in head.items() if value is not None}))]
    for key, value in report.notes.items():
        if key == "warnings" or value is None:  # warnings stand at the top of the page
            continue
        found.extend(_blocks(_TITLES.get(key, _words(key)), value, 0))
    return _gathered(found)


def _blocks(title: str, value: Any, depth: int) -> list[Block]:
    if isinstance(value, Mapping):
        flat = {key: one for key, one in value.items() if depth >= _DEPTH or not _nested(one)}
        found = [Block(title, pairs=_pairs(flat))] if flat else []
        for key, one in value.items():
            if key not in flat:
                found.extend(_blocks(f"{title}: {_TITLES.get(key, _words(key)).lower()}", one, depth + 1))
        return found
    if isinstance(value, Sequence) and not isinstance(value, str):
        if value and all(isinstance(one, Mapping) for one in value):
            return [_table(title, value)]
        return [Block(title, items=[_text(one) for one in value[:MOST_ITEMS]])] if value else []
    return [Block("", pairs=[(title, _text(value))])]


def _gathered(found: list[Block]) -> list[Block]:
    """Loose pairs join the first block instead of standing alone."""
    loose = [pair for block in found if not block.title for pair in block.pairs]
    first, *rest = [block for block in found if block.title]
    return [Block(first.title, pairs=[*first.pairs, *loose]), *rest]


def _nested(value: Any) -> bool:
    """Whether a value needs a block of its own: a map with something in it, or a list that holds maps."""
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list) and any(isinstance(one, Mapping) for one in value)


def _table(title: str, entries: Sequence[Mapping[str, Any]]) -> Block:
    head = list(dict.fromkeys(key for entry in entries for key in entry))[:12]
    rows = [[_text(entry.get(key)) for key in head] for entry in entries[:MOST_ITEMS]]
    return Block(title, head=[_words(key) for key in head], rows=rows)


def _pairs(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_words(key), _text(one)) for key, one in list(value.items())[:MOST_ITEMS]]


def _words(key: Any) -> str:
    words = str(key).replace("_", " ")
    return words[:1].upper() + words[1:]


def _text(value: Any) -> str:
    """Any JSON value on one line."""
    if value is None:
        return numerals.DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return numerals.number(value)
    if isinstance(value, Mapping):
        shown = ", ".join(f"{_words(key).lower()}: {_text(one)}" for key, one in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        shown = ", ".join(_text(one) for one in value)
    else:
        shown = str(value)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
