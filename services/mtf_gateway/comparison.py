"""Finished runs against each other: an evaluation job of its own, cached like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from mtf.contracts.job import FingerprintRequest, JobRequest, JobResult
from mtf.contracts.reference import Reference
from mtf.contracts.registry import ComparedRun, ComparisonView
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import ConflictError, PlatformError, SpecError
from mtf.storage.store import LocalStore
from mtf_gateway.compose import Done, Work, rows_facts
from mtf_gateway.db import runs
from mtf_gateway.ids import new_id
from mtf_gateway.plan import Plan
from mtf_gateway.registry.fields import outside_a_run
from mtf_gateway.rowsets import RowSet, differences, same_ids
from mtf_gateway.runner.context import Context
from mtf_gateway.runner.follow import call, follow

MOST = 20
"""Runs of one comparison; they make 190 pairs."""


@dataclass(frozen=True)
class Asked:
    """Which runs are compared, and how. `ask` makes one."""

    ids: tuple[str, ...]
    against: int | None
    """Position of the run that all others are compared with; None compares every two."""
    metrics: tuple[str, ...] | None
    paired: bool


def ask(runs: Sequence[str], *, baseline: str | None = None, metrics: Sequence[str] | None = None, paired: bool = True) -> Asked:
    """The question, checked. Raises SpecError for too few or too many runs, runs named twice, or no metric."""
    ids = list(runs)
    if baseline is not None and baseline not in ids:
        ids.append(baseline)
    if not 2 <= len(ids) <= MOST:  # noqa: PLR2004 - one has nothing to be compared with
        raise SpecError(f"a comparison takes 2 to {MOST} runs", field="runs", found=len(ids), fix="name two runs or more")
    twice = sorted({run for run in ids if ids.count(run) > 1})
    if twice and len(ids) > 2:  # noqa: PLR2004 - two alone may be one, which differs by nothing
        raise SpecError("a run is named twice", field="runs", found=twice[0], fix="name each run once")
    if metrics is not None and not metrics:
        raise SpecError("no metric is named", field="metrics", found="[]", fix="name at least one, or leave `metrics` out")
    return Asked(tuple(ids), None if baseline is None else ids.index(baseline), None if metrics is None else tuple(metrics), paired)


@dataclass(frozen=True)
class _Run:
    """A run with what its stages found out."""

    row: RowMapping
    done: dict[str, Done]
    label: str

    @property
    def plan(self) -> Plan:
        return Plan.model_validate(self.row["plan"])

    @property
    def rows(self) -> RowSet:
        return RowSet(self.label, self.row["dataset"], rows_facts(self.plan, self.done))

    @property
    def view(self) -> ComparedRun:
        return ComparedRun(label=self.label, **{name: self.row[name] for name in ("id", "name", "dataset", "model")})


async def compare(context: Context, store: LocalStore, rows: Sequence[RowMapping], asked: Asked) -> ComparisonView:
    """Differences of the runs' metrics. Raises ConflictError for runs that did not succeed, of other tasks, or paired on other rows."""
    for row in rows:
        if row["status"] != "succeeded":
            found = f"run {row['id']} is {row['status']}"
            raise ConflictError(found, field="runs", found=row["status"], fix="compare runs that succeeded")
    many = [_Run(row, await _done(context, row["id"]), label) for row, label in zip(rows, labels_of(rows), strict=True)]
    _one_task(many)
    apart = [differences(many[0].rows, run.rows) for run in many]
    if asked.paired and any(row["rows_key"] != rows[0]["rows_key"] for row in rows):
        raise await _other_rows(context, many, apart)
    metrics = _measured(many) if asked.metrics is None else await _checked(context, many, asked.metrics)
    result = await run_job(context, "evaluation", _work(many, asked, metrics))
    with store.open(result.outputs["comparison"].ref) as file:
        view = ComparisonView.model_validate_json(file.read())
    return _told(view, many, asked, [] if asked.paired else [line for lines in apart for line in lines])


def _told(view: ComparisonView, many: Sequence[_Run], asked: Asked, differs: list[str]) -> ComparisonView:
    """The worker's answer, which knows the runs by their labels, with their ids and what their rows differ in."""
    ids = {run.label: run.view.id for run in many}
    warnings = list(view.warnings)
    if not asked.paired and not differs:
        warnings.append("the runs scored the same rows: compared in pairs, they would be told apart by far fewer rows")
    known = {run.label: run.view for run in many}
    return view.model_copy(
        update={
            "run": ids[view.run],
            "baseline": ids.get(view.baseline, ""),
            "runs": [known[one.label].model_copy(update={"rows": one.rows}) for one in view.runs],
            "differs": differs,
            "warnings": warnings,
        }
    )


def labels_of(rows: Sequence[RowMapping]) -> list[str]:
    """What the runs are called: their names, with the end of their ids where two have the same, all different."""
    names = [row["name"] for row in rows]
    labels = [f"{row['name']} ({row['id'][-6:]})" if names.count(row["name"]) > 1 else row["name"] for row in rows]
    return [f"{label}, again" if label in labels[:place] else label for place, label in enumerate(labels)]


def _one_task(many: Sequence[_Run]) -> None:
    tasks = {run.label: run.done["inference"].facts["task"] for run in many}
    if len(set(tasks.values())) > 1:
        found = ", ".join(f"{label}: {task}" for label, task in tasks.items())
        raise ConflictError(
            "the runs are of different tasks, which have no metric in common",
            field="runs",
            found=found[:500],
            fix="compare runs of one task",
        )


async def _checked(context: Context, many: Sequence[_Run], metrics: Sequence[str]) -> list[str]:
    """The metrics in their canonical form. Raises SpecError that names the one of the request."""
    section = {"evaluation": {"task": many[0].done["inference"].facts["task"], "metrics": list(metrics)}}
    with outside_a_run("evaluation."):
        return list((await call(lambda: context.workers["evaluation"].validate(section), context.patience)).spec["metrics"])


def _work(many: Sequence[_Run], asked: Asked, metrics: Sequence[str] | None, kind: str = "comparison") -> Work:
    facts = [run.done["inference"].facts for run in many]
    spec = EvaluateSpec.model_validate({
        "kind": kind,
        "task": facts[0]["task"],
        "labels": facts[0].get("labels"),
        "metrics": metrics,
        "compared": [{"label": run.label, "labels": fact.get("labels")} for run, fact in zip(many, facts, strict=True)],
        "against": asked.against,
        "paired": asked.paired,
        "ids": all(same_ids(many[0].rows, run.rows) for run in many),
        "confirmatory": asked.metrics is not None,
    })  # fmt: skip
    inputs = {f"run.{place}": Reference.model_validate(run.done["inference"].outputs["test.scored"]) for place, run in enumerate(many)}
    return Work(spec.model_dump(mode="json"), inputs)


def _measured(many: Sequence[_Run]) -> list[str] | None:
    """The metrics that the run files name, where each names some; else the default set of the task."""
    named: list[list[str]] = [run.plan.evaluation.get("metrics") or [] for run in many]
    return list(dict.fromkeys(name for names in named for name in names)) if all(named) else None


async def _other_rows(context: Context, many: Sequence[_Run], apart: Sequence[Sequence[str]]) -> ConflictError:
    """Why paired runs cannot be compared: what differs, and how many rows they share."""
    counts: dict[str, Any] = {}
    if all(same_ids(many[0].rows, run.rows) for run in many):
        asked = Asked(tuple(run.view.id for run in many), None, None, paired=False)
        counts = dict((await run_job(context, "evaluation", _work(many, asked, None, "overlap"))).facts)
    said = []
    for place, (run, lines) in enumerate(zip(many, apart, strict=True)):
        if lines:
            shared = (
                f"{counts['shared'][place]:,} of its {counts['rows'][place]:,} rows are among the {counts['rows'][0]:,} of {many[0].label}"
                if counts
                else "their rows have no ids in common, so that nobody can say which are the same"
            )
            said.append(f"{run.label} differs from {many[0].label} in {' and in '.join(lines)}; {shared}")
    fix = "run them on the same dataset version with the same `split`, or compare them unpaired: `paired: false`, `--unpaired`"
    found = "; ".join(said) or "the rows that were left"
    return ConflictError(f"the runs scored other rows, so that they cannot be compared row by row: {found}", field="runs", fix=fix)


async def run_job(context: Context, stage: str, work: Work) -> JobResult:
    """One job that belongs to no run, from its fingerprint to its result. Raises what it failed of."""
    worker, job_id = context.workers[stage], f"single-{new_id()}"
    asked = FingerprintRequest(spec=work.spec, inputs=work.inputs, run_id=job_id)
    reply = await call(lambda: worker.fingerprint(asked), context.patience)
    request = JobRequest.model_validate({
        "job_id": job_id, "epoch": 1, "stage": stage, "fingerprint": reply.fingerprint, "spec": work.spec, "inputs": work.inputs,
        "limits": context.limits(None), "cacheable": reply.cacheable,
    })  # fmt: skip
    return await follow(worker, request, patience=context.patience)


async def _done(context: Context, run_id: str) -> dict[str, Done]:
    rows = await context.database.read(lambda c: runs.stages_of(c, [run_id]))
    found = {
        row["stage"]: Done({name: Reference.model_validate(one) for name, one in row["outputs"].items()}, row["facts"]) for row in rows
    }
    if not {"acquisition", "processing", "inference"} <= set(found):
        raise PlatformError("a succeeded run lost its stages", found=run_id)
    return found
