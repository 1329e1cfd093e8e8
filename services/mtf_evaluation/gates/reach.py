"""Warns of a bound that no model could meet on these rows: even without one error the interval would reach across it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mtf.contracts.stages import Term
from mtf.plugins import Sample
from mtf_evaluation import measure, numerals
from mtf_evaluation.catalogue import describe
from mtf_evaluation.gates.judge import of_interval

_UPWARD = (">=", ">")
_DOWNWARD = ("<=", "<")


def warning(term: Term, sample: Sample, *, level: float, seed: int) -> str | None:
    """What to tell the user about a gate that these rows can never pass; None where a perfect model would pass it."""
    direction = describe(term.metric).greater_is_better
    towards = _UPWARD if direction else _DOWNWARD
    if term.point or direction is None or term.operator not in towards or not len(sample.target):
        return None
    best = measure.measure(perfect(sample), [term.metric], level=level, seed=seed)[term.metric]
    if best.value is None or best.lower is None or best.upper is None or not best.reliable:
        return None
    if of_interval(term.operator, term.bound, best.lower, best.upper) == "pass":
        return None
    shown = numerals.interval(best.value, best.lower, best.upper, against=term.bound)
    return (
        f"no sample of {numerals.count(len(sample.target), 'row')} can pass `{term.expression}`: even without an error it would be {shown}"
    )


def perfect(sample: Sample) -> Sample:
    """The same rows, predicted without an error and with certainty."""
    scores = sample.scores
    if scores is not None:
        scores = np.zeros_like(scores)
        scores[np.arange(len(sample.target)), sample.target] = 1.0
    return replace(sample, prediction=sample.target, scores=scores)
