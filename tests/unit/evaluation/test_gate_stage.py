"""Gates of a run, from the run file's text to the report: slices, worst slices, limits and baselines on one set of rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtf.contracts.report import Gate, Report
from mtf.plugins import Sample
from mtf_evaluation import measure, render
from mtf_evaluation.statistics.proportion import wilson
from tests.unit.evaluation import samples, scored_files

N = 900
PLACES = np.array(["a", "b", "c", "d"])[np.random.default_rng(5).choice(4, N, p=[0.4, 0.35, 0.23, 0.02])]
SEX = np.where(np.random.default_rng(6).random(N) < 0.5, "F", "M")


def rows() -> Sample:
    """A model of moderate skill that is poor in place c."""
    sample = samples.binary(N, seed=4, signal=4)
    prediction = sample.prediction.copy()
    poor = np.flatnonzero(PLACES == "c")[::4]
    prediction[poor] = 1 - prediction[poor]
    return replace(sample, prediction=prediction)


def judged(folder: Path, *gates: str, baseline: Sample | None = None, **evaluation: object) -> tuple[list[Gate], Report]:
    """The gates of a run on these rows."""
    sample = rows()
    section = {"gates": list(gates), "metrics": ["accuracy"]} | ({} if baseline is None else {"baseline": "older"}) | evaluation
    columns = {"place": PLACES, "sex": SEX}
    other = None if baseline is None else scored_files.table(baseline, columns)
    done = scored_files.run(folder, scored_files.spec(sample, section), scored_files.table(sample, columns), other)
    report = scored_files.report(done)
    return report.gates, report


def test_the_worst_slice_of_a_column_that_is_not_declared(tmp_path: Path) -> None:
    """The column becomes slices of the report, the worst is named, and its interval is that of Holm's level on its own rows."""
    [gate], report = judged(tmp_path, "accuracy >= 0.9 in worst slice of place")
    assert gate.verdict == "fail"
    assert gate.where == {"place": "c"}
    mine = PLACES == "c"
    right = float((rows().target == rows().prediction)[mine].mean())
    interval = wilson(right, int(mine.sum()), 1 - 0.05 / 3)
    assert (gate.observed["lower"], gate.observed["upper"]) == pytest.approx((interval.lower, interval.upper))
    small = int((PLACES == "d").sum())
    assert f"`place=d` ({small})" in gate.reason
    assert {part.name for part in report.slices} == {f"place={name}" for name in "abcd"}


def test_more_rows_can_be_demanded_of_a_slice(tmp_path: Path) -> None:
    """`slice_min_rows` above 30 also decides which slices count for the worst."""
    [gate], _ = judged(tmp_path, "accuracy >= 0.5 in worst slice of place", slice_min_rows=250)
    assert gate.verdict == "pass"
    assert gate.observed["judged"] == 2
    assert gate.observed["too_small"] == ["place=c", "place=d"]


def test_the_worst_slice_of_a_cross(tmp_path: Path) -> None:
    """Every combination of two columns is judged; the columns' order is free."""
    gates, _ = judged(tmp_path, "accuracy >= 0.3 in worst slice of place, sex", "accuracy >= 0.3 in worst slice of sex, place")
    assert gates[0].verdict == gates[1].verdict == "pass"
    assert gates[0].where == gates[1].where
    assert set(gates[0].where) == {"place", "sex"}


@pytest.mark.parametrize("design", ["weights", "groups"])
def test_worst_slices_respect_the_design(tmp_path: Path, design: str) -> None:
    """Weights and groups make the intervals of a slice wider, as they do everywhere."""
    sample = rows()
    plain = measure.measure(measure.subset(sample, np.flatnonzero(PLACES == "c")), ["accuracy"], level=1 - 0.05 / 3)["accuracy"]
    weight = np.random.default_rng(1).lognormal(0, 1, N)
    other = replace(sample, weight=weight) if design == "weights" else replace(sample, group=np.arange(N) // 6)
    spec = scored_files.spec(other, {"gates": ["accuracy >= 0.9 in worst slice of place"], "metrics": ["accuracy"]})
    report = scored_files.report(scored_files.run(tmp_path, spec, scored_files.table(other, {"place": PLACES})))
    observed = report.gates[0].observed
    assert plain.upper is not None
    assert plain.lower is not None
    if design == "weights":
        assert observed["upper"] - observed["lower"] > plain.upper - plain.lower
        assert observed["n_effective"] < observed["n"]
    assert observed["method"] == {"weights": "wilson", "groups": "wilson-cluster"}[design]


def test_a_limit_is_judged_alone(tmp_path: Path) -> None:
    """A limit passes or fails where the whole interval settles nothing."""
    middle = judged(tmp_path / "0", "accuracy >= 0.5")[0][0].observed["value"]
    gates, _ = judged(tmp_path / "1", f"accuracy >= {middle:.6f}", f"lower(accuracy) >= {middle:.6f}", f"upper(accuracy) >= {middle:.6f}")
    assert [gate.verdict for gate in gates] == ["inconclusive", "fail", "pass"]


def test_a_baseline_in_a_slice_and_in_the_worst(tmp_path: Path) -> None:
    """Against an older model on the same rows: in one slice and in every slice, with the difference of the slice's own rows."""
    older = samples.binary(N, seed=4, signal=4)
    gates, report = judged(
        tmp_path,
        "accuracy not worse than baseline in place=a",
        "accuracy not worse than baseline by 0.05 in place=c",
        "accuracy not worse than baseline by 0.05 in worst slice of place",
        "accuracy not worse than baseline by 0.5 in worst slice of place",
        baseline=older,
    )
    assert [gate.verdict for gate in gates][1:] == ["fail", "fail", "pass"]
    assert gates[2].where == {"place": "c"}
    mine = PLACES == "c"
    ours, theirs = ((one.target == one.prediction)[mine].mean() for one in (rows(), older))
    assert gates[2].observed["difference"] == pytest.approx(ours - theirs)
    assert all(one.family == "exploratory" for one in report.comparisons if not one.where)


def test_holm_counts_the_gates_against_the_baseline(tmp_path: Path) -> None:
    """p-values of metrics that gates name against the baseline are corrected together, in a slice too; the rest is not of that family."""
    older = samples.binary(N, seed=9, signal=4)
    older = replace(older, target=rows().target)
    gates = [
        "accuracy not worse than baseline by 0.1",
        "recall not worse than baseline by 0.1",
        "accuracy not worse than baseline by 0.1 in sex=F",
    ]
    _, report = judged(tmp_path, *gates, baseline=older, metrics=["accuracy", "recall", "specificity"])
    family = [one for one in report.comparisons if one.family == "gates"]
    assert sorted((one.metric, bool(one.where)) for one in family) == [("accuracy", False), ("accuracy", True), ("recall", False)]
    raw = sorted(one.p_value for one in family if one.p_value is not None)
    adjusted = sorted(one.p_adjusted for one in family if one.p_adjusted is not None)
    assert adjusted == pytest.approx(np.minimum(np.maximum.accumulate(np.array(raw) * [3, 2, 1]), 1))


def test_a_bound_beyond_reach_in_a_slice_is_warned_of(tmp_path: Path) -> None:
    """The warning names the slice that could not show the bound even without an error."""
    _, report = judged(tmp_path, "accuracy >= 0.995 in worst slice of place", "lower(accuracy) >= 0.999")
    assert any("as place=a has, can pass" in one for one in report.warnings)
    assert any("`lower(accuracy) >= 0.999`" in one for one in report.warnings)


def test_the_page_draws_them(tmp_path: Path) -> None:
    """Worst slices, limits and differences are drawn with their bound, and read as sentences."""
    _, report = judged(
        tmp_path,
        "accuracy >= 0.9 in worst slice of place",
        "lower(accuracy) >= 0.5",
        "accuracy not worse than baseline by 0.5 in worst slice of place",
        baseline=samples.binary(N, seed=4, signal=4),
    )
    page = render.to_html(report)
    for gate in report.gates:
        assert gate.reason.split(",")[0] in page
    assert page.count("in worst slice of place") >= 2
