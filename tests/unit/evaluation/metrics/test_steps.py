"""The areas read from the positives' places are those read from every row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from mtf_evaluation.metrics.ranking import Ranking
from mtf_evaluation.metrics.steps import area, average_precision, steps


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60), st.booleans())
def test_steps_are_the_ranking(rows: list[tuple[int, bool]], apart: bool) -> None:
    """Both areas, both errors and every count agree with the ranking of all rows, with ties and without."""
    positive = np.array([right for _, right in rows])
    score = np.array([float(place) for place, _ in rows])
    if apart:
        score += np.arange(len(rows)) / 1000
    if positive.all() or not positive.any():
        return
    ranking = Ranking(score, positive, None)
    found = steps(ranking)
    assert found.between.min() >= 0
    assert found.between.sum() + found.tied.sum() == found.negatives == np.count_nonzero(~positive)
    assert found.own.sum() == found.positives == np.count_nonzero(positive)
    expected = ranking.area.value, ranking.error(ranking.area, by_class=True)
    assert area(found) == pytest.approx(expected, rel=1e-12, abs=1e-14, nan_ok=True)
    expected = ranking.precision.value, ranking.error(ranking.precision, by_class=False)
    assert average_precision(found) == pytest.approx(expected, rel=1e-12, abs=1e-14, nan_ok=True)


@pytest.mark.parametrize("digits", [1, 3, 15])
def test_steps_are_scikit_learns(digits: int) -> None:
    """Values of rounded and of distinct scores."""
    random = np.random.default_rng(digits)
    positive = random.random(3000) < 0.2
    score = np.round(random.normal(size=3000) + positive, digits)
    found = steps(Ranking(score, positive, None))
    assert area(found)[0] == pytest.approx(roc_auc_score(positive, score), rel=1e-12)
    assert average_precision(found)[0] == pytest.approx(average_precision_score(positive, score), rel=1e-12)
