"""`mtf recipe`: acquisition and processing without a model, and tables for training made of what they wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtf.contracts.job import JobResult, Limits
from mtf.contracts.reference import Reference, StageName
from mtf.contracts.run import DatasetSpec, RunSpec
from mtf.errors import SpecError, UsageError
from mtf.jobs.worker import Worker
from mtf.plugins import resolve
from mtf.spec import validate
from mtf_gateway.core import Gateway
from mtf_gateway.importing import local_path, publish_copy
from mtf_gateway.onejob import one_job
from mtf_gateway.registry.acquire import Acquirer

Workers = Mapping[StageName, Worker]
LIMITS = Limits()


async def fit(
    gateway: Gateway,
    workers: Workers,
    document: Mapping[str, Any],
    base: Path,
    *,
    train: Path | None,
    test: Path | None,
    recipe: Path | None,
) -> dict[str, str]:
    """Run the first two stages of a run file and write what was asked for: rows to train on, rows to test on, the fitted recipe.

    Raises SpecError for a run file without steps or whose recipe is fitted already.
    """
    spec = validate(document)
    if not isinstance(spec.processing, list):
        raise SpecError(
            "the run file names a fitted recipe: there is nothing to fit", field="processing.recipe", found=spec.processing.recipe
        )
    if train is None and test is None and recipe is None:
        raise UsageError("say what to write", fix="give at least one of --train, --test and --recipe")
    target, inputs, roles = await _data(gateway, workers, spec, base)
    section = {
        "steps": spec.processing,
        "roles": roles,
        "fit_source": "train" in inputs,
        "task": spec.evaluation.task,
        "positive": spec.dataset.positive,
        "seed": spec.seed,
    }
    answer = await workers["processing"].validate(section)
    result = await one_job(workers["processing"], "processing", answer.spec, limits=LIMITS, inputs=inputs)
    written = {}
    for name, path in (("train", train), ("test", test)):
        if path is not None:
            written[str(path)] = await asyncio.to_thread(_table, gateway, result, name, path, target)
    if recipe is not None:
        await asyncio.to_thread(publish_copy, gateway.store.path(result.outputs["recipe"].ref), recipe)
        written[str(recipe)] = "the fitted recipe"
    return written


async def apply(gateway: Gateway, workers: Workers, recipe: Path, data: Path, *, out: Path) -> dict[str, str]:
    """Apply a fitted recipe to a file in any format that a `file` source reads."""
    source = {"type": "file", "path": str(data)}
    types = await asyncio.to_thread(resolve("mtf_processing.recipes:types"), recipe)
    stored = await Acquirer(workers["acquisition"], LIMITS)({"source": source, "types": types, "expect": None})
    work = resolve("mtf_processing.recipes:apply")
    done = await asyncio.to_thread(work, recipe, gateway.store.path(stored.outputs["data"].ref), out)
    dropped = f", {done.dropped:,} dropped by the recipe" if done.dropped else ""
    return {str(out): f"{done.rows:,} rows, {done.columns} columns{dropped}"}


def _table(gateway: Gateway, result: JobResult, name: str, path: Path, target: str | None) -> str:
    if f"{name}.features" not in result.outputs:
        raise SpecError(f"the recipe makes no {name} rows", field="processing", fix="add a `split` step or `dataset.train`")
    features, context = (gateway.store.path(result.outputs[f"{name}.{part}"].ref) for part in ("features", "context"))
    done = resolve("mtf_processing.recipes:join")(features, context, path, target=target)
    return f"{done.rows:,} rows, {done.columns} columns"


async def _data(gateway: Gateway, workers: Workers, spec: RunSpec, base: Path) -> tuple[str | None, dict[str, Reference], dict[str, Any]]:
    """The target's name, the processing stage's inputs, and the roles of the columns."""
    dataset = spec.dataset
    known: dict[str, Any] = {}
    inputs: dict[str, Reference] = {}
    if dataset.version is not None:
        row = await gateway.lookup.dataset(dataset.version)
        known, inputs["data"] = row["roles"], Reference.model_validate(row["data"])
    elif dataset.source is not None:
        inputs["data"] = await _acquired(workers, dataset, dataset.source.model_dump(), base)
    if dataset.train is not None:
        inputs["train"] = await _acquired(workers, dataset, dataset.train.source.model_dump(), base)
    names = ("target", "id", "weight", "group", "time", "features", "drop")
    roles = {name: getattr(dataset, name) or known.get(name) for name in names}
    roles["drop"] = roles["drop"] or []
    return roles["target"], inputs, roles


async def _acquired(workers: Workers, dataset: DatasetSpec, source: dict[str, Any], base: Path) -> Reference:
    if source.get("type") == "file":
        source = {**source, "path": str(local_path(base, str(source.get("path"))))}
    result = await Acquirer(workers["acquisition"], LIMITS)({"source": source, "types": dataset.types, "expect": None})
    return result.outputs["data"]
