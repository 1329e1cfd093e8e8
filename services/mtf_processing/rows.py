"""The rows of one version on their way through a pipeline: who is dropped, who is a training row, and what a step gets to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mtf_processing import frame as frames
from mtf_processing.fold import fold
from mtf_processing.frame import Frame
from mtf_processing.pipeline import Pipeline
from mtf_processing.version import Version

DROPPED, TRAIN, TEST = 0, 1, 2

Tick = Callable[[int, str], None]
"""Told (rows, what is done) after each batch."""


@dataclass
class Rows:
    """A version and the fate of each of its rows, one byte a row: dropped, training or test."""

    version: Version
    pipeline: Pipeline
    fate: NDArray[np.uint8]
    tick: Tick
    settled: set[int] = field(default_factory=set)
    """Steps about rows whose effect is in `fate`."""
    decided: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    """Of steps that saw every row: positions that they drop or make test rows."""
    counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Of each step about rows: rows before and after."""

    @classmethod
    def of(cls, version: Version, pipeline: Pipeline, fate: int, tick: Tick) -> Rows:
        """All rows alive, as training rows or as test rows."""
        return cls(version, pipeline, np.full(version.rows, fate, dtype=np.uint8), tick)

    def frames(
        self,
        stop: int,
        wanted: Iterable[str],
        what: str,
        *,
        fates: tuple[int, ...] = (TRAIN, TEST),
        context: bool = False,
        every: bool = False,
        count: bool = False,
    ) -> Iterator[Frame]:
        """Frames of rows with one of `fates` after the steps before `stop`, in order.

        `wanted` are the visible columns at that point. With `context` the roles and slices are held as well; with `every`, dropped rows come
        along, marked as not alive; with `count`, steps about rows note how many they saw and left.
        """
        columns = self.pipeline.needs(stop, wanted, skip=frozenset(self.settled), context=context)
        drop = set(self.pipeline.points[0].roles.drop)
        for start, rows, batch in self.version.batches(columns):
            fate = self.fate[start : start + rows]
            keep = np.isin(fate, fates)
            found = Frame(batch, np.arange(start, start + rows, dtype=np.int64), keep, fate == TEST)
            if not every:
                found = found.compress()
            if drop:
                found.keep_slices(column for column in self.pipeline.slices if column in drop)
                found.visible = found.visible.select([name for name in columns if name not in drop])
            self._advance(found, stop, every=every, count=count)
            self.tick(rows, what)
            yield found

    def decide(self, k: int) -> None:
        """Let step `k`, which must see every row first, say which rows it drops or makes test rows."""
        bound = self.pipeline.steps[k]
        roles = self.pipeline.points[k].roles
        seen = (frames.see(frame, roles) for frame in self.frames(k, self.pipeline.reads(k), bound.name))
        with bound.located():
            states = (bound.step.fit_state(batch, bound.args, roles) for batch in seen if batch.num_rows)
            state = fold(states, bound.step.merge)
            self.decided[k] = np.zeros(0, dtype=np.int64) if state is None else bound.step.decide(state, bound.args)

    def settle(self, stop: int, frame: Frame) -> None:
        """Write a surveyed frame's fates down."""
        fate = np.where(frame.alive, np.where(frame.test, TEST, TRAIN), DROPPED)
        self.fate[frame.position] = fate
        if len(frame.position) and int(frame.position[-1]) + 1 == self.version.rows:
            self.settled |= {k for k in range(stop) if self.pipeline.steps[k].kind in {"rows", "split"}}

    def _advance(self, frame: Frame, stop: int, *, every: bool, count: bool) -> None:
        line = self.pipeline
        for k in range(stop):
            bound, roles = line.steps[k], line.points[k].roles
            if k == line.freeze:
                self._freeze(frame)
            if bound.kind in {"values", "fitted"}:
                if k < line.freeze:
                    before = {name: frame.visible.column(name) for name in line.slices if name in frame.visible.schema.names}
                    frames.transform(frame, bound, line.params[k] or {}, roles)
                    for name in before.keys() - set(frame.visible.schema.names):
                        frame.held.setdefault(f"slice:{name}", before[name])
                else:
                    frames.transform(frame, bound, line.params[k] or {}, roles)
            elif k not in self.settled:
                self._about_rows(frame, k, every=every, count=count)
        if stop == line.freeze:
            self._freeze(frame)

    def _freeze(self, frame: Frame) -> None:
        point = self.pipeline.points[self.pipeline.freeze]
        frame.keep_slices(self.pipeline.slices)
        frame.freeze(point.roles)

    def _about_rows(self, frame: Frame, k: int, *, every: bool, count: bool) -> None:
        bound, roles = self.pipeline.steps[k], self.pipeline.points[k].roles
        before = int(frame.alive.sum())
        if k in self.decided:
            chosen = frames.among(frame.position, self.decided[k])
            if bound.kind == "split":
                frame.test = chosen & frame.alive
            else:
                frame.alive &= ~chosen
        elif bound.kind == "split":
            frames.split_rows(frame, bound, self.pipeline.params[k] or {}, roles)
        else:
            frames.drop_rows(frame, bound, self.pipeline.params[k] or {}, roles)
        if count:
            old = self.counts.get(k, (0, 0))
            self.counts[k] = (old[0] + before, old[1] + int(frame.alive.sum()))
        if not every and not frame.alive.all():
            kept = frame.compress()
            frame.visible, frame.position, frame.alive, frame.test, frame.held = (
                kept.visible,
                kept.position,
                kept.alive,
                kept.test,
                kept.held,
            )
