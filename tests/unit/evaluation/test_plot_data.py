"""Reliability, classes, residual quantiles and errors by column, against references."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn import metrics as reference
from sklearn.isotonic import IsotonicRegression

from mtf.plugins import Sample
from mtf_evaluation.plots import build, confusion, errors, regression, reliability
from tests.unit.evaluation import samples, scored_files


def test_the_reliability_curve_is_isotonic_regression() -> None:
    """Up to 512 distinct scores the curve is the reference's to six digits, with weights too."""
    sample = samples.binary(450)
    assert sample.scores is not None
    for one in (sample, samples.weighted(sample, np.random.default_rng(0).random(450) + 0.2)):
        found = reliability.reliability(one)["curve"]
        expected = IsotonicRegression(out_of_bounds="clip").fit(sample.scores[:, 1], sample.target, sample_weight=one.weight)
        nearest = np.abs(sample.scores[:, 1][None, :] - np.array(found["x"])[:, None]).argmin(axis=1)
        assert found["y"] == pytest.approx(expected.predict(sample.scores[nearest, 1]), abs=2e-6)


def _calibrated(n: int, seed: int) -> Sample:
    random = np.random.default_rng(seed)
    score = random.beta(2, 3, n)
    target = (random.random(n) < score).astype(np.int32)
    return Sample("binary", target, (score >= 0.5).astype(np.int32), np.stack([1 - score, score], axis=1), ("no", "yes"))


def test_right_scores_stay_inside_the_band() -> None:
    """If scores are right, the curve lies in the band at 95 % of the scores on average; scores that are pulled apart leave it."""
    inside = [_inside(_calibrated(2000, seed)) for seed in range(40)]
    assert 0.91 <= np.mean(inside) <= 0.98
    sample = _calibrated(2000, 1)
    assert sample.scores is not None
    wild = np.clip((sample.scores - 0.5) * 1.8 + 0.5, 0.0, 1.0)
    assert _inside(replace(sample, scores=wild)) < 0.5


def _inside(sample: Sample) -> float:
    found = reliability.reliability(sample)
    band, curve = found["band"], found["curve"]
    seen = np.interp(band["x"], curve["x"], curve["y"])
    return float(np.mean((np.array(band["lower"]) - 1e-9 <= seen) & (seen <= np.array(band["upper"]) + 1e-9)))


def test_scores_that_are_no_probabilities_have_no_reliability() -> None:
    """A diagram of margins would be read as one of probabilities."""
    sample = samples.binary(100)
    assert sample.scores is not None
    assert reliability.reliability(replace(sample, scores=sample.scores * 3)) == {}
    assert "reliability" not in build(replace(sample, scores=sample.scores * 3))


def test_groups_widen_the_consistency_band() -> None:
    """Events that come in groups wander further from right scores, so the band of the groups is wider."""
    sample = samples.repeated(_calibrated(200, 3), np.full(200, 10))
    free, grouped = (reliability.reliability(one)["band"] for one in (sample, samples.grouped(sample, 10)))
    width = [np.mean(np.array(one["upper"]) - np.array(one["lower"])) for one in (free, grouped)]
    assert width[1] > 1.5 * width[0]


def test_each_class_has_the_references_precision_and_recall() -> None:
    """Values and rows are the reference's, the most frequent class first; a class that nobody predicts has no precision."""
    sample = samples.multiclass(600, 5)
    never = replace(sample, prediction=np.where(sample.prediction == 0, 1, sample.prediction).astype(np.int32))
    for one in (sample, never):
        found = confusion.per_class(one)
        precision, recall, f1, rows = reference.precision_recall_fscore_support(
            one.target, one.prediction, labels=range(5), zero_division=np.nan
        )
        for at, label in enumerate(found["labels"]):
            code = one.labels.index(label)
            assert found["rows"][at] == rows[code]
            assert found["recall"][at] == pytest.approx(recall[code], abs=1e-6)
            assert found["recall_lower"][at] <= found["recall"][at] <= found["recall_upper"][at]
            if found["precision"][at] is None:
                assert np.isnan(precision[code])
            else:
                assert found["precision"][at] == pytest.approx(precision[code], abs=1e-6)
                assert found["f1"][at] == pytest.approx(f1[code], abs=1e-6)
        assert found["rows"] == sorted(found["rows"], reverse=True)
    assert None in confusion.per_class(never)["precision"]


def test_normal_residuals_lie_in_their_band() -> None:
    """Points are order statistics; of normal residuals about 95 % lie in the band, of heavy tails the ends do not."""
    sample = samples.regression(999)
    found = regression.residual_quantiles(sample)
    residual = np.sort(sample.prediction - sample.target)
    for p, seen in zip(found["share"], found["y"], strict=True):
        assert seen == pytest.approx(residual[round(p * 999 + 0.5) - 1], rel=1e-5)
    inside = [
        np.mean([low <= y <= high for y, low, high in zip(one["y"], one["lower"], one["upper"], strict=True)])
        for one in (regression.residual_quantiles(samples.regression(300, seed=seed)) for seed in range(40))
    ]
    assert np.mean(inside) >= 0.93
    heavy = replace(sample, prediction=sample.target + np.random.default_rng(0).standard_t(2, 999))
    ends = regression.residual_quantiles(heavy)
    assert ends["y"][0] < ends["lower"][0]
    assert ends["y"][-1] > ends["upper"][-1]
    assert regression.residual_quantiles(replace(sample, prediction=sample.target)) == {}


def test_tenths_have_the_mean_residual_and_its_interval() -> None:
    """Every row is in one part, and the interval is that of scipy."""
    sample = samples.regression(1000)
    parts = regression.build(sample)["residuals_predicted"]["summary"]
    assert sum(one["rows"] for one in parts) == 1000
    order = np.argsort(sample.prediction)[:100]
    first = (sample.prediction - sample.target)[order]
    assert parts[0]["bias"] == pytest.approx(first.mean(), rel=1e-5)
    expected = stats.t.interval(0.95, 99, first.mean(), first.std() / np.sqrt(99))
    assert (parts[0]["bias_lower"], parts[0]["bias_upper"]) == pytest.approx(expected, rel=1e-4)


def test_errors_by_column_count_every_row_once() -> None:
    """Values, tenths and missing values are parts of all rows, and the mean of their errors is the error of all rows."""
    sample = samples.binary(1000)
    random = np.random.default_rng(1)
    ages = random.normal(40, 10, 1000)
    columns = {
        "region": pa.array(random.choice(["north", "south"], 1000).tolist()),
        "age": pa.array(np.where(ages > 55, np.nan, ages), from_pandas=True),
        "few": pa.array(random.integers(0, 3, 1000)),
        "constant": pa.array(["x"] * 1000),
    }
    found = errors.errors(sample, columns)
    assert [one["column"] for one in found["columns"]] == ["region", "age", "few"]
    assert found["all"]["value"] == pytest.approx(np.mean(sample.target != sample.prediction), abs=1e-6)
    for one in found["columns"]:
        rows = np.array([part["rows"] for part in one["parts"]])
        assert rows.sum() == 1000
        assert np.average([part["value"] for part in one["parts"]], weights=rows) == pytest.approx(found["all"]["value"], abs=1e-5)
        assert all(part["lower"] <= part["value"] <= part["upper"] for part in one["parts"])
    assert len(found["columns"][1]["parts"]) == 11
    assert found["columns"][1]["parts"][-1]["label"] == "(missing)"
    assert [part["label"] for part in found["columns"][2]["parts"]] == ["0", "1", "2"]


def test_errors_of_numbers_are_mean_absolute_errors() -> None:
    """With Student's t interval, which a part of one row does not have; rare values are counted as left out."""
    sample = samples.regression(210)
    values = pa.array([f"v{row % 30:02d}" for row in range(209)] + ["alone"])
    found = errors.errors(sample, {"value": values})["columns"][0]
    assert (len(found["parts"]), found["left_out"]) == (20, 11)
    mask = np.array([value == "v00" for value in values.to_pylist()])
    first = next(one for one in found["parts"] if one["label"] == "v00")
    error = np.abs(sample.prediction - sample.target)[mask]
    expected = stats.t.interval(0.95, len(error) - 1, error.mean(), error.std() / np.sqrt(len(error) - 1))
    assert first["value"] == pytest.approx(error.mean(), rel=1e-5)
    assert (first["lower"], first["upper"]) == pytest.approx(expected, rel=1e-4)
    few = errors.errors(samples.regression(3), {"value": pa.array(["a", "a", "b"])})["columns"][0]["parts"]
    assert (few[1]["rows"], few[1]["lower"]) == (1, None)


def test_columns_stay_beside_their_rows(tmp_path: Path) -> None:
    """Rows without a prediction and rows of weight 0 are in no part; the others keep their own values."""
    sample = samples.weighted(samples.binary(60), np.r_[np.zeros(10), np.ones(50)])
    wrong = sample.target != sample.prediction
    table = scored_files.table(sample, {"answer": np.where(wrong, "wrong", "right").tolist()})
    some = pa.array([None if row % 7 == 0 else int(code) for row, code in enumerate(sample.prediction)], pa.int32())
    table = table.set_column(table.column_names.index("prediction"), "prediction", some)
    done = scored_files.run(tmp_path, scored_files.spec(sample, {"slices": ["answer"]}), table)
    parts = {one["label"]: one for one in scored_files.report(done).plots["errors"]["columns"][0]["parts"]}
    assert (parts["wrong"]["value"], parts["right"]["value"]) == (1, 0)
    assert sum(one["rows"] for one in parts.values()) == sum(row >= 10 and row % 7 != 0 for row in range(60))
