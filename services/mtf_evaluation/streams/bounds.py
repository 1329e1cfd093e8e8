"""How far a binned value can be from the exact one: the metric at the worst and at the best that could hide in the bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtf_evaluation import measure
from mtf_evaluation.metrics.calibration import ExpectedCalibrationError, bin_count
from mtf_evaluation.streams.bins import Scale, table
from mtf_evaluation.streams.cells import Cells
from mtf_evaluation.streams.views import Errors, OneClass, View, places

INNER = 0.25
"""Share of a bin's width by which rows are moved apart within it, so that the order of bins stays."""


def bound(metric: Any, view: View, cells: Cells, value: float, *, weighted: bool) -> float | None:
    """The largest distance from the value; 0 where no bin holds two different scores, None where the view has no bins.

    Within each bin all positives are moved above all negatives and below them, which are the extremes of any metric of the order; and all
    scores are moved to the lower and to the upper edges, between which any metric of the calibration lies. A quantile of errors lies in the
    bin of its value.
    """
    if isinstance(view, Errors):
        at = view.scale.of(np.array([value]))
        return float(table(view.scale)[1][at[0]])
    if not isinstance(view, OneClass):
        return None
    bins = cells.keys % view.scale.size
    mean, differ = places(cells, bins)
    if not differ.any():
        return 0.0
    low, width = (numbers[bins] for numbers in table(view.scale))
    positive = np.where(cells.keys // view.scale.size >= 2, 1.0, -1.0)  # noqa: PLR2004 - truth * 2 + prediction
    centre = np.where(differ, 0.5, mean)
    moves = (positive * INNER, -positive * INNER, np.full(mean.size, -0.5), np.full(mean.size, 0.5))
    found = []
    for move in moves:
        sample = view.scored(cells, low + width * (centre + differ * move), 0, weighted=weighted)
        other = measure.value_of(metric, sample)
        if other is not None:
            found.append(abs(other - value))
    return max(found, default=0.0) + _shifted(metric, cells, view.scale)


def _shifted(metric: Any, cells: Cells, scale: Scale) -> float:
    """Quantile bins of a calibration error may begin up to one of our bins later, so that some of its rows count on the other side.

    What they move is their score less their truth: at most all rows of one truth, with the largest distance that the bin allows.
    """
    if not isinstance(metric, ExpectedCalibrationError):
        return 0.0
    truth, bins = np.divmod(cells.keys, 2 * scale.size)
    low, width = (numbers[bins % scale.size] for numbers in table(scale))
    moved = cells.weight * np.where(truth > 0, 1 - low, low + width)
    _, at = np.unique(bins % scale.size, return_inverse=True)
    most = np.maximum(np.bincount(at, weights=moved * (truth > 0)), np.bincount(at, weights=moved * (truth == 0)))
    edges = min(bin_count(cells.total), most.size)
    return 2 * float(np.partition(most, most.size - edges)[most.size - edges :].sum()) / float(cells.weight.sum())
