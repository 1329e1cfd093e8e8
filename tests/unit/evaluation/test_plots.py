"""Data of the plots: what a reference computes, thinned."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as reference

from mtf.contracts.report import Report
from mtf.plugins import Sample
from mtf_evaluation import plots
from mtf_evaluation.page import sections
from mtf_evaluation.plots import confusion, curves, reliability
from tests.unit.evaluation import samples


def test_roc_points_lie_on_the_reference_curve() -> None:
    """Thinned points are points of the full curve, both ends among them, and enclose nearly its area; weights count."""
    for sample in (samples.binary(500, digits=2), samples.weighted(samples.binary(5000), np.random.default_rng(1).random(5000))):
        assert sample.scores is not None
        fpr, tpr, _ = reference.roc_curve(sample.target, sample.scores[:, 1], sample_weight=sample.weight, drop_intermediate=False)
        curve = curves.roc(sample)["curves"][0]
        full = np.column_stack([fpr, tpr])
        for point in zip(curve["x"], curve["y"], strict=True):
            assert np.abs(full - point).sum(axis=1).min() < 1e-4
        assert (curve["x"][0], curve["y"][0], curve["x"][-1], curve["y"][-1]) == (0, 0, 1, 1)
        assert len(curve["x"]) <= curves.POINTS + 1
        assert np.trapezoid(curve["y"], curve["x"]) == pytest.approx(np.trapezoid(tpr, fpr), abs=2e-3)


def test_precision_and_recall_are_the_references() -> None:
    """Every thinned point is a pair of precision and recall that some threshold has."""
    sample = samples.binary(800)
    assert sample.scores is not None
    precision, recall, _ = reference.precision_recall_curve(sample.target, sample.scores[:, 1])
    full = np.column_stack([recall, precision])
    curve = curves.precision_recall(sample)["curves"][0]
    for point in list(zip(curve["x"], curve["y"], strict=True))[1:]:
        assert np.abs(full - point).sum(axis=1).min() < 1e-4
    assert curve["share"] == pytest.approx(float(np.mean(sample.target)), rel=1e-5)


def test_the_confusion_matrix_counts_every_row() -> None:
    """Counts are the reference's; of many classes the rarer ones are one class, and no row is lost."""
    sample = samples.multiclass(300)
    expected = reference.confusion_matrix(sample.target, sample.prediction, labels=range(4))
    assert confusion.confusion(sample) == {"labels": ["a", "b", "c", "d"], "counts": expected.tolist()}
    random = np.random.default_rng(0)
    codes = random.integers(0, 60, (2, 1000)).astype(np.int32)
    merged = confusion.confusion(Sample("multiclass", codes[0], codes[1], labels=tuple(range(60))))
    assert merged["labels"][-1] == "other (41)"
    assert np.sum(merged["counts"]) == 1000


def test_reliability_bins_hold_every_row() -> None:
    """Bins add up to the rows, and each observed share lies in its own interval."""
    found = reliability.reliability(samples.binary(1000))
    assert sum(one["rows"] for one in found["bins"]) == 1000
    assert found["of"] == "yes"
    for one in found["bins"]:
        assert one["lower"] <= one["observed"] <= one["upper"]


@pytest.mark.parametrize(
    "sample",
    [
        samples.binary(1),
        samples.binary(2000),
        replace(samples.binary(50), target=np.zeros(50, dtype=np.int32)),
        replace(samples.binary(50), scores=None),
        replace(samples.binary(50), scores=np.full((50, 2), 0.5)),
        samples.multiclass(30, 10),
        samples.regression(1),
        samples.regression(5000),
        replace(samples.regression(50), prediction=np.full(50, 1e300)),
        replace(samples.regression(50), prediction=np.full(50, -1.5e308), target=np.full(50, 1.5e308)),
        replace(samples.regression(50), target=np.zeros(50), prediction=np.zeros(50)),
        replace(samples.regression(5000), prediction=np.r_[1e9, samples.regression(4999).target]),
    ],
)
def test_any_sample_gives_small_finite_data(sample: Sample) -> None:
    """One row, one class, ties, constants and outliers: plots never fail, never carry NaN, and stay small."""
    data = plots.build(sample)
    head = {"id": "r", "name": "demo", "dataset": "d", "model": "m"}
    fields = {"run": head, "task": sample.task, "rows": {"total": 1, "scored": 1}, "metrics": {}, "plots": data}
    drawn = "".join(figure.svg for figure in sections.figures(Report.model_validate(fields)))
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert len(json.dumps(data, allow_nan=False)) < 60_000
    assert ("roc" in data) == (sample.scores is not None and len(set(sample.target.tolist())) > 1)


def test_outliers_leave_the_axis_and_are_counted() -> None:
    """One absurd prediction does not squeeze the others into a corner; the data says how many rows lie beyond."""
    sample = samples.regression(5000)
    wild = sample.prediction.copy()
    wild[0] = 1e9
    data = plots.build(replace(sample, prediction=wild))
    assert data["residuals"]["outside"] >= 1
    assert data["residuals"]["edges"][-1] < 100
    assert sum(data["residuals"]["counts"]) + data["residuals"]["outside"] == 5000
