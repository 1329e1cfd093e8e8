"""Checks of what the model answers."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from mtf.contracts.report import Check, Verdict
from mtf.plugins import Sample
from mtf_evaluation import numerals
from mtf_evaluation.arguments import NoArgs

AGREE, AGAINST = 0.99, 0.5
"""Share of rows whose label is the top score from which labels and scores fit, and under which they belong to other classes."""
ENOUGH = 30
"""Rows without a single error that are no longer luck."""
NOISE = 1e-9


class ConstantPrediction:
    """A model that answers the same for every row has learned nothing, however good its accuracy looks."""

    name: ClassVar[str] = "constant_prediction"
    version: ClassVar[int] = 1
    Args = NoArgs

    def check(self, sample: Sample) -> Check | None:
        """Fail for one answer in at least two rows."""
        rows, distinct = len(sample.prediction), len(np.unique(sample.prediction))
        if rows < 2:  # noqa: PLR2004 - one row has one answer
            return None
        if distinct == 1:
            return Check(
                name=self.name, verdict="fail", detail=f"the model gives the same answer for all {rows:,} rows", evidence={"distinct": 1}
            )
        detail = f"the model gives {numerals.count(distinct, 'different answer')} in {rows:,} rows"
        return Check(name=self.name, verdict="pass", detail=detail, evidence={"distinct": distinct})


class LabelsFollowScores:
    """Labels that do not follow from the scores: most often the scores stand in the order of other labels."""

    name: ClassVar[str] = "labels_follow_scores"
    version: ClassVar[int] = 1
    Args = NoArgs

    def check(self, sample: Sample) -> Check | None:
        """Binary: one threshold must explain the labels; one that does so for the other class fails. Multiclass: the label is the class with the highest score."""
        if sample.task == "regression" or sample.scores is None or not len(sample.target):
            return None
        share = _explained(sample)
        turned = sample.task == "binary" and share < AGREE <= _explained(replace(sample, scores=sample.scores[:, ::-1]))
        verdict: Verdict = "pass" if share >= AGREE else "fail" if turned or share < AGAINST else "inconclusive"
        how = "one threshold explains" if sample.task == "binary" else "the highest score explains"
        detail = f"{how} the label of {share:.1%} of the rows"
        if verdict != "pass":
            detail += "; check that the scores stand in the order of the labels"
        return Check(name=self.name, verdict=verdict, detail=detail, evidence={"share": round(share, 6)})


class TooGood:
    """Not one error in many rows: the answer has most often leaked into a feature."""

    name: ClassVar[str] = "too_good"
    version: ClassVar[int] = 1
    Args = NoArgs

    def check(self, sample: Sample) -> Check | None:
        """Inconclusive when every row is right, since a check of the answers cannot see the features."""
        rows = len(sample.target)
        if rows < ENOUGH:
            return None
        wrong = int(np.count_nonzero(~_right(sample)))
        if wrong:
            detail = f"{numerals.count(wrong, 'row')} of {rows:,} {'is' if wrong == 1 else 'are'} not predicted exactly"
            return Check(name=self.name, verdict="pass", detail=detail, evidence={"wrong": wrong})
        detail = f"not one of {rows:,} rows is wrong; look for a feature that gives the target away, or test rows that were trained on"
        return Check(name=self.name, verdict="inconclusive", detail=detail, evidence={"wrong": 0})


def _right(sample: Sample) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) rows without an error; for numbers none beyond what rounding leaves."""
    if sample.task != "regression":
        return np.asarray(sample.prediction == sample.target)
    span = float(np.ptp(sample.target)) or 1.0
    return np.asarray(np.abs(sample.prediction - sample.target) <= NOISE * span)


def _explained(sample: Sample) -> float:
    """The largest share of the rows whose label follows from the scores."""
    if sample.scores is None:
        return 0.0
    if sample.task != "binary":
        top = np.take_along_axis(sample.scores, sample.prediction[:, None].astype(np.intp), axis=1)[:, 0]
        return float(np.mean(top >= sample.scores.max(axis=1)))
    score, chosen = sample.scores[:, 1], sample.prediction == 1
    if score.min(where=chosen, initial=np.inf) > score.max(where=~chosen, initial=-np.inf):
        return 1.0  # every row that was called positive scores higher than all others: no need to sort them
    order = np.argsort(score)
    positive = chosen[order]
    below = np.concatenate([[0], np.cumsum(~positive)])
    above = positive.sum() - np.concatenate([[0], np.cumsum(positive)])
    return float((below + above)[_cuts(score[order])].max() / len(order))


def _cuts(score: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n + 1,) places between sorted scores where a threshold can lie: never between equal ones."""
    return np.concatenate([[True], np.diff(score) > 0, [True]])
