"""Gates that look at several slices, and gates against a baseline."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from benchmarks.gates_study import designs
from benchmarks.gates_study.cells import Cell, towards
from benchmarks.gates_study.designs import Rows
from benchmarks.gates_study.worlds import World, confusion, labelled, numbers
from scipy import special, stats

from mtf.contracts.report import Gate, MetricValue
from mtf.plugins import Sample
from mtf_evaluation import compare, measure
from mtf_evaluation.catalogue import describe
from mtf_evaluation.gates import judge, worst
from mtf_evaluation.gates.grammar import parse
from mtf_evaluation.gates.settle import Basis


def across(worlds: list[World], n: int, note: str) -> Cell:
    """The worst of several slices of n rows each; the bound is the truth of the first."""
    metric = worlds[0].metric
    term = parse(f"{towards(metric, worlds[0].truth).expression} in worst slice of s")

    def part(index: int, world: World, random: np.random.Generator) -> worst.Part:
        sample = world.sample(designs.draw("rows", n, 2, random))

        def at(level: float) -> MetricValue:
            return measure.measure(sample, [metric], level=level)[metric]

        return worst.Part(f"s={index}", {"s": index}, Basis(n, n), at)

    def once(random: np.random.Generator) -> Gate:
        return worst.gate(term, [part(index, world, random) for index, world in enumerate(worlds)], 0.95)

    return Cell("slices", (metric, f"{len(worlds)}", note, f"{n:,}"), once)


def slices() -> list[Cell]:
    """All slices on the bound, and one on the bound among slices far better."""
    poor, good = confusion("accuracy", 0.5, 0.85, 0.85), confusion("accuracy", 0.5, 0.99, 0.99)
    f1, best = confusion("f1", 0.3, 0.85, 0.9), confusion("f1", 0.3, 0.99, 0.99)
    cells = []
    for k in (2, 5, 20):
        for n in (100, 500):
            cells += [across([poor] * k, n, "all on the bound"), across([poor, *[good] * (k - 1)], n, "one on the bound")]
    cells += [across([f1] * 5, 500, "all on the bound"), across([f1, *[best] * 4], 500, "one on the bound")]
    return [*cells, across([numbers("mae")] * 5, 100, "all on the bound"), across([numbers("mae")] * 20, 100, "all on the bound")]


@dataclass(frozen=True)
class Twins:
    """Two models on the same rows, from (n, 3) uniforms, and by how much the first is truly worse."""

    metric: str
    margin: float
    samples: Callable[[Rows], tuple[Sample, Sample]]


def hits(margin: float) -> Twins:
    """Accuracy 0.86 without the margin against 0.86; 4 rows of 100 are right for the first model alone."""
    only_a, only_b = 0.04, 0.04 + margin

    def samples(rows: Rows) -> tuple[Sample, Sample]:
        target, u = rows.uniforms[:, 0] < 0.5, rows.uniforms[:, 1]
        a = (u < 0.86) & (u >= only_b) | (u >= 0.86) & (u < 0.86 + only_a)
        return labelled(rows, target, target == a), labelled(rows, target, target == (u < 0.86))

    return Twins("accuracy", margin, samples)


def rankings(ours: float, theirs: float) -> Twins:
    """Areas under the ROC curve of two binormal scores that correlate by 0.5."""
    margin = float(special.ndtr(theirs / math.sqrt(2)) - special.ndtr(ours / math.sqrt(2)))

    def samples(rows: Rows) -> tuple[Sample, Sample]:
        target = rows.uniforms[:, 0] < 0.3
        first, second = special.ndtri(rows.uniforms[:, 1]), special.ndtri(rows.uniforms[:, 2])
        scores = (special.expit(first + ours * target), special.expit(0.5 * first + math.sqrt(0.75) * second + theirs * target))
        one, two = (labelled(rows, target, score > 0.5, score) for score in scores)
        return one, two

    return Twins("roc_auc", margin, samples)


def probabilities(noise: float) -> Twins:
    """The true probability against one whose logit is off by normal noise; the margin is the divergence between them."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    p = special.betaincinv(1.0, 2.0, (np.arange(20_000) + 0.5) / 20_000)
    q = special.expit(special.logit(p)[:, None] + noise * nodes)
    margin = float((special.rel_entr(p[:, None], q) + special.rel_entr(1 - p[:, None], 1 - q)).mean(axis=0) @ weights / weights.sum())

    def samples(rows: Rows) -> tuple[Sample, Sample]:
        true = np.clip(special.betaincinv(1.0, 2.0, rows.uniforms[:, 0]), 1e-9, 1 - 1e-9)
        target = rows.uniforms[:, 1] < true
        off = np.clip(special.expit(special.logit(true) + noise * special.ndtri(rows.uniforms[:, 2])), 1e-12, 1 - 1e-12)
        return labelled(rows, target, off > 0.5, off), labelled(rows, target, true > 0.5, true)

    return Twins("log_loss", margin, samples)


def errors(ours: float) -> Twins:
    """Mean absolute errors of normal errors that correlate by 0.5, of scale `ours` against 1."""

    def samples(rows: Rows) -> tuple[Sample, Sample]:
        truth = 50 + 10 * special.ndtri(rows.uniforms[:, 0])
        first, second = special.ndtri(rows.uniforms[:, 1]), special.ndtri(rows.uniforms[:, 2])
        apart = 0.5 * first + math.sqrt(0.75) * second
        one, two = (Sample("regression", truth, truth + e, weight=rows.weight, group=rows.group) for e in (ours * first, apart))
        return one, two

    return Twins("mae", (ours - 1) * math.sqrt(2 / math.pi), samples)


def decisions(metric: str, drop: float) -> Twins:
    """Labels of two models, the first with a sensitivity lower by `drop`; they are right on mostly the same rows."""
    sensitivity, alarm, prevalence = 0.85, 0.1, 0.3

    def f1(share: float) -> float:
        tp, fp = prevalence * share, (1 - prevalence) * alarm
        return 2 * tp / (tp + prevalence + fp)

    def samples(rows: Rows) -> tuple[Sample, Sample]:
        target = rows.uniforms[:, 0] < prevalence
        first, second = special.ndtri(rows.uniforms[:, 1]), special.ndtri(rows.uniforms[:, 2])
        other = stats.norm.cdf(0.8 * first + 0.6 * second)
        one = labelled(rows, target, rows.uniforms[:, 1] < np.where(target, sensitivity - drop, alarm))
        return one, labelled(rows, target, other < np.where(target, sensitivity, alarm))

    return Twins(metric, drop if metric == "recall" else f1(sensitivity) - f1(sensitivity - drop), samples)


def against(twins: Twins, design: str, n: int) -> Cell:
    """`not worse than baseline by` exactly what the model is worse."""
    term = parse(f"{twins.metric} not worse than baseline by {twins.margin!r}")
    better = bool(describe(twins.metric).greater_is_better)

    def once(random: np.random.Generator) -> Gate:
        one, two = twins.samples(designs.draw(design, n, 3, random))
        [found] = compare.compare(one, two, [twins.metric], baseline="baseline", gated=[twins.metric])
        return judge.comparison(term, found, twins.metric, greater_is_better=better)

    return Cell("baseline", (twins.metric, f"{twins.margin:.4f}", design, f"{n:,}"), once)


def baselines() -> list[Cell]:
    """Margins of 0 and above, for each kind of paired interval, on independent rows, with weights and in groups."""
    twins = [hits(0.0), hits(0.02), rankings(1.8, 1.8), rankings(1.7, 1.9), probabilities(0.5), errors(1.0), errors(1.1)]
    twins += [decisions("f1", 0.05), decisions("recall", 0.05)]
    cells = [against(pair, "rows", n) for pair in twins for n in (300, 1000, 3000)]
    some = [hits(0.02), rankings(1.7, 1.9), probabilities(0.5), errors(1.1), decisions("f1", 0.05)]
    return cells + [against(pair, design, 2000) for pair in some for design in ("weights", "groups")]
