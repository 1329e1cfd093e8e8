"""Compare models on the same rows, or on others where that is asked for, with p-values that know how many questions were asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtf.contracts.registry import OverallTest, Standings
from mtf.contracts.report import Comparison
from mtf.errors import DataError
from mtf.plugins import Sample
from mtf_evaluation import measure
from mtf_evaluation.overall import overall, standings
from mtf_evaluation.pairing import paired as paired_test
from mtf_evaluation.pairing import unpaired as unpaired_test
from mtf_evaluation.sentences import sentence
from mtf_evaluation.side import Side
from mtf_evaluation.statistics.influence import NOISE
from mtf_evaluation.statistics.multiplicity import benjamini_hochberg, holm

Family = Literal["gates", "confirmatory", "exploratory"]
CORRECTIONS = {"gates": ("holm", holm), "confirmatory": ("holm", holm), "exploratory": ("benjamini-hochberg", benjamini_hochberg)}
"""Holm where an answer decides something, Benjamini and Hochberg where one only looks."""


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
    same_rows(a, b)
    ready = measure.prepared(a, seed), measure.prepared(b, seed)
    found = []
    with np.errstate(all="ignore"):  # as in `measure`: what is not finite ends as undefined
        for name, plugin in chosen.items():
            ours, theirs = (Side(plugin, sample, level) for sample in ready)
            family: Family = "gates" if name in gated else "exploratory"
            found.append(_compared(name, ours, theirs, family=family, run="", baseline=baseline, paired=True))
    return adjusted(found)


@dataclass(frozen=True)
class Compared:
    """Many runs against each other."""

    comparisons: list[Comparison]
    overall: list[OverallTest]
    standings: list[Standings]
    family: str
    """Which tests were corrected together, in words."""


def compare_many(
    samples: Sequence[Sample],
    labels: Sequence[str],
    metrics: Sequence[str] | None,
    *,
    against: int | None = None,
    paired: bool = True,
    confirmatory: bool = False,
    level: float = 0.95,
    seed: int = 0,
) -> Compared:
    """Every two of k runs, or each against one of them, metric by metric, and all of them at once.

    Args:
        samples: k samples of one task; paired, of the same rows in the same order.
        labels: What they are called, k different texts.
        metrics: Names, or None for the default set of the task.
        against: Position of the run that the others are compared with; None compares every two, the earlier minus the later.
        paired: Row by row; False takes the samples for independent.
        confirmatory: Whether the metrics were chosen before the results were seen: Holm's correction over all pairs and metrics,
            which keeps the chance of even one false difference below 1 - level. Else Benjamini and Hochberg's over the same tests.
        level: Confidence level.
        seed: Kept for symmetry with `measure`; the tests draw nothing.

    Raises:
        DataError: Paired samples that are not about the same rows, or samples of different tasks or labels.
        SpecError: A metric that does not exist or does not serve the task.
    """
    first = samples[0]
    chosen = measure.find(metrics, first.task, first.labels)
    for position, sample in enumerate(samples):
        measure.check(sample)
        (same_rows if paired else same_labels)(first, sample, whose=labels[position], field="runs")
    ready = [measure.prepared(sample, seed) for sample in samples]
    pairs = list(combinations(range(len(samples)), 2)) if against is None else [(i, against) for i in range(len(samples)) if i != against]
    family: Family = "confirmatory" if confirmatory else "exploratory"
    found, tests, sides = [], [], {}
    with np.errstate(all="ignore"):  # as in `measure`
        for name, plugin in chosen.items():
            sides[name] = many = [Side(plugin, sample, level) for sample in ready]
            for i, j in pairs:
                found.append(_compared(name, many[i], many[j], family=family, run=labels[i], baseline=labels[j], paired=paired))
            if len(many) > 2:  # noqa: PLR2004 - for two it is the test of their difference
                tests.append(overall(name, many, paired=paired))
            for side in many:
                side.forget()
    done = adjusted(found)
    ranks = [standings(name, many, labels, done, level=level) for name, many in sides.items()] if against is None else []
    return Compared(done, _corrected(tests, family), ranks, _family(done, len(pairs), len(chosen), family))


def adjusted(found: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with p-values corrected within each family, and with the sentence that says so."""
    result = list(found)
    for family, (name, correct) in CORRECTIONS.items():
        tested = [(place, one.p_value) for place, one in enumerate(result) if one.family == family and one.p_value is not None]
        corrected = correct([p for _, p in tested])
        for (place, _), p in zip(tested, corrected, strict=True):
            one = result[place].model_copy(update={"p_adjusted": p, "correction": name, "tests": len(tested)})
            result[place] = one.model_copy(update={"sentence": sentence(one)})
    return result


def _corrected(tests: Sequence[OverallTest], family: Family) -> list[OverallTest]:
    result = list(tests)
    tested = [(place, one.p_value) for place, one in enumerate(result) if one.p_value is not None]
    for (place, _), p in zip(tested, CORRECTIONS[family][1]([p for _, p in tested]), strict=True):
        result[place] = result[place].model_copy(update={"p_adjusted": p})
    return result


def _family(found: Sequence[Comparison], pairs: int, metrics: int, family: Family) -> str:
    tests = max((one.tests for one in found), default=0)
    many = f"{tests} tests ({pairs} {'pair' if pairs == 1 else 'pairs'} of runs, {metrics} {'metric' if metrics == 1 else 'metrics'})"
    if tests < 2:  # noqa: PLR2004 - one test needs no correction
        return "one test, nothing to correct" if tests else "no test"
    if family == "confirmatory":
        return f"Holm over {many}: all differences called significant hold together at the level"
    return f"Benjamini-Hochberg over {many}: exploratory; name the metrics that decide to have Holm's stricter correction over them alone"


def same_labels(a: Sample, b: Sample, *, whose: str = "the baseline", field: str = "baseline") -> None:
    """Raise DataError for samples of different tasks or labels, which no test can compare."""
    if a.task != b.task:
        raise DataError(f"{whose} is of a {b.task} task, the first of a {a.task} task", field=field, fix="compare runs of one task")
    if tuple(a.labels) != tuple(b.labels):
        raise DataError(f"{whose} has other labels", field=field, found=list(b.labels), fix=f"labels of the first: {list(a.labels)}")


def same_rows(a: Sample, b: Sample, *, whose: str = "the baseline", field: str = "baseline") -> None:
    """Raise DataError for samples that are not about the same rows, as far as truth, weights and groups can tell."""
    same_labels(a, b, whose=whose, field=field)
    fix = "compare runs on the same rows in the same order, or unpaired (`paired=False`)"
    if a.target.size != b.target.size:
        raise DataError(f"{whose} has {b.target.size:,} rows, the first {a.target.size:,} rows", field=field, fix=fix)
    if not np.array_equal(a.target, b.target):
        wrong = int(np.count_nonzero(a.target != b.target))
        raise DataError(f"the truth differs in {wrong:,} of {a.target.size:,} rows between the first and {whose}", field=field, fix=fix)
    if not _equal(a.weight, b.weight) or not _same_groups(a.group, b.group):
        raise DataError(f"{whose} has other weights or groups", field=field, fix=fix)


def _equal(one: Any, other: Any) -> bool:
    return one is other if one is None or other is None else bool(np.array_equal(one, other))


def _same_groups(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    """Whether the groups hold the same rows, whatever their codes."""
    if _equal(one, other) or one is None or other is None:
        return _equal(one, other)
    (first, ours), (second, theirs) = np.unique(one, return_inverse=True), np.unique(other, return_inverse=True)
    return first.size == second.size == np.unique(ours * np.int64(second.size) + theirs).size


def _compared(metric: str, ours: Side, theirs: Side, *, family: Family, run: str, baseline: str, paired: bool) -> Comparison:
    one = Comparison(
        run=run,
        baseline=baseline,
        metric=metric,
        value=ours.value.value,
        baseline_value=theirs.value.value,
        difference=None,
        n=ours.rows,
        n_baseline=None if paired else theirs.rows,
        family=family,
        paired=paired,
    )
    one = one.model_copy(update=_difference(ours, theirs, run or "this run", baseline if run else "the baseline", paired=paired))
    return one.model_copy(update={"sentence": sentence(one)})


def _difference(ours: Side, theirs: Side, run: str, baseline: str, *, paired: bool) -> dict[str, Any]:
    a, b = ours.value, theirs.value
    if a.value is None or b.value is None:
        whose, why = (run, a.undefined) if a.value is None else (baseline, b.undefined)
        return {"reliable": False, "undefined": f"undefined for {whose}: {why}"}
    difference = a.value - b.value
    if abs(difference) <= NOISE * max(abs(a.value), abs(b.value)):
        difference = 0.0  # what rounding left of two equal values
    found, doubt = (paired_test if paired else unpaired_test)(ours, theirs, difference)
    return {
        "difference": difference,
        "lower": found.interval.lower,
        "upper": found.interval.upper,
        "level": ours.level if found.interval.known else None,
        "p_value": found.p_value,
        "interval_method": found.interval.method,
        "test_method": found.test,
        "reliable": found.interval.known and doubt is None,
        "reason": doubt or found.interval.reason,
        "discordant": found.discordant,
        "mid_p": found.mid_p,
        "minimum_detectable": found.reach.minimum_detectable,
        "rows_needed": found.reach.rows_needed,
        "rows_for_power": found.reach.rows_for_power,
    }
