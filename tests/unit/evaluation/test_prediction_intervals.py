"""A model's own prediction intervals: from arrays and from files into coverage, width and score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.stats.proportion import proportion_confint

import mtf
from mtf.errors import DataError
from mtf_evaluation import measure, scored
from tests.unit.evaluation import samples

NAMES = ["interval_coverage", "interval_width", "interval_score(nominal=0.8)"]


def _rows(n: int = 200) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(1)
    y = random.normal(50, 10, n)
    p = y + random.normal(size=n)
    half = random.uniform(0.5, 2, n)
    return y, p, np.stack([p - half, p + half], axis=1)


def test_values_are_the_definitions() -> None:
    """Coverage is a share with Wilson's interval, the score is Winkler's, width is a mean; slices have their own rows."""
    y, p, limits = _rows()
    report = mtf.evaluate(y, y_pred=p, y_interval=limits, metrics=NAMES, slices={"half": np.arange(200) % 2})
    lower, upper = limits.T
    inside = (lower <= y) & (y <= upper)
    found = report.metrics["interval_coverage"]
    assert found.value == pytest.approx(inside.mean())
    assert (found.lower, found.upper) == pytest.approx(proportion_confint(inside.sum(), 200, method="wilson"))
    score = (upper - lower) + 10 * np.where(y < lower, lower - y, 0) + 10 * np.where(y > upper, y - upper, 0)
    assert report.metrics["interval_score(nominal=0.8)"].value == pytest.approx(score.mean())
    assert report.metrics["interval_width"].value == pytest.approx((upper - lower).mean())
    assert report.slices[0].metrics["interval_coverage"].value == pytest.approx(inside[::2].mean())


def test_two_models_are_compared() -> None:
    """The difference of two coverages is that of the shares, and its test is one of the rows that one interval alone holds."""
    y, p, limits = _rows()
    one, other = (mtf.evaluate(y, y_pred=p, y_interval=part, metrics=NAMES) for part in (limits, limits + np.array([0.4, -0.4])))
    found = {each.metric: each for each in mtf.compare(one, other).comparisons}
    assert found["interval_coverage"].difference == pytest.approx(
        (one.metrics["interval_coverage"].value or 0) - (other.metrics["interval_coverage"].value or 0)
    )
    assert found["interval_coverage"].lower is not None
    assert found["interval_coverage"].p_value is not None


def test_without_intervals_the_metrics_are_null() -> None:
    """A model that gives no intervals has no coverage, and the reason names the columns."""
    for value in measure.measure(replace(samples.regression(50), interval=None), NAMES).values():
        assert value.value is None
        assert "`lower` and `upper`" in (value.undefined or "")


def test_limits_are_read_from_a_scored_file(tmp_path: Path) -> None:
    """The columns `lower` and `upper` of a scored file are the sample's intervals."""
    y, p, limits = _rows(20)
    columns = {"row_id": pa.array(range(20)), "target": y, "prediction": p, "lower": limits[:, 0], "upper": limits[:, 1]}
    pq.write_table(pa.table(columns), tmp_path / "scored.parquet")
    found = scored.read(tmp_path / "scored.parquet", task="regression", labels=None).sample
    assert found.interval is not None
    assert np.array_equal(found.interval, limits)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (np.ones((200, 3)), "two columns"),
        (np.ones(200), "two columns"),
        (np.tile([2.0, 1.0], (200, 1)), "above the upper"),
        (np.full((200, 2), np.nan), "missing or infinite"),
        (np.ones((7, 2)), "7 rows"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: Any, words: str) -> None:
    """The error names `y_interval` and what is wrong with it."""
    y, p, _ = _rows()
    with pytest.raises(DataError, match=words) as caught:
        mtf.evaluate(y, y_pred=p, y_interval=limits)
    assert caught.value.field == "y_interval"


def test_classes_have_no_prediction_intervals() -> None:
    """Limits for a classification are an error instead of being ignored."""
    with pytest.raises(DataError, match="belong to a regression"):
        mtf.evaluate([0, 1, 0, 1], y_pred=[0, 1, 1, 1], y_interval=np.ones((4, 2)))
