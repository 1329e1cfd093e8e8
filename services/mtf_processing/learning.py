"""Fitting a recipe: as few passes over the training rows as its steps depend on each other, and no more memory than asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mtf.errors import DataError
from mtf_processing.fold import BLOCK, blocks, fold
from mtf_processing.pipeline import Pipeline
from mtf_processing.rows import TRAIN, Rows
from mtf_processing.rules import Bound
from mtf_processing.steps.base import ColumnStep

MEMORY = 256 * 1024**2
"""Bytes that the states of one pass may hold: a median keeps its column, so columns take turns."""


@dataclass(frozen=True)
class Share:
    """A step and the columns that it learns in one pass; None for all it sees."""

    k: int
    bound: Bound
    columns: tuple[str, ...] | None


def learn(pipeline: Pipeline, rows: Rows, *, block: int = BLOCK, memory: int = MEMORY) -> None:
    """Fit the step at the known point and those behind it that can be fitted in the same passes. Learns from training rows only."""
    group = _group(pipeline)
    _need_rows(group[0], rows)
    learned: dict[int, dict[str, Any]] = {}
    for turn in _turns(pipeline, group, int((rows.fate == TRAIN).sum()), memory):
        for share, params in zip(turn, _fit(pipeline, rows, turn, block), strict=True):
            known = learned.setdefault(share.k, {})
            if share.columns is None or not known:
                known.update(params)
            else:
                known["columns"].update(params["columns"])
    for k, params in learned.items():
        pipeline.params[k] = _finite(_in_order(params, pipeline.steps[k], pipeline), pipeline.steps[k])
        pipeline.extend()


def _need_rows(bound: Bound, rows: Rows) -> None:
    if not (rows.fate == TRAIN).any():
        raise DataError(
            f"`{bound.name}` has no training rows to learn from",
            field=bound.where,
            found="0 training rows",
            fix="give `split` a smaller share of test rows, or more data",
        )


def _group(pipeline: Pipeline) -> list[Bound]:
    """The step at the known point, and those right behind it whose columns no step of the group touches."""
    start = pipeline.known
    schema = pipeline.seen(start)
    group = [pipeline.steps[start]]
    if not isinstance(group[0].step, ColumnStep):
        return group
    touched = set(group[0].step.columns(group[0].args, schema))
    for bound in pipeline.steps[start + 1 :]:
        step = bound.step
        if not isinstance(step, ColumnStep) or any(name not in schema.names for _, name in bound.named()):
            break
        chosen_by_kind = not bound.named()
        if chosen_by_kind and any(item.step.reshapes for item in group):
            break
        columns = set(step.columns(bound.args, schema))
        if columns & touched:
            break
        touched |= columns
        group.append(bound)
    return group


def _turns(pipeline: Pipeline, group: Sequence[Bound], rows: int, memory: int) -> Iterator[list[Share]]:
    """Cut the columns of a group so that the states of one pass fit into `memory`; columns without a cost go first, together."""
    start = pipeline.known
    if not isinstance(group[0].step, ColumnStep):
        yield [Share(start, group[0], None)]
        return
    schema = pipeline.seen(start)
    turn: dict[int, list[str]] = {start + offset: [] for offset in range(len(group))}
    first, held = True, 0
    for costly in (False, True):
        for offset, bound in enumerate(group):
            cost = bound.step.cost(bound.args) * rows
            if (cost > 0) is not costly:
                continue
            for column in bound.step.columns(bound.args, schema):
                if held and held + cost > memory:
                    yield _shares(turn, group, start, everyone=first)
                    turn, held, first = {k: [] for k in turn}, 0, False
                turn[start + offset].append(column)
                held += cost
    yield _shares(turn, group, start, everyone=first)


def _shares(turn: dict[int, list[str]], group: Sequence[Bound], start: int, *, everyone: bool) -> list[Share]:
    # The first turn names every step, so that one without columns learns `nothing` too.
    return [Share(k, group[k - start], tuple(columns)) for k, columns in turn.items() if columns or everyone]


def _fit(pipeline: Pipeline, rows: Rows, turn: Sequence[Share], block: int) -> list[dict[str, Any]]:
    start = pipeline.known
    wanted = pipeline.seen(start).names if turn[0].columns is None else [column for share in turn for column in share.columns or ()]
    what = "learning " + ", ".join(dict.fromkeys(share.bound.name for share in turn))
    seen = (frame.visible for frame in rows.frames(start, wanted, what, fates=(TRAIN,)))
    roles = pipeline.points[start].roles

    def states(batch: pa.RecordBatch) -> list[Any]:
        return [_state(share, batch, roles) for share in turn]

    def merge(a: list[Any], b: list[Any]) -> list[Any]:
        return [share.bound.step.merge(x, y) for share, x, y in zip(turn, a, b, strict=True)]

    total = fold((states(batch) for batch in blocks(seen, block)), merge)
    if total is None:
        total = states(
            pa.RecordBatch.from_arrays([pa.array([], field.type) for field in pipeline.seen(start)], schema=pipeline.seen(start))
        )
    return [_finish(share, state) for share, state in zip(turn, total, strict=True)]


def _state(share: Share, batch: pa.RecordBatch, roles: Any) -> Any:
    chosen = batch if share.columns is None else batch.select(list(share.columns))
    with share.bound.located():
        return share.bound.step.fit_state(chosen, share.bound.args, roles)


def _finish(share: Share, state: Any) -> dict[str, Any]:
    with share.bound.located():
        found: dict[str, Any] = share.bound.step.finish(state, share.bound.args)
    return found


def _in_order(params: dict[str, Any], bound: Bound, pipeline: Pipeline) -> dict[str, Any]:
    """Columns in the order of the table, however they took turns."""
    if not isinstance(bound.step, ColumnStep):
        return params
    names = bound.step.columns(bound.args, pipeline.seen(pipeline.known))
    return {**params, "columns": {name: params["columns"][name] for name in names if name in params["columns"]}}


def _finite(params: dict[str, Any], bound: Bound) -> dict[str, Any]:
    """The parameters as they will be read back from JSON. Raises DataError for infinities, which JSON cannot carry."""
    try:
        found: dict[str, Any] = json.loads(json.dumps(params, allow_nan=False))
    except ValueError:
        wrong = [name for name, learned in params.get("columns", {}).items() if not _is_json(learned)]
        raise DataError(
            f"`{bound.name}` learned no finite number" + (f" for column `{wrong[0][:100]}`" if wrong else ""),
            field=bound.where,
            found=wrong[0] if wrong else None,
            fix="replace infinite values, or `clip` the column to bounds before",
        ) from None
    return found


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
