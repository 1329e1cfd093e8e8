"""Two finished runs against each other: an evaluation job of its own, cached like any other."""

from __future__ import annotations

from sqlalchemy import RowMapping

from mtf.contracts.job import FingerprintRequest, JobRequest, JobResult
from mtf.contracts.reference import Reference
from mtf.contracts.registry import ComparisonView
from mtf.contracts.stages import EvaluateSpec
from mtf.errors import ConflictError, PlatformError
from mtf.storage.store import LocalStore
from mtf_gateway.compose import Work
from mtf_gateway.db import runs
from mtf_gateway.ids import new_id
from mtf_gateway.runner.context import Context
from mtf_gateway.runner.follow import call, follow


async def compare(context: Context, store: LocalStore, run: RowMapping, baseline: RowMapping) -> ComparisonView:
    """Paired differences of the default metrics. Raises ConflictError for runs that did not succeed, or on other rows."""
    for row, field in ((run, "run"), (baseline, "baseline")):
        if row["status"] != "succeeded":
            raise ConflictError(f"run {row['id']} is {row['status']}", field=field, found=row["status"], fix="compare runs that succeeded")
    if run["rows_key"] != baseline["rows_key"]:
        message = "the two runs scored other rows, so that they cannot be compared row by row"
        fix = "run both on the same dataset version with the same `split`"
        raise ConflictError(message, field="baseline", found=f"{run['dataset']} and {baseline['dataset']}", fix=fix)
    mine, theirs = await _inference(context, run["id"]), await _inference(context, baseline["id"])
    spec = EvaluateSpec.model_validate({
        "kind": "comparison",
        "task": mine["facts"]["task"],
        "labels": mine["facts"].get("labels"),
        "baseline_labels": theirs["facts"].get("labels"),
        "titles": {"name": run["name"], "dataset": run["dataset"], "model": run["model"], "baseline": baseline["name"]},
    })  # fmt: skip
    inputs = {name: Reference.model_validate(row["outputs"]["test.scored"]) for name, row in (("scored", mine), ("baseline", theirs))}
    result = await run_job(context, "evaluation", Work(spec.model_dump(mode="json"), inputs))
    with store.open(result.outputs["comparison"].ref) as file:
        view = ComparisonView.model_validate_json(file.read())
    return view.model_copy(update={"run": run["id"], "baseline": baseline["id"]})


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


async def _inference(context: Context, run_id: str) -> RowMapping:
    rows = await context.database.read(lambda c: runs.stages_of(c, [run_id]))
    found = next((row for row in rows if row["stage"] == "inference"), None)
    if found is None:
        raise PlatformError("a succeeded run lost its inference stage", found=run_id)
    return found
