"""Compare two models on the same rows: paired differences, with p-values that know how many questions were asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from mtf.contracts.report import Comparison, MetricValue
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.metrics.one_vs_rest import OneVsRest
from mtf_evaluation.pairing import Pair, paired
from mtf_evaluation.sentences import sentence
from mtf_evaluation.statistics.multiplicity import benjamini_hochberg, holm


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
    chosen = measure.find(metrics, a.task, a.labels)
    for sample in (a, b):
        measure.check(sample)
    _same_rows(a, b)
    pair = Pair(measure.prepared(a, seed), measure.prepared(b, seed), level)
    with np.errstate(all="ignore"):  # as in `measure`: what is not finite ends as undefined
        found = [_compared(name, plugin, pair, baseline, name in gated) for name, plugin in chosen.items()]
    return adjusted(found)


def adjusted(found: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with p-values corrected within each family: Holm over the gates', Benjamini and Hochberg over the others."""
    result = list(found)
    for family, correct in (("gates", holm), ("exploratory", benjamini_hochberg)):
        tested = [(place, one.p_value) for place, one in enumerate(result) if one.family == family and one.p_value is not None]
        corrected = correct([p for _, p in tested])
        for (place, _), p in zip(tested, corrected, strict=True):
            result[place] = result[place].model_copy(update={"p_adjusted": p})
    return result


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
    return one is other if one is None or other is None else bool(np.array_equal(one, other))


def _compared(name: str, plugin: Any, pair: Pair, baseline: str, gated: bool) -> Comparison:
    ours, theirs = (_value(plugin, sample, pair.level) for sample in (pair.a, pair.b))
    one = Comparison(
        baseline=baseline,
        metric=name,
        value=ours.value,
        baseline_value=theirs.value,
        difference=None,
        n=int(pair.a.target.size),
        family="gates" if gated else "exploratory",
    )
    note: str | None = None
    if ours.value is None or theirs.value is None:
        whose = "this run" if ours.value is None else "the baseline"
        update: dict[str, Any] = {"reliable": False, "undefined": f"undefined for {whose}: {ours.undefined or theirs.undefined}"}
    else:
        difference = ours.value - theirs.value
        found, doubt = paired(plugin, pair, difference)
        note = found.note
        update = {
            "difference": difference,
            "lower": found.interval.lower,
            "upper": found.interval.upper,
            "level": pair.level if found.interval.known else None,
            "p_value": found.p_value,
            "interval_method": found.interval.method,
            "test_method": found.test,
            "reliable": found.interval.known and doubt is None,
            "reason": doubt or found.interval.reason,
        }
    one = one.model_copy(update=update)
    return one.model_copy(update={"sentence": sentence(one, note)})


def _value(plugin: Any, sample: Sample, level: float) -> MetricValue:
    """The value alone where that is cheaper than its interval; what is undefined is left to the metric to explain."""
    n = int(sample.target.size)
    ready = n > 0 and (sample.scores is not None or not getattr(plugin, "needs_scores", False))
    if ready and hasattr(plugin.inner if isinstance(plugin, OneVsRest) else plugin, "influence"):
        value = float(plugin.influence(sample)[0])
        if np.isfinite(value):
            return MetricValue(value=value, n=n)
    return measure.measure_one(plugin, sample, level)
