"""Stage 4 in its child: scored rows in; report, page and JUnit file out."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from mtf.compute import local
from mtf.contracts.registry import ComparisonView
from mtf.contracts.report import Report
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import PlatformError
from mtf.jobs.child import JobContext
from mtf.plugins import StageOutcome
from mtf_evaluation import assemble, baseline, junit, many, render
from mtf_evaluation.assemble import RUN_ID
from mtf_evaluation.forms import markdown, tidy
from mtf_evaluation.scored import Scored, read
from mtf_evaluation.streams import report as streams
from mtf_evaluation.streams.chunks import EXACT_ROWS, ParquetChunks, rows_of

OUTPUTS = {"report": "report.json", "html": "report.html", "markdown": "report.md", "csv": "report.csv", "junit": "junit.xml"}


def execute(job: JobContext) -> StageOutcome:
    """Evaluate what the inference stage wrote. Equal inputs give equal bytes: the run's id is a placeholder that the gateway fills."""
    spec = EvaluateSpec.model_validate(job.spec)
    job.progress(0, 4, "steps", "reading predictions")
    if spec.compared:
        return (_overlap if spec.kind == "overlap" else _many)(job, spec)
    if spec.kind == "report" and "scored" in job.inputs and rows_of(job.inputs["scored"]) > EXACT_ROWS:
        return _streamed(job, spec)
    scored, other = _inputs(job, spec)
    return _comparison(job, spec, scored, other) if spec.kind == "comparison" else _report(job, spec, scored, other)


def _inputs(job: JobContext, spec: EvaluateSpec) -> tuple[Scored, Scored | None]:
    if "scored" not in job.inputs:
        raise PlatformError("the evaluation was started without predictions")
    scored = read(job.inputs["scored"], task=spec.task, labels=spec.labels)
    if "baseline" not in job.inputs:
        return scored, None
    labels = spec.labels if spec.baseline_labels is None else spec.baseline_labels
    theirs = read(job.inputs["baseline"], task=spec.task, labels=labels, name="baseline")
    return scored, baseline.align(scored, theirs, title=f"the baseline {assemble.baseline_title(spec)}")


def _report(job: JobContext, spec: EvaluateSpec, scored: Scored, other: Scored | None) -> StageOutcome:
    report = assemble.report(
        spec, scored, other, progress=lambda done, message: job.progress(done, 4, "steps", message), cpus=job.limits.cpus
    )
    return _written(job, report)


def _streamed(job: JobContext, spec: EvaluateSpec) -> StageOutcome:
    """More rows than are held in memory."""
    labels = spec.labels if spec.baseline_labels is None else spec.baseline_labels
    chunks = ParquetChunks(job.inputs["scored"], task=spec.task, labels=spec.labels)
    other = ParquetChunks(job.inputs["baseline"], task=spec.task, labels=labels) if "baseline" in job.inputs else None
    with local(job.limits.cpus) as runner:
        found = streams.report(spec, chunks, other, runner=runner, progress=lambda done, message: job.progress(done, 4, "steps", message))
    return _written(job, found)


def _written(job: JobContext, report: Report) -> StageOutcome:
    """The report as every document that is made of it."""
    job.progress(3, 4, "steps", "drawing the report")
    _write(job.output / "report.json", report)
    (job.output / "report.html").write_text(render.to_html(report), encoding="utf-8")
    (job.output / "report.md").write_text(markdown.to_markdown(report), encoding="utf-8")
    (job.output / "report.csv").write_text(tidy.to_csv(report), encoding="utf-8", newline="")
    (job.output / "junit.xml").write_bytes(junit.to_xml(report))
    job.progress(4, 4, "steps", "done")
    facts = {
        "verdict": report.verdict,
        "metrics": {name: value.model_dump(mode="json") for name, value in report.metrics.items()},
        "gates": [gate.model_dump(mode="json") for gate in report.gates],
        "rows": report.rows.model_dump(mode="json"),
        "warnings": report.warnings,
        "comparisons": len(report.comparisons),
    }
    return StageOutcome(OUTPUTS, facts, report.warnings)


def _comparison(job: JobContext, spec: EvaluateSpec, scored: Scored, other: Scored | None) -> StageOutcome:
    if other is None:
        raise PlatformError("a comparison was started without the predictions of its baseline")
    found, rows, warnings = assemble.comparisons(spec, scored, other)
    view = ComparisonView(run=RUN_ID, baseline=assemble.baseline_title(spec), rows=rows, comparisons=found)
    _write(job.output / "comparison.json", view)
    job.progress(4, 4, "steps", "done")
    return StageOutcome({"comparison": "comparison.json"}, {"comparisons": len(found), "rows": rows, "warnings": warnings}, warnings)


def _many(job: JobContext, spec: EvaluateSpec) -> StageOutcome:
    view = many.compared(spec, _runs(job, spec))
    _write(job.output / "comparison.json", view)
    job.progress(4, 4, "steps", "done")
    facts = {"comparisons": len(view.comparisons), "rows": view.rows, "warnings": view.warnings}
    return StageOutcome({"comparison": "comparison.json"}, facts, view.warnings)


def _overlap(job: JobContext, spec: EvaluateSpec) -> StageOutcome:
    facts = many.overlap(_runs(job, spec))
    (job.output / "overlap.json").write_text(json.dumps(facts), encoding="utf-8")
    return StageOutcome({"overlap": "overlap.json"}, facts, [])


def _runs(job: JobContext, spec: EvaluateSpec) -> list[Scored]:
    names = [f"run.{position}" for position in range(len(spec.compared))]
    if any(name not in job.inputs for name in names):
        raise PlatformError("a comparison was started without the predictions of one of its runs")
    return [read(job.inputs[name], task=spec.task, labels=one.labels, name=name) for name, one in zip(names, spec.compared, strict=True)]


def _write(path: Path, document: BaseModel) -> None:
    path.write_text(document.model_dump_json(indent=1), encoding="utf-8")
