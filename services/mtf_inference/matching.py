"""Which columns go into the model, and in which order."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from mtf.contracts.problem import FieldProblem
from mtf.errors import SpecError

SHOWN = 10


@dataclass(frozen=True)
class Match:
    """Columns in the model's order, and those it has no use for."""

    columns: list[str]
    ignored: list[str]
    by: str
    """`name` or `order`."""


def match(wanted: Sequence[str] | None, width: int | None, offered: Sequence[str]) -> Match:
    """Match by the model's own names where it has them, else by order. Raises SpecError that lists what is missing, with the nearest."""
    if wanted is None:
        if width is not None and width != len(offered):
            raise SpecError(
                f"the model wants {width:,} features and carries no names; the data has {len(offered):,}",
                field="model",
                found=", ".join(offered[:SHOWN]) + (", ..." if len(offered) > SHOWN else ""),
                fix="list the features in the model's order (`dataset.features`), or train the model with column names",
            )
        return Match(list(offered), [], "order")
    known = set(offered)
    missing = [name for name in wanted if name not in known]
    if missing:
        raise _missing(missing, offered)
    chosen = set(wanted)
    return Match(list(wanted), [name for name in offered if name not in chosen], "name")


def _missing(missing: Sequence[str], offered: Sequence[str]) -> SpecError:
    described, errors = [], []
    for name in missing[:SHOWN]:
        near = difflib.get_close_matches(name, offered, n=1, cutoff=0.6)
        described.append(f"`{name[:100]}`" + (f" (nearest: `{near[0]}`)" if near else ""))
        errors.append(FieldProblem(field=name[:200], message="missing", fix=f"rename `{near[0]}`" if near else None))
    more = f" and {len(missing) - SHOWN:,} more" if len(missing) > SHOWN else ""
    return SpecError(
        f"the model wants features that the data does not have: {', '.join(described)}{more}",
        field="model",
        found=", ".join(offered[:SHOWN]) + (", ..." if len(offered) > SHOWN else ""),
        fix="give the recipe the steps that the model was trained with, or rename the columns",
        errors=errors,
    )
