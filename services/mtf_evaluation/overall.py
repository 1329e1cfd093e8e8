"""More than two runs under one metric: whether they can be told apart at all, and in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mtf.contracts.registry import OverallTest, Standing, Standings
from mtf.contracts.report import Comparison
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.sentences import odds
from mtf_evaluation.side import Side
from mtf_evaluation.statistics.omnibus import Omnibus, cochran_q, covariance, wald
from mtf_evaluation.statistics.tiers import tiers


def overall(metric: str, sides: Sequence[Side], *, paired: bool) -> OverallTest:
    """The test that all sides have the same true value: Cochran's Q for shares of the same rows, else Wald's on joint influence values."""
    found = _omnibus(sides, paired=paired)
    test = OverallTest(
        metric=metric,
        method=found.method,
        statistic=found.statistic,
        df=found.df,
        df_error=found.df_error,
        p_value=found.p_value,
        undefined=found.reason,
    )
    return test.model_copy(update={"sentence": _sentence(test, len(sides))})


def _sentence(test: OverallTest, k: int) -> str:
    if test.p_value is None:
        return f"No test tells whether the {k} runs differ in {test.metric}: {test.undefined}."
    return f"If all {k} were equally good, {test.metric} would differ this much in {odds(test.p_value)} test sets."


def _omnibus(sides: Sequence[Side], *, paired: bool) -> Omnibus:
    values = [side.value.value for side in sides]
    if any(value is None for value in values):
        return Omnibus("none", reason="it is undefined for at least one of them")
    first = sides[0]
    if paired and isinstance(first.plugin, Proportion) and first.plugin.base_is_truth and first.design.simple:
        counted = first.plugin.in_base(first.sample)
        return cochran_q(np.stack([first.plugin.hits(side.sample)[counted] for side in sides], axis=1))
    if not first.has_influence:
        return Omnibus("none", reason="this metric has no influence values")
    estimates = np.array(values, dtype=np.float64)
    if paired:
        units = min(first.design.kish, float(first.design.groups))
        return wald(estimates, covariance(np.stack([side.influence for side in sides], axis=1), first.design), units)
    return wald(estimates, np.diag([side.error_of(side.influence) ** 2 for side in sides]), math.inf)


def standings(metric: str, sides: Sequence[Side], labels: Sequence[str], found: Sequence[Comparison], *, level: float) -> Standings:
    """Ranks with ties from corrected p-values of every pair. A difference that is not reliable tells nobody apart."""
    k, place = len(sides), {label: position for position, label in enumerate(labels)}
    p = np.full((k, k), np.nan)
    for one in found:
        if one.metric == metric and one.p_adjusted is not None and one.reliable:
            i, j = place[one.run], place[one.baseline]
            p[i, j] = p[j, i] = one.p_adjusted
    values = [math.nan if side.value.value is None else side.value.value for side in sides]
    better = sides[0].plugin.greater_is_better
    ranked = [
        Standing(run=label, value=side.value.value, rank=tier.rank, worst_rank=tier.worst, letters=tier.letters)
        for label, side, tier in zip(labels, sides, tiers(values, p, alpha=1 - level, greater_is_better=better), strict=True)
    ]
    turned = 1 if better is False else -1
    ranked.sort(key=lambda one: (one.value is None, turned * (one.value or 0.0)))
    return Standings(metric=metric, greater_is_better=better, runs=ranked)
