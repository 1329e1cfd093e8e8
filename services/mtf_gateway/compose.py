"""Jobs of a plan, completed with what the earlier jobs found out. Pure: the same plan and facts always give the same job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mtf.contracts.reference import Reference
from mtf.contracts.stages import EvaluateSpec, InferenceSpec, ProcessingSpec
from mtf_gateway.plan import ModelPlan, Plan, Unit


@dataclass(frozen=True)
class Done:
    """What a finished job left behind."""

    outputs: Mapping[str, Reference]
    facts: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Baseline:
    """The predictions that a run is compared with."""

    label: str
    scored: Reference
    labels: list[Any] | None


@dataclass(frozen=True)
class Work:
    """What one job is asked for."""

    spec: dict[str, Any]
    inputs: dict[str, Reference]


def compose(plan: Plan, unit: Unit, done: Mapping[str, Done], baseline: Baseline | None = None) -> Work:
    """The job of a unit, given the jobs before it; `baseline` is for the evaluation alone."""
    if unit == "acquisition":
        return Work(dict(plan.acquisition or {}), {})
    if unit == "acquisition.train":
        return Work(dict(plan.train or {}), {})
    if unit == "processing":
        return _processing(plan, done)
    if unit == "inference":
        return _inference(plan, plan.model, done)
    if unit == "inference.baseline" and plan.baseline is not None and plan.baseline.model is not None:
        return _inference(plan, plan.baseline.model, done)
    return _evaluation(plan, done, baseline)


def rows_key(plan: Plan, done: Mapping[str, Done]) -> str:
    """A key that two runs share when they scored the same rows of the same version.

    The evaluation still compares row by row; the key only finds the candidate without opening a file.
    """
    said = rows_facts(plan, done)
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def rows_facts(plan: Plan, done: Mapping[str, Done]) -> dict[str, Any]:
    """What decided which rows a run scored: the version's content, what splits or drops rows, how many remain."""
    facts = done["processing"].facts
    dropping = [step for step in facts.get("steps", []) if step.get("rows_before") != step.get("rows_after")]
    names = {str(step.get("name")) for step in dropping} | {"split"}
    steps = [step for step in plan.processing.get("steps", []) if step.get("name") in names]
    roles = plan.processing.get("roles", {})
    return {
        "data": done["acquisition"].facts.get("digest"),
        "steps": steps,
        "recipe": plan.recipe.sha256 if plan.recipe else None,
        "seed": plan.processing.get("seed"),
        "target": roles.get("target"),
        "id": roles.get("id"),
        "rows": facts.get("rows", {}).get("test"),
        "total": facts.get("rows", {}).get("total"),
    }


def _processing(plan: Plan, done: Mapping[str, Done]) -> Work:
    inputs = {"data": done["acquisition"].outputs["data"]}
    if plan.train is not None:
        inputs["train"] = done["acquisition.train"].outputs["data"]
    if plan.recipe is not None:
        inputs["recipe"] = plan.recipe
    return Work(ProcessingSpec.model_validate(plan.processing).model_dump(mode="json"), inputs)


def _inference(plan: Plan, model: ModelPlan, done: Mapping[str, Done]) -> Work:
    outputs, facts = done["processing"].outputs, done["processing"].facts
    spec = InferenceSpec.model_validate({
        **model.spec,
        "row_sets": ["test"],
        "task": facts["task"],
        "labels": facts.get("labels"),
        "id_column": plan.processing.get("roles", {}).get("id"),
    })  # fmt: skip
    inputs = {name: outputs[name] for name in ("test.features", "test.context")}
    return Work(spec.model_dump(mode="json"), inputs | model.inputs)


def _evaluation(plan: Plan, done: Mapping[str, Done], baseline: Baseline | None) -> Work:
    processing, inference = done["processing"].facts, done["inference"].facts
    titles = {"name": plan.name, "dataset": plan.dataset, "model": plan.model_label}
    inputs = {"scored": done["inference"].outputs["test.scored"]}
    if baseline is not None:
        titles["baseline"] = baseline.label
        inputs["baseline"] = baseline.scored
    spec = EvaluateSpec.model_validate({
        **plan.evaluation,
        "kind": "report",
        "task": inference.get("task") or processing["task"],
        "labels": inference.get("labels") or processing.get("labels"),
        "seed": plan.seed,
        "titles": titles,
        "baseline_labels": None if baseline is None else baseline.labels,
        "notes": notes(plan, done),
    })  # fmt: skip
    return Work(spec.model_dump(mode="json"), inputs)


def notes(plan: Plan, done: Mapping[str, Done]) -> dict[str, Any]:
    """What a reader needs to trust the numbers. Nothing here may differ between two equal runs: no times, no paths, no ids."""
    acquisition, processing, inference = (done[name].facts for name in ("acquisition", "processing", "inference"))
    warnings = [*plan.warnings, *(warning for part in done.values() for warning in part.warnings)]
    return {
        "dataset": {"digest": acquisition.get("digest"), "rows": acquisition.get("rows"), "columns": len(acquisition.get("columns", []))},
        "rows": processing.get("rows", {}),
        "features": len(processing.get("features", [])),
        "steps": processing.get("steps", []),
        "loader": inference.get("loader"),
        "model": inference.get("model", {}),
        "sandbox": inference.get("sandbox"),
        "missing_predictions": inference.get("missing_predictions", 0),
        "warnings": list(dict.fromkeys(warnings)),
    }
