"""Asks the evaluation worker what the gateway cannot know: what a metric is, and which of two models is better."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from mtf.contracts.job import JobResult, Validated
from mtf.contracts.reference import Reference
from mtf.contracts.registry import ComparisonView, PluginView
from mtf.contracts.stages import ComparedInput, EvaluateSpec
from mtf.errors import MtfError, SpecError, UnavailableError
from mtf.jobs.worker import Worker
from mtf.storage.store import LocalStore
from mtf_gateway.memory.identity import metric_name
from mtf_gateway.onejob import one_job
from mtf_gateway.runner.context import Context

REMEMBER = 10.0
"""Seconds for which the list of metrics is not asked for again."""


@dataclass(frozen=True)
class Contender:
    """One run that is compared: where its predictions lie, and its labels."""

    run_id: str
    scored: Reference
    labels: list[Any] | None
    task: str


class Evaluator:
    """The evaluation worker, as rules over many runs see it."""

    def __init__(self, context: Context, store: LocalStore) -> None:
        self._context, self._store = context, store
        self._metrics: tuple[float, dict[str, PluginView]] = (0.0, {})

    @property
    def worker(self) -> Worker:
        """The worker. Raises UnavailableError where none was prepared."""
        found = self._context.workers.get("evaluation")
        if found is None:
            raise UnavailableError("no evaluation worker was prepared for this")
        return found

    async def validate(self, section: Mapping[str, Any]) -> Validated:
        """Check an `evaluation` section as a run file would hold it. Raises SpecError, with the field as it is called in the section."""
        try:
            return await self.worker.validate({"evaluation": dict(section)})
        except MtfError as error:
            if not at_fault(error):
                raise
            field = (error.field or "").removeprefix("evaluation.") or None
            raise SpecError(error.message, field=field, found=error.found, fix=error.fix) from None

    async def metrics(self) -> dict[str, PluginView]:
        """Every metric by name."""
        at, found = self._metrics
        if not found or time.monotonic() - at > REMEMBER:
            found = {view.name: view for view in await self.worker.plugins() if view.kind == "metric"}
            self._metrics = (time.monotonic(), found)
        return found

    async def metric(self, text: str) -> tuple[str, PluginView]:
        """A metric as it is written: its canonical text and its description. Raises SpecError for one that does not exist."""
        try:
            checked = await self.validate({"metrics": [text]})
        except SpecError as error:
            raise SpecError(error.message, field="metric", found=text, fix=error.fix) from None
        canonical = str(checked.spec["metrics"][0])
        return canonical, (await self.metrics())[metric_name(canonical)]

    def present(self, reference: Reference) -> bool:
        """Whether stored bytes are still there, in their full length."""
        try:
            return self._store.path(reference.ref).stat().st_size == reference.size
        except OSError:
            return False

    async def compare(self, runs: Sequence[Contender], metric: str, *, paired: bool = True, against: int | None = None) -> ComparisonView:
        """The runs by one metric: every two of them, or each with the one at the position `against`. A job, cached like any other."""
        first = runs[0]
        spec = EvaluateSpec(
            kind="comparison",
            task=first.task,
            labels=first.labels,
            metrics=[metric],
            compared=[ComparedInput(label=one.run_id, labels=one.labels) for one in runs],
            against=against,
            paired=paired,
            confirmatory=True,
        )
        inputs = {f"run.{position}": one.scored for position, one in enumerate(runs)}
        result = await self.job(spec.model_dump(mode="json"), inputs)
        with self._store.open(result.outputs["comparison"].ref) as file:
            return ComparisonView.model_validate_json(file.read())

    async def job(self, spec: dict[str, Any], inputs: Mapping[str, Reference]) -> JobResult:
        """One evaluation job outside of a run. Raises what it failed of."""
        limits, patience = self._context.limits(None), self._context.settings.reconnect_seconds
        return await one_job(self.worker, "evaluation", spec, limits=limits, inputs=inputs, patience=patience)


def at_fault(error: MtfError) -> bool:
    """Whether what was asked, or the data, is wrong: the same question fails again. What another process tells keeps its cause in the problem."""
    return error.problem().cause in {"spec", "usage", "data"}


def contender(run: RowMapping, stages: Mapping[str, RowMapping]) -> Contender | None:
    """A run as its stored inference stage describes it; None for one that lost its predictions' reference."""
    stage = stages.get(run["id"])
    scored = None if stage is None else stage["outputs"].get("test.scored")
    if stage is None or scored is None:
        return None
    facts = stage["facts"]
    return Contender(run["id"], Reference.model_validate(scored), facts.get("labels"), str(facts.get("task") or run["task"]))
