"""Slices as a run file writes them, checked and written out, and what they need of the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from mtf.contracts.slices import SliceDemand, SliceNeeds, SlicePart, SliceSpec
from mtf.contracts.stages import Term
from mtf.errors import SpecError
from mtf_evaluation.declared import conditions, grammar, labels

Part = str | SlicePart
"""A plain column by its values, or anything else."""
Form = str | SliceSpec | Sequence[str | SliceSpec]
_NUMBERS = list(conditions.NUMBERS)


def crosses(wanted: Iterable[Form], *, where: str = "evaluation.slices") -> list[list[Part]]:
    """Each slice as a cross of at least one part, once. Raises SpecError that names the entry."""
    found: list[list[Part]] = []
    for index, form in enumerate(wanted):
        field = f"{where}[{index}]"
        one = [form] if isinstance(form, str | SliceSpec) else list(form)
        if not one or not all(one):
            raise SpecError("a slice names at least one column", field=field, found=form, fix="write a column, or a list of columns")
        parts = [_part(part, field) for part in one]
        names = [name_of(part) for part in parts]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SpecError(
                "a cross names each column once", field=field, found=names, fix=f"write {sorted(set(names))}; `{twice}` is twice"
            )
        if not any(_same(parts, other) for other in found):
            found.append(parts)
    _check_names(found, where)
    return found


def name_of(part: Part) -> str:
    """What the slices' `where` calls a part."""
    return part if isinstance(part, str) else part.name


def columns_of(part: Part) -> list[str]:
    """Columns of the data that a part needs."""
    return [part] if isinstance(part, str) else part.columns


def names(found: Iterable[Sequence[Part]]) -> list[str]:
    """Names of the conditions, which a gate may name without a value."""
    parts = [part for cross in found for part in cross if isinstance(part, SlicePart) and part.kind == "condition"]
    return list(dict.fromkeys(part.name for part in parts))


def needs(found: Sequence[Sequence[Part]], gates: Iterable[Term], *, where: str = "evaluation.slices") -> SliceNeeds:
    """What processing must carry and look at: columns, values that gates name, and what each form demands of a column."""
    gates = list(gates)
    columns = dict.fromkeys(column for cross in found for part in cross for column in columns_of(part))
    conditional, values = set(names(found)), dict[str, list[str]]()
    for term in gates:
        columns |= dict.fromkeys(column for column in term.worst if column not in conditional)
        for column, value in term.where.items():
            if column in conditional:
                continue
            columns[column] = None
            if not _declared(found, column, value) and value not in values.setdefault(column, []):
                values[column].append(value)
    demands = [demand for index, cross in enumerate(found) for part in cross for demand in _demands(part, f"{where}[{index}]")]
    return SliceNeeds(columns=list(columns), values={column: asked for column, asked in values.items() if asked}, demands=demands)


def _part(part: str | SliceSpec, field: str) -> Part:
    if isinstance(part, str):
        return part
    if part.where is not None:
        return _condition(part, field)
    column = str(part.column)
    if part.bins is not None:
        edges = _edges(part.bins, field)
        return SlicePart(name=column, kind="bins", columns=[column], edges=edges)
    if part.quantiles is not None:
        return SlicePart(name=column, kind="quantiles", columns=[column], quantiles=part.quantiles)
    if part.values is not None:
        written = list(dict.fromkeys(labels.text(value) for value in part.values))
        return SlicePart(name=column, kind="values", columns=[column], values=written)
    return column


def _condition(part: SliceSpec, field: str) -> SlicePart:
    condition = grammar.read(str(part.where), field=f"{field}.where")
    text = conditions.write(condition)
    name = " ".join((part.name or text).split())
    columns = list(dict.fromkeys(leaf.column for leaf in conditions.leaves(condition)))
    return SlicePart(name=name, kind="condition", columns=columns, condition=text)


def _edges(bins: Sequence[Any], field: str) -> list[Any]:
    """Rising numbers, or rising times as ISO text."""
    field = f"{field}.bins"
    if not bins:
        raise SpecError("bins need at least one edge", field=field, found=[], fix="write rising edges: `bins: [18, 30, 50]`")
    timed = [isinstance(edge, date) for edge in bins]
    if any(timed) != all(timed):
        raise SpecError("edges are all numbers or all times", field=field, found=[labels.text(edge) for edge in bins], fix="write one kind")
    order = [_moment(edge) if isinstance(edge, date) else float(edge) for edge in bins]
    if any(math.isnan(one) for one in order) or any(not low < high for low, high in pairwise(order)):
        shown = [labels.text(edge) for edge in bins]
        raise SpecError("edges must rise", field=field, found=shown, fix="write each edge once, the smallest first")
    if any(math.isinf(one) for one in order):
        raise SpecError(
            "an edge is infinite", field=field, found=list(map(str, bins)), fix="leave it out: rows beyond the last edge are a bin"
        )
    return [_iso(edge) if isinstance(edge, date) else edge for edge in bins]


def _moment(edge: date) -> float:
    whole = edge if isinstance(edge, datetime) else datetime(edge.year, edge.month, edge.day)  # noqa: DTZ001 - the zone follows
    return (whole if whole.tzinfo else whole.replace(tzinfo=UTC)).timestamp()


def _iso(edge: date) -> str:
    midnight = isinstance(edge, datetime) and (edge.hour, edge.minute, edge.second, edge.microsecond) == (0, 0, 0, 0) and not edge.tzinfo
    return edge.date().isoformat() if midnight and isinstance(edge, datetime) else edge.isoformat()


def _demands(part: Part, field: str) -> list[SliceDemand]:
    if isinstance(part, str):
        return []
    if part.kind == "condition":
        return conditions.demands(grammar.read(part.condition), f"{field}.where")
    column = part.name
    if part.kind == "values":
        return [SliceDemand(column=column, values=part.values, field=f"{field}.values")]
    timed = part.kind == "bins" and isinstance(part.edges[0], str)
    kinds = ["time"] if timed else [*_NUMBERS, "time"] if part.kind == "quantiles" else _NUMBERS
    why = f"`{part.kind}` need {'times' if timed else 'numbers or times' if part.kind == 'quantiles' else 'numbers'}"
    fix = "leave `bins` and `quantiles` out to slice by its values, or declare its type in `dataset.types`"
    return [SliceDemand(column=column, kinds=kinds, field=f"{field}.{part.kind}", why=why, fix=fix)]


def with_worst(slices: Sequence[list[Part]], gates: Iterable[Term]) -> list[list[Part]]:
    """The slices with those that `worst slice of` needs; a cross that is declared already is not declared again.

    A column that is declared by bins or the like is meant so, unless its values are declared as well.
    """
    found = list(slices)
    declared = {name_of(part): part for cross in slices for part in cross if not isinstance(part, str)}
    declared = {name: part for name, part in declared.items() if not any(name in cross for cross in slices)}
    for term in gates:
        if term.worst and not any(set(term.worst) == {name_of(part) for part in cross} for cross in found):
            found.append([declared.get(name, name) for name in term.worst])
    return found


def _declared(found: Sequence[Sequence[Part]], column: str, value: str) -> bool:
    """Whether a gate names a bin or a quantile and no value of the data."""
    for part in (part for cross in found for part in cross if isinstance(part, SlicePart) and part.name == column):
        if part.kind == "bins" and any(labels.means(value, label) for label in labels.of_bins(part.edges)):
            return True
        if part.kind == "quantiles" and (
            value in {f"Q{place + 1}" for place in range(part.quantiles)} or (value.startswith("Q") and "[" in value)
        ):
            return True
    return False


def _same(parts: Sequence[Part], other: Sequence[Part]) -> bool:
    return len(parts) == len(other) and all(any(one == two for two in other) for one in parts)


def _check_names(found: Sequence[Sequence[Part]], where: str) -> None:
    """One name is one condition, and no column."""
    meant: dict[str, str] = {}
    columns = {column for cross in found for part in cross for column in columns_of(part)}
    for index, cross in enumerate(found):
        for part in cross:
            if not isinstance(part, SlicePart) or part.kind != "condition":
                continue
            field = f"{where}[{index}].name"
            if part.name in columns:
                raise SpecError(f"`{part.name}` is a column already", field=field, found=part.name, fix="give the condition another name")
            if meant.setdefault(part.name, part.condition) != part.condition:
                raise SpecError(f"two conditions are called `{part.name}`", field=field, found=part.name, fix="give each a name of its own")
