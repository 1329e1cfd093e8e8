"""The second pass: influence values of rows, from the functions that the first pass found, and how they spread and add up in groups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mtf.plugins import Sample
from mtf_evaluation.metrics.one_vs_rest import OneVsRest
from mtf_evaluation.streams.moments import Spread, spread
from mtf_evaluation.streams.parts import taken, terms_of
from mtf_evaluation.streams.plan import Plan

if TYPE_CHECKING:
    from mtf_evaluation.streams.values import Values

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
PAIRS = 4
"""Pairs of truth and prediction of two classes."""


@dataclass(frozen=True)
class Second:
    """Second pass over the rows of a part."""

    spreads: Mapping[str, Spread]
    """By metric whose cells do not tell how its influence values spread."""
    sums: Mapping[str, Floats] = field(default_factory=dict)
    """By metric, (g,) sums of weight times influence over the rows of each group."""
    pairs: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    """By view of two classes, (g,) pairs of truth and prediction that each group has, as bits; 1 for any row under `""`."""

    def __add__(self, other: Second) -> Second:
        """Both parts' rows."""
        return Second(
            {name: one + other.spreads[name] for name, one in self.spreads.items()},
            {name: one + other.sums[name] for name, one in self.sums.items()},
            {name: one | other.pairs[name] for name, one in self.pairs.items()},
        )


class Influences:
    """One partition's rows, with what all parts share.

    Args:
        plan: What is measured.
        sample: The measurable rows.
        rows: Rows of all partitions, which decide how much of the tail is kept.
        codes: (n,) code of each row's group among `groups`; None for independent rows.
        groups: Groups of all partitions.
    """

    def __init__(self, plan: Plan, sample: Sample, rows: int, codes: Rows | None, groups: int) -> None:
        self._plan, self._sample, self._codes, self._groups = plan, sample, codes, groups
        self._most = max(6, math.isqrt(rows) + 1)
        self._terms: Mapping[str, Floats] = {name: terms_of(plugin, sample) for name, plugin in plan.moments.items()}
        needed = {name for name in plan.views if plan.areas and name.startswith("class ")}
        if codes is not None:
            needed |= {view for view, _ in plan.viewed.values()}
        self._keys = {name: plan.views[name].see(sample).keys for name in needed}

    def of(self, values: Values, rows: Rows | None) -> Second:
        """What the rows of a part (None means all) add."""
        sample = self._sample if rows is None else taken(self._sample, rows)
        influences = self._influences(values, rows)
        spreads = {}
        for name, influence in influences.items():
            plugin = self._plan.moments.get(name)
            inner = plugin.inner if isinstance(plugin, OneVsRest) else plugin
            if name not in self._plan.viewed:
                spreads[name] = spread(inner, influence, sample.weight, sample, self._most if inner is not None else 1)
        if self._codes is None:
            return Second(spreads)
        codes = self._codes if rows is None else self._codes[rows]
        return Second(
            spreads, {name: self._grouped(codes, each, sample.weight) for name, each in influences.items()}, self._pairs(codes, rows)
        )

    def _influences(self, values: Values, rows: Rows | None) -> dict[str, Floats]:
        keys = {view: each if rows is None else each[rows] for view, each in self._keys.items()}
        found = {name: at.influence(self._terms[name] if rows is None else self._terms[name][rows]) for name, at in values.points.items()}
        found |= {name: values.area_influence(keys) for name in self._plan.areas}
        if self._codes is not None:
            for name, (view, _) in self._plan.viewed.items():
                influence = values.view_influence(name, keys[view])
                if influence is not None:
                    found[name] = influence
        return found

    def _grouped(self, codes: Rows, influence: Floats, weight: Floats | None) -> Floats:
        return np.bincount(codes, weights=influence if weight is None else weight * influence, minlength=self._groups).astype(
            np.float64, copy=False
        )

    def _pairs(self, codes: Rows, rows: Rows | None) -> dict[str, NDArray[np.uint8]]:
        any_row = (np.bincount(codes, minlength=self._groups) > 0).astype(np.uint8)
        found = {"": any_row}
        for view, keys in self._keys.items():
            size = self._plan.views[view].size
            if size % PAIRS or (view.startswith("confusion") and size != PAIRS):
                continue
            pair = (keys if rows is None else keys[rows]) // (size // PAIRS)
            met = np.bincount(codes * PAIRS + pair, minlength=self._groups * PAIRS).reshape(-1, PAIRS) > 0
            found[view] = (met.astype(np.uint8) << np.arange(PAIRS, dtype=np.uint8)).sum(axis=1, dtype=np.uint8)
        return found
