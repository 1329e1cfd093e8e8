"""Measure rows in parts: two passes over the partitions, and every metric with its interval from what the passes kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.compute import Runner, reduce
from mtf.contracts.report import MetricValue
from mtf.errors import DataError
from mtf_evaluation import measure
from mtf_evaluation.metrics.facts import Centre, facts_of
from mtf_evaluation.scored import Scored
from mtf_evaluation.streams.cells import Cells, tally
from mtf_evaluation.streams.chunks import Chunks
from mtf_evaluation.streams.parts import Part, Summary, merge
from mtf_evaluation.streams.plan import Plan, plan
from mtf_evaluation.streams.second import Influences, Second
from mtf_evaluation.streams.survey import Survey, survey
from mtf_evaluation.streams.values import Values

Rows = NDArray[np.int64]
Key = tuple[tuple[str, str], ...]
WHOLE: Key = ()
"""The part that holds every row."""


@dataclass(frozen=True)
class Piece:
    """A slice of a partition: its name, what it means, and the positions of its rows."""

    key: Key
    name: str
    where: Mapping[str, Any]
    rows: Rows


Find = Callable[[Scored], Iterable[Piece]]
"""The slices of a partition."""


@dataclass(frozen=True)
class Measured:
    """What both passes found."""

    parts: Mapping[Key, Part]
    values: Mapping[Key, Mapping[str, MetricValue]]
    readers: Mapping[Key, Values]
    second: Mapping[Key, Second]
    plugins: Mapping[str, Any]
    plan: Plan
    survey: Survey
    no_target: int


@dataclass(frozen=True)
class _First:
    """State of the first pass."""

    parts: dict[Key, Part]
    no_target: int


def measure_parts(
    chunks: Chunks, plugins: Mapping[str, Any], *, find: Find, level: float, seed: int, runner: Runner, progress: Callable[[str], None]
) -> Measured:
    """Every metric of all rows and of every slice.

    Args:
        chunks: The rows.
        plugins: Metrics by canonical name.
        find: Gives the slices of a partition.
        level: Of the intervals.
        seed: Of draws behind intervals.
        runner: Where partitions are computed; results do not depend on it.
        progress: Told which pass begins.

    Raises:
        DataError: No row can be measured, or a partition breaks the rules for weights and labels.
    """
    progress("looking at the ranges")
    seen = survey(chunks, runner)
    example = seen.example
    layout = plan(plugins, task=example.task, labels=example.labels, scale=seen.scale, rows=chunks.rows, grouped=seen.groups is not None)
    progress("adding up")
    state = reduce(runner, lambda index: _first(chunks.read(index), layout, find, seen.centre), _merge, range(len(chunks)))
    if state is None or not _kept(state.parts[WHOLE]):
        raise DataError(
            f"none of the {chunks.rows:,} rows has both a target and a prediction", field="model", fix="look at what the model answers"
        )
    with np.errstate(all="ignore"):  # as in `measure`: what is not finite ends as undefined
        readers = {
            key: Values(part, layout, level=level, seed=seed, weighted=example.weight is not None, centre=seen.centre)
            for key, part in state.parts.items()
        }
        progress("measuring the spread")
        second = _second(chunks, (layout, find, seen), readers, runner)
        values = {key: reader.values(second.get(key)) for key, reader in readers.items()}
    return Measured(state.parts, values, readers, second, plugins, layout, seen, state.no_target)


def _kept(part: Part) -> int:
    return int(part.kept.rows[part.kept.keys == 1].sum())


def _pieces(scored: Scored, find: Find) -> list[Piece]:
    whole = Piece(WHOLE, "", {}, np.arange(scored.rows))
    return [whole, *find(scored)]


def _ready(scored: Scored, centre: Centre) -> tuple[Any, Rows]:
    """The measurable rows of a partition, checked, and for each row of the partition its place among them (-1 for none)."""
    kept = scored.kept if scored.sample.weight is None else scored.kept & (scored.sample.weight != 0)
    sample = scored.sample if kept.all() else measure.subset(scored.sample, np.flatnonzero(kept))
    if sample.target.size:
        measure.check(sample)
    sample = measure.prepared(sample)
    facts_of(sample).centre = centre
    place = np.cumsum(kept) - 1
    place[~kept] = -1
    return sample, place


def _first(scored: Scored, layout: Plan, find: Find, centre: Centre) -> _First:
    with np.errstate(all="ignore"):
        sample, place = _ready(scored, centre)
        summary = Summary(layout, sample)
    parts = {}
    for piece in _pieces(scored, find):
        rows = place[piece.rows]
        weight = None if scored.sample.weight is None else scored.sample.weight[piece.rows]
        kept = _coverage(scored.kept[piece.rows], weight)
        rows = rows[rows >= 0]
        whole = piece.key == WHOLE
        parts[piece.key] = summary.part(piece.name, piece.where, None if whole else rows, kept, piece.rows.size)
    return _First(parts, scored.no_target)


def _coverage(kept: NDArray[np.bool_], weight: NDArray[np.float64] | None) -> Cells:
    counts = np.ones(kept.size, dtype=np.bool_) if weight is None else weight > 0
    return tally(kept[counts].astype(np.int64), None, None if weight is None else weight[counts], 2)


def _merge(a: _First, b: _First) -> _First:
    parts = dict(a.parts)
    for key, part in b.parts.items():
        parts[key] = merge(parts[key], part) if key in parts else part
    return _First(parts, a.no_target + b.no_target)


def _second(chunks: Chunks, what: tuple[Plan, Find, Survey], readers: Mapping[Key, Values], runner: Runner) -> Mapping[Key, Second]:
    """How the influence values spread, for the metrics whose cells do not tell, and add up in groups."""
    layout, find, seen = what
    if not layout.moments and not layout.areas and seen.groups is None:
        return {}

    def look(index: int) -> dict[Key, Second]:
        with np.errstate(all="ignore"):
            scored = chunks.read(index)
            sample, place = _ready(scored, seen.centre)
            codes = seen.codes(scored)
            shared = Influences(layout, sample, chunks.rows, None if codes is None else codes[place >= 0], seen.group_count)
            found = {}
            for piece in _pieces(scored, find):
                rows = place[piece.rows]
                found[piece.key] = shared.of(readers[piece.key], None if piece.key == WHOLE else rows[rows >= 0])
            return found

    def both(a: dict[Key, Second], b: dict[Key, Second]) -> dict[Key, Second]:
        return a | {key: a[key] + found if key in a else found for key, found in b.items()}

    return reduce(runner, look, both, range(len(chunks))) or {}
