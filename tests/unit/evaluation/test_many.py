"""Runs against each other: on the same rows, on others, two or more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import optimize, stats
from sklearn import metrics as reference
from statsmodels.stats import proportion
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.multitest import multipletests

from mtf.contracts.registry import ComparisonView
from mtf.errors import DataError, PlatformError, SpecError
from mtf.plugins import Sample
from mtf.testing import run_stage
from mtf_evaluation.compare import compare, compare_many
from tests.unit.evaluation import samples, scored_files

ENTRY = "mtf_evaluation.execute:execute"


def noisier(sample: Sample, noise: float, seed: int) -> Sample:
    """The same rows with noisier predictions."""
    random = np.random.default_rng(seed)
    if sample.scores is None:
        return replace(sample, prediction=sample.prediction + noise * random.normal(size=sample.target.size))
    scores = np.clip(sample.scores + noise * random.normal(size=sample.scores.shape), 0.01, None)
    scores /= scores.sum(axis=1, keepdims=True)
    return replace(sample, scores=scores, prediction=scores.argmax(axis=1).astype(np.int32))


def four(sample: Sample) -> list[Sample]:
    """Four models of decreasing quality."""
    return [sample, *(noisier(sample, noise, seed) for seed, noise in enumerate((0.05, 0.3, 0.9)))]


LABELS = ["first", "second", "third", "fourth"]


@pytest.mark.parametrize("sample", [samples.binary(400), samples.multiclass(400), samples.regression(200)])
def test_every_two_are_what_two_alone_would_be(sample: Sample) -> None:
    """Values, intervals and p-values of a pair do not depend on how many other runs are compared."""
    many = four(sample)
    found = compare_many(many, LABELS, None)
    assert {(one.run, one.baseline) for one in found.comparisons} == set(combinations(LABELS, 2))
    for i, j in combinations(range(4), 2):
        alone = compare(many[i], many[j], None, baseline="x")
        pair = [one for one in found.comparisons if (one.run, one.baseline) == (LABELS[i], LABELS[j])]
        for one, other in zip(pair, alone, strict=True):
            assert (one.difference, one.lower, one.upper, one.p_value, one.test_method) == (
                other.difference, other.lower, other.upper, other.p_value, other.test_method,
            )  # fmt: skip


def test_the_family_is_all_pairs_and_metrics() -> None:
    """Named metrics are corrected by Holm over pairs times metrics, others by Benjamini and Hochberg: statsmodels' numbers."""
    many, names = four(samples.binary(300)), ["accuracy", "roc_auc"]
    for confirmatory, method in ((True, "holm"), (False, "fdr_bh")):
        found = compare_many(many, LABELS, names, confirmatory=confirmatory)
        raw = [one.p_value or 0.0 for one in found.comparisons]
        assert [one.p_adjusted for one in found.comparisons] == pytest.approx(multipletests(raw, method=method)[1].tolist(), rel=1e-9)
        assert {one.tests for one in found.comparisons} == {12}
        assert "12 tests (6 pairs of runs, 2 metrics)" in found.family
        assert found.family.startswith("Holm" if confirmatory else "Benjamini-Hochberg")


def test_each_against_a_baseline() -> None:
    """With a baseline each other run is compared with it, that run minus the baseline, and no ranks are given."""
    many = four(samples.binary(300))
    found = compare_many(many, LABELS, ["accuracy"], against=1)
    assert [(one.run, one.baseline) for one in found.comparisons] == [(label, "second") for label in ("first", "third", "fourth")]
    assert found.standings == []
    assert len(found.overall) == 1


def test_overall_tests() -> None:
    """Accuracy of many has Cochran's Q as statsmodels gives it; other metrics a Wald test; two runs need none; no influence, no test."""
    many = four(samples.binary(300))
    found = {one.metric: one for one in compare_many(many, LABELS, None).overall}
    hits = np.stack([one.prediction == one.target for one in many], axis=1)
    wanted = cochrans_q(hits.astype(int))
    accuracy = found["accuracy"]
    assert (accuracy.method, accuracy.statistic, accuracy.p_value) == (
        "cochran-q",
        pytest.approx(wanted.statistic),
        pytest.approx(wanted.pvalue),
    )
    assert (found["roc_auc"].method, found["roc_auc"].df, found["roc_auc"].df_error) == ("wald", 3, 297)
    assert found["ece"].p_value is None
    assert "influence" in (found["ece"].undefined or "")
    assert all(one.p_adjusted is not None and one.p_adjusted >= one.p_value for one in found.values() if one.p_value is not None)
    assert compare_many(many[:2], LABELS[:2], ["accuracy"]).overall == []
    assert compare_many([many[0]] * 3, LABELS[:3], ["f1"]).overall[0].p_value == 1


def test_wald_of_means_is_the_repeated_measures_test() -> None:
    """For mae the overall test is Hotelling's on the absolute errors, found here by its definition."""
    many = four(samples.regression(120))
    errors = np.stack([np.abs(one.prediction - one.target) for one in many], axis=1)
    apart = errors[:, 1:] - errors[:, :1]
    mean, n, q = apart.mean(axis=0), 120, 3
    t2 = n * mean @ np.linalg.solve(np.cov(apart.T), mean)
    found = compare_many(many, LABELS, ["mae"]).overall[0]
    assert found.p_value == pytest.approx(stats.f.sf(t2 * (n - q) / (q * (n - 1)), q, n - q), rel=1e-8)


def test_standings_follow_the_adjusted_p() -> None:
    """Two runs share a letter exactly where their corrected p-value is above 0.05, and the ranks count who is better."""
    many = four(samples.binary(500))
    found = compare_many(many, LABELS, ["roc_auc", "log_loss"], confirmatory=True)
    for table in found.standings:
        place = {one.run: one for one in table.runs}
        values = [one.value or 0.0 for one in table.runs]
        assert values == sorted(values, reverse=table.greater_is_better is True)
        better = dict.fromkeys(LABELS, 1)
        for one in found.comparisons:
            if one.metric == table.metric:
                apart = (one.p_adjusted or 0) <= 0.05 and one.reliable
                assert bool(set(place[one.run].letters) & set(place[one.baseline].letters)) != apart
                if apart:
                    turned = (one.difference or 0) > 0 if table.greater_is_better else (one.difference or 0) < 0
                    better[one.baseline if turned else one.run] += 1
        assert {label: one.rank for label, one in place.items()} == better


def test_unpaired_shares_are_miettinen_and_nurminens() -> None:
    """On other rows accuracy is compared by the score test of two independent samples; each limit maximises the likelihood where that test has p 0.05."""
    a, b = samples.binary(300), samples.binary(200, seed=9, signal=0.8)
    one = compare_many([a, b], ["a", "b"], ["accuracy"], paired=False).comparisons[0]
    hits = [int((s.prediction == s.target).sum()) for s in (a, b)]
    wanted = proportion.test_proportions_2indep(hits[0], 300, hits[1], 200, method="score", compare="diff", correction=True)
    assert one.p_value == pytest.approx(wanted.pvalue, rel=1e-6)
    for limit, sign in ((one.lower or 0.0, 1), (one.upper or 0.0, -1)):

        def minus(q: float, d: float = limit) -> float:
            return -float(stats.binom.logpmf(hits[0], 300, q + d) + stats.binom.logpmf(hits[1], 200, q))

        q = optimize.minimize_scalar(minus, bounds=(1e-9, 1 - limit - 1e-9), method="bounded", options={"xatol": 1e-13}).x
        variance = ((q + limit) * (1 - q - limit) / 300 + q * (1 - q) / 200) * 500 / 499
        assert (hits[0] / 300 - hits[1] / 200 - limit) / np.sqrt(variance) == pytest.approx(sign * stats.norm.ppf(0.975), rel=1e-5)
    assert (one.paired, one.n, one.n_baseline, one.interval_method) == (False, 300, 200, "miettinen-nurminen")
    assert "on other rows (300 and 200)" in one.sentence


def test_unpaired_means_are_welchs_test() -> None:
    """On other rows mae is compared by Welch's t-test on the absolute errors."""
    a, b = samples.regression(80), samples.regression(50, seed=3, noise=1.5)
    one = compare_many([a, b], ["a", "b"], ["mae"], paired=False).comparisons[0]
    wanted = stats.ttest_ind(*(np.abs(s.prediction - s.target) for s in (a, b)), equal_var=False)
    assert one.p_value == pytest.approx(wanted.pvalue, rel=1e-9)
    low, high = wanted.confidence_interval()
    assert (one.lower, one.upper) == (pytest.approx(low), pytest.approx(high))


def test_unpaired_areas_add_delongs_variances() -> None:
    """On other rows two areas are compared by the sum of their DeLong variances, here from placement values."""
    a, b = samples.binary(300), samples.binary(250, seed=4)
    variance, areas = 0.0, []
    for s in (a, b):
        assert s.scores is not None
        score, positive = s.scores[:, 1], s.target == 1
        wins = (score[positive][:, None] > score[~positive]) + 0.5 * (score[positive][:, None] == score[~positive])
        variance += wins.mean(axis=1).var(ddof=1) / positive.sum() + wins.mean(axis=0).var(ddof=1) / (~positive).sum()
        areas.append(float(reference.roc_auc_score(s.target, score)))
    one = compare_many([a, b], ["a", "b"], ["roc_auc"], paired=False).comparisons[0]
    assert one.difference == pytest.approx(areas[0] - areas[1], abs=1e-12)
    assert one.p_value == pytest.approx(2 * stats.norm.sf(abs(areas[0] - areas[1]) / np.sqrt(variance)), rel=1e-8)


@pytest.mark.parametrize("make", [samples.binary, samples.multiclass, samples.regression])
def test_unpaired_never_fails(make: Any) -> None:
    """Every metric answers for runs of different size, with weights on one side and groups on the other, and many at once."""
    a, b, c = make(120), make(60, seed=1), make(31, seed=2)
    b, c = samples.weighted(b, np.arange(60) % 4 + 0.5), samples.grouped(c, 4)
    found = compare_many([a, b, c], ["a", "b", "c"], None, paired=False)
    for one in found.comparisons:
        assert one.sentence
        assert one.difference is None or np.isfinite(one.difference)
        if one.lower is not None and one.upper is not None:
            assert one.lower < one.upper
            assert one.minimum_detectable is None or one.minimum_detectable > 0
    assert all(one.p_value is None or 0 <= one.p_value <= 1 for one in found.overall)


def test_other_rows_are_refused_by_name() -> None:
    """Paired runs on other rows, and runs of another task or other labels however compared, are refused by their label."""
    sample = samples.binary(100)
    with pytest.raises(DataError, match="between the first and old") as caught:
        compare_many([sample, replace(sample, target=1 - sample.target)], ["new", "old"], None)
    assert caught.value.field == "runs"
    for other in (samples.regression(100), replace(sample, labels=("x", "y"))):
        with pytest.raises(DataError, match="old"):
            compare_many([sample, other], ["new", "old"], None, paired=False)


def test_group_codes_of_another_order_are_the_same_groups() -> None:
    """Groups are the same where they hold the same rows, whatever their codes."""
    sample = samples.grouped(samples.binary(120), 6)
    assert sample.group is not None
    turned = replace(noisier(sample, 0.1, 1), group=19 - sample.group)
    assert compare_many([sample, turned], ["a", "b"], ["accuracy"]).comparisons[0].lower is not None
    with pytest.raises(DataError, match="groups"):
        compare_many([sample, replace(turned, group=np.roll(sample.group, 1))], ["a", "b"], ["accuracy"])


# As a job on files


def job(folder: Path, tables: Sequence[pa.Table], sample: Sample, **more: Any) -> tuple[Any, ComparisonView | None]:
    """A comparison of these scored files."""
    folder.mkdir(parents=True, exist_ok=True)
    for position, table in enumerate(tables):
        pq.write_table(table, folder / f"{position}.parquet")
    spec = {
        "kind": "comparison",
        "task": sample.task,
        "labels": list(sample.labels) or None,
        "compared": [{"label": LABELS[position], "labels": list(sample.labels) or None} for position in range(len(tables))],
    } | more
    inputs = {f"run.{position}": folder / f"{position}.parquet" for position in range(len(tables))}
    done = run_stage(ENTRY, spec, output=folder / "out", inputs=inputs)
    kind = spec["kind"]
    return done, ComparisonView.model_validate_json(done.path("comparison").read_bytes()) if kind == "comparison" else None


def test_stored_runs_are_compared_in_any_order(tmp_path: Path) -> None:
    """Rows in another order and ids as text meet; every run is named in the answer."""
    sample = samples.binary(150)
    other = noisier(sample, 0.2, 1)
    turned = scored_files.table(other, row_id=[str(i) for i in range(150)]).take(np.arange(150)[::-1])
    done, view = job(tmp_path, [scored_files.table(sample), turned, scored_files.table(sample)], sample)
    assert view is not None
    assert (view.run, view.baseline, view.rows, view.paired) == ("first", "", 150, True)
    assert [(one.label, one.rows) for one in view.runs] == [(label, 150) for label in LABELS[:3]]
    found = {(one.run, one.baseline, one.metric): one.difference for one in view.comparisons}
    expected = np.mean(sample.prediction == sample.target) - np.mean(other.prediction == other.target)
    assert found["first", "second", "accuracy"] == pytest.approx(expected)
    assert found["first", "third", "accuracy"] == 0
    assert done.outcome.facts["comparisons"] == len(view.comparisons)


def test_rows_that_one_run_lacks_leave_all_pairs(tmp_path: Path) -> None:
    """The rows that every run predicted are compared, and a warning names the run that lacks some."""
    sample = samples.binary(100)
    lacking = scored_files.table(sample)
    lacking = lacking.set_column(2, "prediction", pa.array([None] * 7 + list(sample.prediction[7:]), pa.int32()))
    _, view = job(tmp_path, [scored_files.table(sample), lacking, scored_files.table(sample)], sample)
    assert view is not None
    assert view.rows == 93
    assert [one.rows for one in view.runs] == [100, 93, 100]
    assert view.warnings == ["7 rows of 100 left out, which not every run has with target and prediction: second lacks 7 rows"]


def test_other_rows_need_unpaired(tmp_path: Path) -> None:
    """Runs that share 60 of 100 rows are refused in pairs with the count, and compared unpaired with a warning."""
    sample = samples.binary(100)
    other = scored_files.table(noisier(sample, 0.2, 1), row_id=range(40, 140))
    with pytest.raises(DataError, match="40 of our 100 rows") as caught:
        job(tmp_path / "a", [scored_files.table(sample), other], sample)
    assert "60 are shared" in str(caught.value.found)
    _, view = job(tmp_path / "b", [scored_files.table(sample), other], sample, paired=False)
    assert view is not None
    assert not view.paired
    assert "60 rows of first also belong to another run" in view.warnings[0]
    assert not any(one.paired for one in view.comparisons)
    done, _ = job(tmp_path / "c", [scored_files.table(sample), other], sample, kind="overlap")
    assert done.outcome.facts == {"rows": [100, 100], "shared": [100, 60]}


def test_metrics_are_named_in_the_request(tmp_path: Path) -> None:
    """A metric that does not exist is wrong in `metrics`; `class=*` becomes every class."""
    sample = samples.multiclass(120, 3)
    tables = [scored_files.table(sample), scored_files.table(noisier(sample, 0.2, 1))]
    with pytest.raises(SpecError) as caught:
        job(tmp_path / "a", tables, sample, metrics=["acuracy"])
    assert caught.value.field == "metrics"
    _, view = job(tmp_path / "b", tables, sample, metrics=["recall(class=*)"], confirmatory=True)
    assert view is not None
    assert [one.metric for one in view.comparisons] == [f"recall(class={label})" for label in sample.labels]
    assert view.family.startswith("Holm over 3 tests (1 pair of runs, 3 metrics)")


def test_a_lost_input_is_our_fault(tmp_path: Path) -> None:
    """A job without the predictions of one of its runs is refused as broken."""
    sample = samples.binary(50)
    with pytest.raises(PlatformError):
        job(tmp_path, [scored_files.table(sample)], sample, compared=[{"label": "a", "labels": [0, 1]}, {"label": "b", "labels": [0, 1]}])
