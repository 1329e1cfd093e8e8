"""What a run is compared with: found when the run is submitted, and settled when its rows are known."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mtf.contracts.reference import Reference
from mtf.contracts.report import Report
from mtf.contracts.run import ModelSpec, RunSpec
from mtf.errors import SpecError
from mtf_gateway.ids import new_id
from mtf_gateway.importing import import_file, local_path
from mtf_gateway.lookup import Earlier, Lookup
from mtf_gateway.plan import BaselinePlan

if TYPE_CHECKING:
    from mtf_gateway.planner import Planner

FIELD = "evaluation.baseline"
FORMS = "write the name or the id of an earlier run, {report: PATH} or {source: {type: predictions, path: PATH}}"


async def plan_baseline(planner: Planner, spec: RunSpec, base: Path | None) -> BaselinePlan | None:
    """Find what `evaluation.baseline` names. Raises SpecError."""
    written = spec.evaluation.baseline
    if written is None:
        return None
    if isinstance(written, str):
        return await _named(planner.lookup, written)
    if len(written) != 1 or not set(written) <= {"report", "source"}:
        raise SpecError("a baseline has one key", field=FIELD, found=written, fix=FORMS)
    if "report" in written:
        return await _report(planner, written["report"], base)
    return await _predictions(planner, spec, written["source"], base)


async def settle(lookup: Lookup, plan: BaselinePlan, run_id: str, rows_key: str) -> tuple[Reference, list[Any] | None, str | None]:
    """Predictions, label dictionary and run id of the baseline, now that the rows of this run are known.

    Of a name it is the newest earlier run that scored the same rows of the same version. Raises SpecError when there is none.
    """
    if plan.scored is not None:
        return plan.scored, plan.labels, None
    if plan.run is not None:
        found = await lookup.run(plan.run)
        candidates = [] if found is None else [found]
    else:
        candidates = await lookup.named(plan.name or "", run_id)
    fitting = next((earlier for earlier in candidates if earlier.rows_key == rows_key), None)
    if fitting is None:
        raise _unfit(plan, candidates)
    return fitting.scored, fitting.labels, fitting.id


def _unfit(plan: BaselinePlan, candidates: list[Earlier]) -> SpecError:
    if not candidates:
        return SpecError(f"there is no succeeded run `{plan.label}` any more", field=FIELD, found=plan.label, fix=FORMS)
    message = f"`{plan.label}` was measured on other rows, so that the two cannot be compared row by row"
    fix = "run the baseline on this dataset version with the same `split`, target and row-dropping steps"
    return SpecError(message, field=FIELD, found=f"newest: run {candidates[0].id}", fix=fix)


async def _named(lookup: Lookup, text: str) -> BaselinePlan:
    by_id = await lookup.run(text.lower())
    if by_id is not None:
        return BaselinePlan(label=by_id.name, run=by_id.id)
    if not await lookup.named(text, new_id(), limit=1):
        fix = f"run `{text[:100]}` first, or {FORMS}"
        raise SpecError(f"there is no succeeded run `{text[:100]}` yet", field=FIELD, found=text, fix=fix)
    return BaselinePlan(label=text, name=text)


async def _report(planner: Planner, written: Any, base: Path | None) -> BaselinePlan:
    field = f"{FIELD}.report"
    if not isinstance(written, str) or not written:
        raise SpecError("`report` names a file", field=field, found=written, fix="write the path of a report.json")
    if base is None:
        raise SpecError("a path means nothing to a gateway", field=field, found=written, fix="name the baseline run or its id")
    path = local_path(base, written)
    try:
        report = Report.model_validate_json(await asyncio.to_thread(path.read_bytes))
    except OSError as error:
        raise SpecError(f"{path.name} cannot be read: {error.strerror}", field=field, found=written, fix="name a report.json") from None
    except ValidationError:
        raise SpecError(f"{path.name} is no report", field=field, found=written, fix="name a report.json that `mtf run` wrote") from None
    earlier = await planner.lookup.run(report.run.id)
    if earlier is not None:
        return BaselinePlan(label=report.run.name, scored=earlier.scored, labels=earlier.labels)
    beside = path.with_name("scored.parquet")
    if not beside.is_file():
        fix = "keep scored.parquet beside its report: the comparison is row by row"
        raise SpecError("the predictions of this report are not here", field=field, found=str(beside), fix=fix)
    scored = await asyncio.to_thread(import_file, planner.store, beside, "upload", field=field)
    return BaselinePlan(label=report.run.name, scored=scored, labels=report.labels)


async def _predictions(planner: Planner, spec: RunSpec, source: Any, base: Path | None) -> BaselinePlan:
    if not isinstance(source, dict) or source.get("type") != "predictions":
        raise SpecError("a baseline's source is of type `predictions`", field=f"{FIELD}.source", found=source, fix=FORMS)
    model = ModelSpec.model_validate({
        "source": source, "labels": spec.model.labels, "threshold": spec.model.threshold, "missing": spec.model.missing,
    })  # fmt: skip
    plan = await planner.model(model, base, FIELD)
    return BaselinePlan(label=plan.label, model=plan)
