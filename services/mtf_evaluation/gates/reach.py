"""Warns of a bound that no model could meet on these rows: even without one error the interval would reach across it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtf.contracts.stages import Term
from mtf.plugins import Sample
from mtf_evaluation import measure, numerals
from mtf_evaluation.catalogue import describe
from mtf_evaluation.gates.demand import Demand, Seen


def warning(term: Term, sample: Sample, *, level: float, seed: int, part: str | None = None) -> str | None:
    """What to tell the user about a gate that these rows can never pass; None where a perfect model would pass it.

    `part` is the slice that the rows are, where the gate itself does not name it.
    """
    direction = describe(term.metric).greater_is_better
    demand = Demand.of(term)
    backwards = term.operator == "not_worse" or demand.upward != direction
    if term.point or direction is None or backwards or not len(sample.target):
        return None
    best = measure.measure(perfect(sample), [term.metric], level=level, seed=seed)[term.metric]
    if best.value is None or best.lower is None or best.upper is None or not best.reliable:
        return None
    if demand.judged(Seen.of(best)) == "pass":
        return None
    shown = numerals.interval(best.value, best.lower, best.upper, against=term.bound)
    rows = numerals.count(len(sample.target), "row") + (f", as {part} has," if part else "")
    return f"no sample of {rows} can pass `{term.expression}`: even without an error it would be {shown}"


def perfect(sample: Sample) -> Sample:
    """The same rows, predicted without an error and with certainty."""
    scores = sample.scores
    if scores is not None:
        scores = np.zeros_like(scores)
        scores[np.arange(len(sample.target)), sample.target] = 1.0
    return replace(sample, prediction=sample.target, scores=scores)
