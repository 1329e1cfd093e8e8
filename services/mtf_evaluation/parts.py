"""Measure many parts of one sample: its slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtf.compute import local
from mtf.contracts.report import MetricValue
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.base import Metric
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.one_vs_rest import OneVsRest

Positions = NDArray[np.signedinteger[Any]]


class Parts:
    """Cuts a sample of n rows into parts that need no sort and no check of their own.

    For two classes the rows are put in rising order of the positive class's score, once. A part keeps that order, so that its
    ranking costs a comparison of neighbours. No metric of ours depends on the order of rows, except for the last digits of sums.

    Args:
        sample: The rows, which were checked.
        seed: Of the draws that some intervals and bands are read from.
        ordered: False keeps the caller's order for metrics that may look at it.
    """

    def __init__(self, sample: Sample, seed: int = 0, *, ordered: bool = True) -> None:
        self.seed = seed
        self._place: NDArray[np.signedinteger[Any]] | None = None
        if ordered and sample.task == "binary" and sample.scores is not None:
            order = np.argsort(sample.scores[:, 1])
            place = np.empty(order.size, dtype=np.min_scalar_type(-order.size))
            place[order] = np.arange(order.size, dtype=place.dtype)
            self._place = place
            # A part is bound by what it reads from memory: codes of two classes need one byte.
            small = {name: getattr(sample, name).astype(np.int8) for name in ("target", "prediction")}
            sample = measure.subset(replace(sample, **small), order)
        self._sample = sample
        self._probable = sample.scores is not None and sample.target.size > 0 and facts_of(sample).not_probabilities is None

    def cut(self, rows: Positions) -> Sample:
        """A part of (m,) distinct positions, without rows of weight 0 and with facts to share; its rows are in no promised order."""
        if self._place is not None:
            rows = self._place.take(rows)
            rows.sort()
        part = measure.prepared(measure.subset(self._sample, rows), self.seed)
        facts_of(part).probable = self._probable
        return part


def measure_many(
    sample: Sample, parts: Sequence[Positions], metrics: Sequence[str] | None, *, level: float = 0.95, seed: int = 0, cpus: float = 1.0
) -> list[dict[str, MetricValue]]:
    """Measure parts of a sample, as `measure.measure` would measure each alone.

    Args:
        sample: The rows. Its arrays are only read.
        parts: Distinct positions of each part's rows. Parts may overlap and may be empty.
        metrics: Names, or None for the default set of the task.
        level: Confidence level of every interval, between 0 and 1.
        seed: Of the draws that some intervals and bands are read from.
        cpus: Threads. Results do not depend on it.

    Returns:
        The values of each part in the order of the names.

    Raises:
        SpecError: A metric that does not exist or does not serve the task.
        DataError: Arrays that are not aligned, or not finite.
    """
    chosen = measure.find(metrics, sample.task, sample.labels)
    measure.check(sample)
    if not parts:
        return []
    cutter = Parts(sample, seed, ordered=all(isinstance(plugin, Metric | OneVsRest) for plugin in chosen.values()))
    with local(min(cpus, len(parts))) as runner:
        return list(runner.map(lambda rows: _measured(chosen, cutter.cut(rows), level), parts))


def _measured(chosen: Mapping[str, Any], part: Sample, level: float) -> dict[str, MetricValue]:
    # Threads do not inherit the caller's setting. Overflow ends in a value that is not finite, which is reported as undefined.
    with np.errstate(all="ignore"):
        return {name: measure.measure_one(plugin, part, level) for name, plugin in chosen.items()}
