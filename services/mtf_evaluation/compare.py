"""Compare two models on the same rows: paired differences, with p-values that know how many questions were asked."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtf.contracts.report import Comparison
from mtf.errors import DataError
from mtf.plugins import RankMetric, RowMetric, Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.adapter import influence_of
from mtf_evaluation.metrics.areas import AveragePrecision, RocAuc, RocAucOvr
from mtf_evaluation.metrics.base import Floats, Metric
from mtf_evaluation.metrics.facts import facts_of
from mtf_evaluation.metrics.proportions import Proportion
from mtf_evaluation.metrics.rows import small_or_skewed
from mtf_evaluation.sentences import sentence
from mtf_evaluation.statistics.area import delong_error
from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.interval import no_interval
from mtf_evaluation.statistics.multiplicity import benjamini_hochberg, holm
from mtf_evaluation.statistics.paired import Paired, paired_normal, tango

FEWEST = 30
"""Rows of the rarest class (classification) from which paired influence values are trusted."""


@dataclass(frozen=True)
class _Pair:
    a: Sample
    b: Sample
    level: float


def compare(
    a: Sample,
    b: Sample,
    metrics: Sequence[str] | None,
    *,
    level: float = 0.95,
    seed: int = 0,
    baseline: str,
    gated: Collection[str] = (),
) -> list[Comparison]:
    """Paired differences, a minus b, metric by metric.

    Args:
        a: The run.
        b: The baseline, on the same rows in the same order.
        metrics: Names, or None for the default set of the task.
        level: Confidence level.
        seed: Kept for symmetry with `measure`; the paired methods draw nothing.
        baseline: What the baseline is called.
        gated: Metrics that gates name: Holm's correction over them, Benjamini and Hochberg's over the others.

    Raises:
        DataError: The samples are not about the same rows.
        SpecError: A metric that does not exist or does not serve the task.
    """
    chosen = measure.find(metrics, a.task)
    for sample in (a, b):
        measure.check(sample)
    _same_rows(a, b)
    pair = _Pair(measure.prepared(a, seed), measure.prepared(b, seed), level)
    with np.errstate(all="ignore"):
        found = [_compared(name, plugin, pair, baseline, name in gated) for name, plugin in chosen.items()]
    return [one.model_copy(update={"sentence": sentence(one)}) for one in _adjusted(found)]


def _same_rows(a: Sample, b: Sample) -> None:
    if a.task != b.task or a.target.size != b.target.size:
        raise DataError(
            f"the baseline has {b.target.size} rows of a {b.task} task, this run {a.target.size} of a {a.task} task",
            field="baseline",
            fix="compare runs on the same rows",
        )
    if tuple(a.labels) != tuple(b.labels):
        raise DataError(
            "the baseline has other labels", field="baseline", found=list(b.labels), fix=f"labels of this run: {list(a.labels)}"
        )
    if not np.array_equal(a.target, b.target):
        wrong = int(np.count_nonzero(a.target != b.target))
        raise DataError(f"the truth differs in {wrong} rows", field="baseline", fix="compare runs on the same rows in the same order")
    if not _equal(a.weight, b.weight) or not _equal(a.group, b.group):
        raise DataError("the baseline has other weights or groups", field="baseline", fix="compare runs on the same rows")


def _equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(one, other))


def _compared(name: str, plugin: Any, pair: _Pair, baseline: str, gated: bool) -> Comparison:
    values = [measure.measure_one(plugin, sample, pair.level) for sample in (pair.a, pair.b)]
    head = Comparison(
        baseline=baseline,
        metric=name,
        value=values[0].value,
        baseline_value=values[1].value,
        difference=None,
        n=values[0].n,
        family="gates" if gated else "exploratory",
    )
    if values[0].value is None or values[1].value is None:
        whose = "this run" if values[0].value is None else "the baseline"
        reason = values[0].undefined or values[1].undefined
        return head.model_copy(update={"reliable": False, "undefined": f"undefined for {whose}: {reason}"})
    difference = values[0].value - values[1].value
    paired = _test(plugin, pair, difference)
    reason = paired.interval.reason or (paired.note if not _trusted(paired) else None) or _doubt(plugin, pair)
    return head.model_copy(
        update={
            "difference": difference,
            "lower": paired.interval.lower,
            "upper": paired.interval.upper,
            "level": pair.level if paired.interval.known else None,
            "p_value": paired.p_value,
            "interval_method": paired.interval.method,
            "test_method": paired.test,
            "reliable": reason is None,
            "reason": reason,
        }
    )


def _trusted(paired: Paired) -> bool:
    return paired.test != "none"


def _test(plugin: Any, pair: _Pair, difference: float) -> Paired:
    """The paired method that fits the metric."""
    design = facts_of(pair.a).design
    if isinstance(plugin, Proportion) and plugin.base_is_truth and design.simple:
        in_base = plugin.in_base(pair.a)
        hit_a, hit_b = plugin.hits(pair.a) & in_base, plugin.hits(pair.b) & in_base
        return tango(
            int(np.count_nonzero(hit_a & ~hit_b)), int(np.count_nonzero(hit_b & ~hit_a)), int(np.count_nonzero(in_base)), pair.level
        )
    if not (hasattr(plugin, "influence") or isinstance(plugin, RowMetric | RankMetric)):
        return Paired(no_interval("this metric has no paired test"), 1.0 if _identical(pair) else None, "none")
    influence = _influence(plugin, pair.a) - _influence(plugin, pair.b)
    delong = isinstance(plugin, RocAuc) and design.simple
    error = delong_error(influence, pair.a.target == 1) if delong else design.standard_error(influence)
    size = float(np.abs(influence).max(initial=0.0))
    if not math.isnan(error) and (size <= NOISE * _size(plugin, pair) or error <= NOISE * abs(difference)):
        return _no_variance(difference)
    student = not isinstance(plugin, RocAuc | AveragePrecision | RocAucOvr)
    method = "delong-paired" if delong else ("influence-paired" if design.simple else "sandwich-paired")
    return paired_normal(difference, error, design, pair.level, method, student=student)


def _influence(plugin: Any, sample: Sample) -> Floats:
    if isinstance(plugin, Metric):
        return np.asarray(plugin.influence(sample)[1])  # type: ignore[attr-defined]  # the caller looked for the method
    return influence_of(plugin, sample)[1]


def _size(plugin: Any, pair: _Pair) -> float:
    """How large one model's own influence values are: what rounding is measured against."""
    return float(np.abs(_influence(plugin, pair.a)).max(initial=0.0))


def _no_variance(difference: float) -> Paired:
    if difference == 0:
        return Paired(no_interval("both models give the same on every row, as far as this metric sees"), 1.0, "identical")
    return Paired(no_interval("the difference is the same on every row, so nothing tells how much it would vary"), None, "none")


def _identical(pair: _Pair) -> bool:
    same_scores = _equal(pair.a.scores, pair.b.scores)
    return same_scores and bool(np.array_equal(pair.a.prediction, pair.b.prediction))


def _doubt(plugin: Any, pair: _Pair) -> str | None:
    """Why the paired method should not be trusted here, or None."""
    facts = facts_of(pair.a)
    if pair.a.task == "regression":
        influence = _influence(plugin, pair.a) - _influence(plugin, pair.b)
        return small_or_skewed(influence, facts)
    if isinstance(plugin, Proportion) and plugin.base_is_truth and facts.design.simple:
        return None
    if facts.rarer < FEWEST:
        return f"the rarest class has {facts.rarer:.3g} effective rows; the paired interval is known to hold from {FEWEST}"
    return None


def _adjusted(found: Sequence[Comparison]) -> list[Comparison]:
    """p-values corrected within each family."""
    result = list(found)
    for family, correct in (("gates", holm), ("exploratory", benjamini_hochberg)):
        places = [i for i, one in enumerate(result) if one.family == family and one.p_value is not None]
        adjusted = correct([p for i in places if (p := result[i].p_value) is not None])
        for place, p in zip(places, adjusted, strict=True):
            result[place] = result[place].model_copy(update={"p_adjusted": p})
    return result
