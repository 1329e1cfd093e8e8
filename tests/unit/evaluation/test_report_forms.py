"""Markdown and CSV: every number, harmless texts, and a document that is drawn again from its JSON."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mtf import saved
from mtf.contracts.report import Report
from mtf.errors import UsageError
from mtf_evaluation import junit
from mtf_evaluation.forms.markdown import to_markdown
from mtf_evaluation.forms.tidy import COLUMNS, to_csv
from mtf_evaluation.render import to_html
from tests.unit.evaluation import samples, scored_files

EVIL = "<script>alert(1)</script> | @nobody `x` [a](https://evil.example) #1 **b**"


def made(folder: Path, sample: Any, evaluation: dict[str, Any] | None = None, slices: Any = None, **more: Any) -> Report:
    """The report of a run on this sample."""
    spec = scored_files.spec(sample, evaluation, **more)
    return scored_files.report(scored_files.run(folder, spec, scored_files.table(sample, slices)))


def test_the_table_has_every_number_with_all_digits(tmp_path: Path) -> None:
    """Pandas reads it back: all rows, slices, slices against the rest and comparisons, equal to the document."""
    sample = samples.binary(400)
    spec = scored_files.spec(sample, {"slices": ["part"]})
    other = replace(sample, prediction=np.roll(sample.prediction, 1))
    parts = {"part": ["a", "b"] * 200}
    done = scored_files.run(tmp_path, spec, scored_files.table(sample, parts), scored_files.table(other, parts))
    report = scored_files.report(done)
    text = done.path("csv").read_text(encoding="utf-8")
    assert text == to_csv(report)
    frame = pd.read_csv(io.StringIO(text))
    assert tuple(frame.columns) == COLUMNS
    for name, value in report.metrics.items():
        row = frame[(frame.scope == "all") & (frame.metric == name)].iloc[0]
        assert row.value == value.value
        assert row.n == value.n
        assert pd.isna(row.lower) == (value.lower is None)
        assert bool(row.reliable) is value.reliable
    assert (frame.scope == "slice").sum() == sum(len(one.metrics) for one in report.slices)
    assert (frame.scope == "rest").sum() == sum(len(one.versus_rest) for one in report.slices)
    compared = frame[frame.scope == "comparison"]
    assert compared.value.tolist() == pytest.approx([one.difference for one in report.comparisons])
    assert set(compared.baseline) == {"older"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "\n@", "\N{FULLWIDTH EQUALS SIGN}"])
def test_no_text_becomes_a_formula(tmp_path: Path, start: str) -> None:
    """A text that a spreadsheet would run is led by an apostrophe; negative numbers stay numbers."""
    report = made(tmp_path, samples.regression(60))
    evil = f'{start}cmd|" /C calc"!A0'
    hostile = report.model_copy(update={"run": report.run.model_copy(update={"name": evil, "model": evil})})
    rows = list(csv.DictReader(io.StringIO(to_csv(hostile))))
    for row in rows:
        assert row["name"].startswith("'")
        assert row["model"].startswith("'")
        assert "\n" not in row["name"]
        float(row["value"])


def test_an_undefined_metric_is_empty_and_says_why(tmp_path: Path) -> None:
    """No number stands for none, never a 0."""
    report = made(tmp_path, samples.binary(1))
    rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(to_csv(report)))}
    assert rows["roc_auc"]["value"] == ""
    assert "one class" in rows["roc_auc"]["undefined"]
    assert "undefined: " in to_markdown(report)


def test_markdown_has_the_verdict_the_numbers_and_the_plots_as_tables(tmp_path: Path) -> None:
    """The verdict first, then gates, metrics, slices, and the data of each plot; the run's id has its place."""
    report = made(tmp_path, samples.multiclass(300), {"slices": ["part"], "gates": ["accuracy >= 0.999"]}, {"part": ["a", "b", "c"] * 100})
    text = to_markdown(report)
    order = [
        text.index(word) for word in ("# demo", "❌ Fail", "## Gates", "## Metrics", "## Slices", "## Checks", "## Plots", "## Provenance")
    ]
    assert order == sorted(order)
    assert "<code>{{run_id}}</code>" in text
    assert "<summary>Confusion matrix</summary>" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
    widths = {
        len(part) for block in text.split("\n\n") if block.startswith("|") for part in [{line.count("|") for line in block.splitlines()}]
    }
    assert widths == {1}


def test_markdown_reads_no_text_as_markup(tmp_path: Path) -> None:
    """Names, labels, slice values and warnings are neither tags, cells, links, mentions nor references."""
    sample = replace(samples.binary(100), labels=("no", EVIL))
    titles = {"name": EVIL, "dataset": EVIL, "model": EVIL}
    text = to_markdown(made(tmp_path, sample, {"slices": ["col"]}, {"col": [EVIL, "b"] * 50}, titles=titles, notes={"warnings": [EVIL]}))
    for harm in ("<script", "@nobody", "](", "https://", " #1 ", "**b**"):
        assert harm not in text
    for block in text.split("\n\n"):
        if block.startswith("| "):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_saved_report_is_drawn_again(tmp_path: Path) -> None:
    """From the JSON alone comes what the run wrote, in every form; a file that is no report is refused by its first wrong field."""
    sample = samples.regression(80)
    done = scored_files.run(tmp_path, scored_files.spec(sample, {"gates": ["mae <= 100"]}), scored_files.table(sample))
    report = saved.read(done.path("report"))
    for form, output in (("html", "html"), ("md", "markdown"), ("csv", "csv"), ("junit", "junit")):
        assert saved.drawn(report, form) == done.path(output).read_bytes(), form
    assert saved.drawn(report, "junit") == junit.to_xml(report)
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"a": 1}')
    with pytest.raises(UsageError, match="no report"):
        saved.read(wrong)
    with pytest.raises(UsageError, match="cannot read"):
        saved.read(tmp_path / "missing.json")


def test_a_report_without_bands_is_drawn_as_it_was(tmp_path: Path) -> None:
    """Plot data of the first version, without bands, thresholds and limits, still draws."""
    report = made(tmp_path, samples.binary(300))
    first = dict(report.plots)
    for name in ("thresholds", "gain", "errors"):
        first.pop(name, None)
    for name in ("roc", "precision_recall"):
        kept = {"label", "x", "y", "share"}
        first[name] = {
            "curves": [{key: value for key, value in curve.items() if key in kept} for curve in first[name]["curves"]],
            "one_vs_rest": False,
            "classes": 2,
        }
    first["reliability"] = {name: first["reliability"][name] for name in ("of", "bins")}
    text = to_html(report.model_copy(update={"plots": first}))
    assert text.count("<figure") == 5
    numbers = made(tmp_path / "r", samples.regression(300))
    old = {name: dict(data) for name, data in numbers.plots.items() if name != "residual_quantiles"}
    for name in ("predicted_actual", "residuals_predicted"):
        old[name].pop("level")
        limits = ("bias_lower", "bias_upper")
        old[name]["summary"] = [{key: value for key, value in one.items() if key not in limits} for one in old[name]["summary"]]
    assert to_html(numbers.model_copy(update={"plots": old})).count("<figure") == 3
