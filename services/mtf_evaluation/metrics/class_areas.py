"""Areas under the ROC curves of several classes: one against the rest weighted by rows, and one against one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mtf_evaluation.metrics.areas import MeanArea
from mtf_evaluation.metrics.base import Floats
from mtf_evaluation.metrics.facts import Facts
from mtf_evaluation.metrics.ranking import Ranking


def _shares(facts: Facts) -> Floats:
    """(k,) share of each class in the truth."""
    return np.asarray(facts.matrix.sum(axis=1) / facts.matrix.sum())


class RocAucOvrWeighted(MeanArea):
    """Mean over the classes, weighted by their rows, of the area of one class against the rest."""

    name = "roc_auc_ovr_weighted"
    summary = "Mean over the classes, weighted by the number of true rows, of the ROC AUC of one class against the rest."
    formula = "sum over classes of share of the class * AUC of the class against the rest"
    source = (
        "scikit-learn `roc_auc_score` with multi_class='ovr', average='weighted'; interval: DeLong's influence values on the logit scale"
    )

    def mean(self, facts: Facts) -> tuple[float, Floats]:
        """The shares are estimated too: a row moves them as well as its areas."""
        shares, value, total = _shares(facts), 0.0, np.zeros(facts.sample.target.size)
        of_class = np.zeros(shares.size)
        for code in map(int, np.flatnonzero(facts.truths)):
            ranking = facts.ranking(code)
            total += shares[code] * ranking.spread(ranking.area)
            of_class[code] = ranking.area.value
            value += float(shares[code]) * ranking.area.value
        total += of_class[facts.sample.target] - value
        return value, total


class RocAucOvo(MeanArea):
    """Mean over the pairs of classes of how well the scores tell one from the other."""

    name = "roc_auc_ovo"
    weighted: ClassVar[bool] = False
    summary = "Mean over pairs of classes of the ROC AUC of one class against the other alone, by either class's score (Hand and Till's M)."
    formula = "mean over ordered pairs (i, j) of the AUC of class i against class j by the score of i"
    source = (
        "Hand and Till 2001; scikit-learn `roc_auc_score` with multi_class='ovo'; interval: DeLong's influence values on the logit scale"
    )

    def mean(self, facts: Facts) -> tuple[float, Floats]:
        """Each area is one of the rows of its two classes, which are a share of all rows."""
        shares, value, total = _shares(facts), 0.0, np.zeros(facts.sample.target.size)
        of_class = np.zeros(shares.size)
        present = int(np.count_nonzero(facts.truths))
        for one, other, ranking, rows in _pairs(facts):
            # A class enters 2 (K - 1) ordered pairs, so that the pairs' shares add up to that.
            both = float(shares[one] + shares[other])
            part = both / (2 * (present - 1)) if self.weighted else 1 / (present * (present - 1))
            value += part * ranking.area.value
            total[rows] += part / both * ranking.spread(ranking.area)
            if self.weighted:
                of_class[[one, other]] += ranking.area.value / (2 * (present - 1))
        if self.weighted:
            total += of_class[facts.sample.target] - value
        return value, total


class RocAucOvoWeighted(RocAucOvo):
    """The same, with each pair weighted by its rows."""

    name = "roc_auc_ovo_weighted"
    weighted = True
    summary = "Mean over pairs of classes, weighted by their true rows, of the ROC AUC of one class against the other alone."
    formula = "sum over pairs of share of the pair's rows * mean of its two AUC / sum of the shares"
    source = (
        "Ferri and others 2009; scikit-learn `roc_auc_score` with multi_class='ovo', average='weighted'; "
        "interval: DeLong's influence values on the logit scale"
    )


def _pairs(facts: Facts) -> Iterator[tuple[int, int, Ranking, NDArray[np.intp]]]:
    """Ordered pairs of classes, the ranking of the rows of the two by the score of the first, and where these rows stand.

    They stand in order already, so that nothing is sorted again.
    """
    target = facts.sample.target
    for one in map(int, np.flatnonzero(facts.truths)):
        whole = facts.ranking(one)
        truth = target if whole.order is None else target[whole.order]
        for other in map(int, np.flatnonzero(facts.truths)):
            if other == one:
                continue
            kept = np.flatnonzero(whole.positive | (truth == other))
            part = Ranking(whole.score[kept], whole.positive[kept], None if whole.weight is None else whole.weight[kept])
            yield one, other, part, kept if whole.order is None else whole.order[kept]
