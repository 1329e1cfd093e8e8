"""In what the rows of two runs differ, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = "none"


@dataclass(frozen=True)
class RowSet:
    """What decided which rows a run scored."""

    label: str
    dataset: str
    facts: Mapping[str, Any]
    """As `compose.rows_facts` gives them."""


def same_ids(a: RowSet, b: RowSet) -> bool:
    """Whether equal row ids name the same row: in the same version, or where both take them from the same column."""
    return bool(a.facts["data"] == b.facts["data"] or (a.facts["id"] and a.facts["id"] == b.facts["id"]))


def differences(a: RowSet, b: RowSet) -> list[str]:
    """What makes the rows of b others than those of a; empty where nothing does."""
    found = []
    if a.facts["data"] != b.facts["data"]:
        versions = f"the dataset ({b.dataset} instead of {a.dataset})"
        found.append(versions if a.dataset != b.dataset else f"the content of {a.dataset}, which changed between the runs")
    for key, what in (("target", "target column"), ("id", "id column")):
        if a.facts[key] != b.facts[key]:
            found.append(f"the {what} ({b.facts[key] or ABSENT} instead of {a.facts[key] or ABSENT})")
    if a.facts["steps"] != b.facts["steps"]:
        found.append(f"the steps that choose rows ({_steps(b.facts['steps'])} instead of {_steps(a.facts['steps'])})")
    elif a.facts["seed"] != b.facts["seed"]:
        found.append(f"the seed ({b.facts['seed']} instead of {a.facts['seed']})")
    if a.facts["recipe"] != b.facts["recipe"]:
        found.append("the recipe")
    if not found and (a.facts["rows"], a.facts["total"]) != (b.facts["rows"], b.facts["total"]):
        found.append(f"the number of rows ({b.facts['rows']} instead of {a.facts['rows']})")
    return found


def _steps(steps: Iterable[Mapping[str, Any]]) -> str:
    """`split(test=0.3, seed=7)`."""
    return ", ".join(_step(step) for step in steps)[:300] or ABSENT


def _step(step: Mapping[str, Any]) -> str:
    args = step.get("args") or {key: value for key, value in step.items() if key != "name"}
    args = {key: value for key, value in args.items() if value is not None and value is not False}
    return (
        f"{step.get('name')}({', '.join(f'{key}={value if isinstance(value, str) else json.dumps(value)}' for key, value in args.items())})"
    )
