"""A look at all partitions before anything is added up: the range of the scores, a number near the targets, the groups there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtf.compute import Runner
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation.measure import subset
from mtf_evaluation.metrics.facts import Centre
from mtf_evaluation.scored import Scored
from mtf_evaluation.streams.bins import Scale, scale_of
from mtf_evaluation.streams.chunks import Chunks

MOST_GROUPS = 5_000_000
"""Groups whose sums are held: 40 MB for each metric."""


@dataclass(frozen=True)
class Survey:
    """What every later pass needs of all partitions."""

    example: Sample
    """No rows, but the task, the labels and which columns there are."""
    scale: Scale | None
    """How scores are binned; None without scores."""
    centre: Centre
    groups: pa.Array | None
    """Distinct groups; None for independent rows."""

    @property
    def group_count(self) -> int:
        """Groups of all partitions."""
        return 0 if self.groups is None else len(self.groups)

    def codes(self, scored: Scored) -> NDArray[np.int64] | None:
        """(n,) code of each row's group."""
        if self.groups is None or scored.groups is None:
            return None
        found: NDArray[np.int64] = pc.index_in(scored.groups, value_set=self.groups).to_numpy(zero_copy_only=False).astype(np.int64)
        return found


@dataclass(frozen=True)
class _Look:
    lowest: float
    highest: float
    groups: pa.Array | None


def survey(chunks: Chunks, runner: Runner) -> Survey:
    """Look at every partition once. Raises DataError for more groups than can be held."""
    first = chunks.read(0)
    ends = (first.sample.target[first.kept], first.sample.prediction[first.kept])
    centre = Centre(*(float(np.mean(values)) if values.size else 0.0 for values in ends))
    scored = first.sample.scores is not None
    lowest, highest, groups = 0.0, 1.0, None if first.groups is None else first.groups[:0]
    if scored or groups is not None:
        for look in runner.map(lambda index: _look(chunks.read(index)), range(len(chunks))):
            lowest, highest = min(lowest, look.lowest), max(highest, look.highest)
            if groups is not None and look.groups is not None:
                groups = pc.unique(pa.concat_arrays([groups, look.groups]))
                if len(groups) > MOST_GROUPS:
                    raise _too_many(len(groups))
    return Survey(subset(first.sample, np.arange(0)), scale_of(lowest, highest) if scored else None, centre, groups)


def _look(scored: Scored) -> _Look:
    scores = scored.sample.scores
    finite = np.empty(0) if scores is None else scores[np.isfinite(scores)]
    groups = None if scored.groups is None else pc.unique(scored.groups)
    return _Look(float(finite.min(initial=0.0)), float(finite.max(initial=1.0)), groups)


def _too_many(groups: int) -> DataError:
    return DataError(
        f"there are more than {MOST_GROUPS:,} groups, too many to add up",
        field="dataset.group",
        found=f"{groups:,} or more",
        fix="name a coarser unit of dependence as the group, or evaluate fewer rows",
    )
