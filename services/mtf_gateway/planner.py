"""From a run file to a plan: every section is checked by the room that will work on it, and every wrong field is told at once."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtf.contracts.job import Validated
from mtf.contracts.problem import FieldProblem
from mtf.contracts.reference import Reference
from mtf.contracts.run import DatasetSpec, ModelSpec, RecipeSpec, RunSpec, SourceSpec
from mtf.contracts.slices import SliceNeeds
from mtf.contracts.stages import Roles
from mtf.errors import MtfError, SpecError
from mtf.jobs.worker import Worker
from mtf.spec import as_fields, collect
from mtf.storage.store import LocalStore
from mtf_gateway.baseline import plan_baseline
from mtf_gateway.importing import Place, head_of, import_file, is_file, local_path, move_upload
from mtf_gateway.labels import rename, source_label
from mtf_gateway.lookup import Lookup
from mtf_gateway.plan import BaselinePlan, ModelPlan, Plan, Registered, WorkerName

LOCAL_MODELS = ("file", "upload", "predictions")
"""Model sources that the gateway brings as a file; every other one is called by the room that has a way out."""

DATASET = {"source": "dataset.source", "types": "dataset.types", "expect": "expect"}
TRAIN = {"source": "dataset.train.source", "types": "dataset.types"}
PROCESSING = {"steps": "processing", "roles": "dataset", "task": "evaluation.task", "positive": "dataset.positive", "seed": "seed"}


class Planner:
    """Plans run files against one set of workers, one store and one database."""

    def __init__(self, workers: Mapping[str, Worker], store: LocalStore, lookup: Lookup) -> None:
        self.workers, self.store, self.lookup = workers, store, lookup

    async def plan(self, spec: RunSpec, base: Path | None) -> Plan:
        """Check a run file. `base` is the folder of its relative paths; None where it came from another machine, so that there are none.

        Raises SpecError with every wrong field, UnavailableError that names a worker that is down.
        """
        wrong: list[list[FieldProblem]] = [[] for _ in range(5)]
        dataset, processing, model, evaluation, baseline = await asyncio.gather(
            _caught(self._dataset(spec, base), wrong[0]),
            _caught(self._processing(spec, base), wrong[1]),
            _caught(self.model(spec.model, base), wrong[2]),
            _caught(self._evaluation(spec), wrong[3]),
            _caught(plan_baseline(self, spec, base), wrong[4]),
        )
        problems = [problem for section in wrong for problem in section]
        if spec.engine != "local":
            problems.append(FieldProblem(field="engine", found=spec.engine, message="there is no such engine", fix="`local` is built in"))
        if problems:
            raise collect(problems)
        return _assemble(spec, _Sections(dataset, processing, model, evaluation, baseline))

    async def _dataset(self, spec: RunSpec, base: Path | None) -> dict[str, Any]:
        dataset = spec.dataset
        found: dict[str, Any] = {"warnings": []}
        if dataset.version is not None:
            found |= await self._registered(spec)
        elif dataset.source is not None:
            expect = None if spec.expect is None else spec.expect.model_dump(exclude_none=True)
            found["label"], answer = await self._acquisition(dataset, dataset.source, expect, base, DATASET)
            found |= {"acquisition": answer.spec, "warnings": answer.warnings}
        if dataset.train is not None:
            _, answer = await self._acquisition(dataset, dataset.train.source, None, base, TRAIN)
            found["train"] = answer.spec
        return found

    async def _acquisition(
        self, dataset: DatasetSpec, source: SourceSpec, expect: dict[str, Any] | None, base: Path | None, names: Mapping[str, str]
    ) -> tuple[str, Validated]:
        written = source.model_dump(mode="json")
        label = source_label(written)
        if source.type == "upload":
            _, name = await self.lookup.upload(written.get("digest"), f"{names['source']}.digest")
            label = name or label
        if source.type == "file" and base is not None and isinstance(written.get("path"), str):
            written["path"] = str(local_path(base, written["path"]))
        section = {"source": written, "types": dataset.types, "expect": expect}
        return label, await self._ask("acquisition", section, names, names["source"])

    async def _registered(self, spec: RunSpec) -> dict[str, Any]:
        row = await self.lookup.dataset(str(spec.dataset.version), "dataset")
        if spec.dataset.types:
            raise SpecError("types apply while a source is read; a registered version has its types", field="dataset.types")
        label = f"{row['name']}@{row['version']}"
        registered = Registered(
            label=label, data=Reference.model_validate(row["data"]), facts=row["facts"], manifest=_reference(row["manifest"])
        )
        _expect(spec, registered.facts)
        return {"label": label, "registered": registered, "roles": row["roles"]}

    async def _processing(self, spec: RunSpec, base: Path | None) -> dict[str, Any]:
        recipe = None
        if isinstance(spec.processing, RecipeSpec):
            recipe = await self._recipe(spec.processing.recipe, base)
        known = {}
        if spec.dataset.version is not None:
            try:
                known = (await self.lookup.dataset(spec.dataset.version))["roles"]
            except SpecError:
                # The dataset's own check tells it; the processing section can still be looked at.
                known = {"target": spec.dataset.target or "target"}
        roles = _roles(spec.dataset, known)
        section = {
            "steps": [] if recipe else spec.processing,
            "roles": roles.model_dump(mode="json"),
            "fit_source": recipe is not None or spec.dataset.train is not None,
            "task": spec.evaluation.task,
            "positive": spec.dataset.positive,
            "seed": spec.seed,
        }
        answer = await self._ask("processing", section, PROCESSING, "processing")
        return {"spec": answer.spec, "warnings": answer.warnings, "recipe": recipe}

    async def _recipe(self, text: str, base: Path | None) -> Reference:
        """A fitted recipe: a file that `mtf recipe fit` wrote, an upload by digest, or the recipe that an earlier run fitted."""
        if re.fullmatch("[0-9a-f]{64}", text):
            return (await self.lookup.upload(text, "processing.recipe"))[0]
        if (found := await self.lookup.output(text, "processing", "recipe")) is not None:
            return found
        if base is not None and await asyncio.to_thread(is_file, local_path(base, text)):
            return await asyncio.to_thread(import_file, self.store, local_path(base, text), "upload", field="processing.recipe")
        fix = "name a file that `mtf recipe fit` wrote, an uploaded file's digest, or the id of a run that fitted one"
        raise SpecError("there is no such fitted recipe", field="processing.recipe", found=text, fix=fix)

    async def model(self, spec: ModelSpec, base: Path | None, field: str = "model") -> ModelPlan:
        """Bring a model to where inference finds it, and let inference say what it takes it for."""
        section: dict[str, Any] = {"labels": spec.labels, "threshold": spec.threshold, "missing": spec.missing, "head": None, "name": None}
        if spec.version is not None:
            reference, name = await self._registered_model(spec, section, field)
        else:
            reference, name = await self._model_file(spec.source, section, base, f"{field}.source")
        source_type = section["source"]["type"]
        worker: WorkerName = "inference" if source_type in LOCAL_MODELS or "inference-remote" not in self.workers else "inference-remote"
        if reference is not None:
            head = await asyncio.to_thread(head_of, self.store, reference)
            section |= {"head": base64.b64encode(head).decode(), "name": name}
        answer = await self._ask(worker, section, {"source": f"{field}.source", "model": field}, field)
        inputs = {} if reference is None else {"predictions" if source_type == "predictions" else "model": reference}
        label = spec.version or name or source_label(section["source"])
        if spec.version is not None:
            label = str(section["label"])
        return ModelPlan(worker=worker, label=label, spec=answer.spec, inputs=inputs, warnings=answer.warnings)

    async def _registered_model(self, spec: ModelSpec, section: dict[str, Any], field: str) -> tuple[Reference | None, str | None]:
        row = await self.lookup.model(str(spec.version), field)
        written = spec.model_fields_set
        section |= {key: value for key, value in row["settings"].items() if key in section and key not in written}
        section["label"] = f"{row['name']}@{row['version']}"
        reference = _reference(row["artifact"])
        if reference is None:
            section["source"] = row["source"]
            return None, None
        section["source"] = {"type": "file", "format": row["format"]}
        return await asyncio.to_thread(move_upload, self.store, reference, "model"), str(row["source"].get("name") or row["name"])

    async def _model_file(
        self, source: SourceSpec | None, section: dict[str, Any], base: Path | None, field: str
    ) -> tuple[Reference | None, str | None]:
        written = {} if source is None else source.model_dump(mode="json")
        section["source"] = written
        if written["type"] not in LOCAL_MODELS:
            return None, None
        place: Place = "upload" if written["type"] == "predictions" else "model"
        if written["type"] == "upload" or "digest" in written:
            reference, name = await self.lookup.upload(written.get("digest"), f"{field}.digest")
            if place == "model":
                reference = await asyncio.to_thread(move_upload, self.store, reference, "model")
            section["source"] = {key: value for key, value in written.items() if key not in {"digest", "path", "name"} or place == "model"}
            return reference, name or written.get("name")
        path = written.get("path")
        if not isinstance(path, str) or not path:
            raise SpecError("`path` is missing", field=f"{field}.path", found=path, fix="name the file, relative to the run file")
        if base is None:
            raise SpecError(
                "a path means nothing to a gateway",
                field=f"{field}.path",
                found=path,
                fix="upload the file and write {type: upload, digest: ...}; `mtf run --gateway` does it for you",
            )
        if place == "upload":
            section["source"] = {key: value for key, value in written.items() if key != "path"}
        file = local_path(base, path)
        return await asyncio.to_thread(import_file, self.store, file, place, field=f"{field}.path"), file.name

    async def _evaluation(self, spec: RunSpec) -> Validated:
        section = {"evaluation": spec.evaluation.model_dump(mode="json")}
        return await self._ask("evaluation", section, {}, "evaluation")

    async def _ask(self, worker: WorkerName, section: dict[str, Any], names: Mapping[str, str], default: str) -> Validated:
        try:
            return await self.workers[worker].validate(section)
        except MtfError as error:
            if error.cause not in {"spec", "usage", "data"}:
                raise
            problems = [problem.model_copy(update={"field": rename(problem.field, names, default)}) for problem in as_fields(error)]
            raise collect(problems) from None


async def _caught(work: Awaitable[Any], into: list[FieldProblem]) -> Any:
    try:
        return await work
    except MtfError as error:
        if error.cause not in {"spec", "usage", "data"}:
            raise
        into.extend(as_fields(error))
        return None


def _roles(dataset: DatasetSpec, known: Mapping[str, Any]) -> Roles:
    """The roles as written, over those that a registered version knows."""
    written = dataset.model_dump(include=set(Roles.model_fields), exclude_unset=True)
    roles = Roles.model_validate({**known, **written})
    if roles.target is None:
        raise SpecError("`target` is missing: the registered version does not know its own", field="dataset.target", fix="name the column")
    return roles


def _expect(spec: RunSpec, facts: Mapping[str, Any]) -> None:
    """`expect` of a registered version, which no acquisition looks at any more."""
    if spec.expect is None:
        return
    columns = [column["name"] for column in facts.get("columns", [])]
    found: list[tuple[str, Any, bool]] = [
        ("rows", facts.get("rows"), spec.expect.rows in {None, facts.get("rows")}),
        ("min_rows", facts.get("rows"), (spec.expect.min_rows or 0) <= (facts.get("rows") or 0)),
        ("columns", columns, spec.expect.columns is None or spec.expect.columns == columns),
        ("digest", facts.get("digest"), spec.expect.digest in {None, facts.get("digest")}),
    ]
    for key, value, holds in found:
        if not holds:
            raise SpecError("the version is not what the run file expects", field=f"expect.{key}", found=value)


def _reference(value: Any) -> Reference | None:
    return None if value is None else Reference.model_validate(value)


@dataclass(frozen=True)
class _Sections:
    """What each section's check came to."""

    dataset: dict[str, Any]
    processing: dict[str, Any]
    model: ModelPlan
    evaluation: Validated
    baseline: BaselinePlan | None


def _assemble(spec: RunSpec, found: _Sections) -> Plan:
    """Put the sections' answers together; processing learns which columns and values the evaluation is going to slice by."""
    dataset, processing, model, evaluation = found.dataset, found.processing, found.model, found.evaluation
    needs = SliceNeeds.model_validate(evaluation.spec.get("needs", {}))
    slices = {"slices": needs.columns, "slice_values": needs.values, "slice_demands": [one.model_dump() for one in needs.demands]}
    return Plan(
        name=spec.name,
        dataset=dataset["label"],
        model_label=model.label,
        acquisition=dataset.get("acquisition"),
        registered=dataset.get("registered"),
        train=dataset.get("train"),
        recipe=processing["recipe"],
        processing={**processing["spec"], **slices},
        model=model,
        evaluation={key: value for key, value in evaluation.spec.items() if key != "needs"},
        baseline=found.baseline,
        seed=spec.seed,
        timeout=spec.timeout,
        warnings=[*dataset["warnings"], *processing["warnings"], *model.warnings, *evaluation.warnings],
    )
