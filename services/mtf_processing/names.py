"""Names: finding a column that was misspelt, and one spelling for values that people write in several ways."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from mtf.errors import DataError, SpecError

SHOWN, WIDTH = 20, 60


def listed(values: Iterable[Any]) -> str:
    """At most 20 values for a message, each bounded, so that wide data does not fill the screen."""
    texts = [name_of(value) for value in values]
    shown = ", ".join(text if len(text) <= WIDTH else f"{text[:WIDTH]}…" for text in texts[:SHOWN])
    return f"{shown}, … ({len(texts):,} in all)" if len(texts) > SHOWN else shown


def absent(what: str, name: str, known: Sequence[str], *, where: str, data: bool = False) -> SpecError | DataError:
    """The error for a column that the version does not have, with the nearest one that it has."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    fix = f"did you mean `{near[0][:100]}`?" if near else f"known columns: {listed(known)}"
    kind = DataError if data else SpecError
    return kind(f"{what} `{name[:100]}` is not a column of the data", field=where, found=name, fix=fix)


def name_of(value: Any) -> str:
    """The one spelling of a label or slice value: `1` for 1 and 1.0, `true` for True, ISO 8601 for times."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)


def match(value: Any, known: Sequence[Any]) -> int | None:
    """The position in `known` of the value that goes by the name of `value`, or None. For bools `True`, `true`, 1 and "1" are one name."""
    name = name_of(value)
    names = [name_of(item) for item in known]
    if name in names:
        return names.index(name)
    if known and all(isinstance(item, bool) for item in known):
        truth = {"true": True, "1": True, "false": False, "0": False}.get(name.strip().casefold())
        return list(known).index(truth) if truth is not None and truth in known else None
    try:
        number = name_of(float(name))
    except ValueError:
        return None
    return names.index(number) if number in names else None
