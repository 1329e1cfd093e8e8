"""What a run is going to do: the stages' specs as far as they are known before the data are."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mtf.contracts.base import SCHEMA_VERSION, Contract
from mtf.contracts.reference import Reference, StageName

WorkerName = Literal["acquisition", "processing", "inference", "inference-remote", "evaluation"]
"""The four rooms, and the second inference container, which may call out."""

Unit = Literal["acquisition", "acquisition.train", "processing", "inference", "inference.baseline", "evaluation"]
"""One job of a run: a stage, or a part of one."""


def stage_of(unit: str) -> StageName:
    """The stage that a unit is part of."""
    return unit.partition(".")[0]  # type: ignore[return-value]  # every unit begins with a stage's name


class Registered(Contract):
    """A dataset version that was read before."""

    label: str
    data: Reference
    facts: dict[str, Any]
    manifest: Reference | None = None


class ModelPlan(Contract):
    """What is scored, and by which room."""

    label: str
    worker: WorkerName
    spec: dict[str, Any] = Field(description="Keys of InferenceSpec that are known already.")
    inputs: dict[str, Reference] = Field(default_factory=dict, description="`model` or `predictions`; none for an endpoint.")
    warnings: list[str] = Field(default_factory=list)


class BaselinePlan(Contract):
    """What the run is compared with: exactly one of the four."""

    label: str
    name: str | None = Field(default=None, description="The newest earlier succeeded run of this name that scored the same rows.")
    run: str | None = Field(default=None, description="A run by id.")
    scored: Reference | None = Field(default=None, description="Stored predictions of a report.")
    labels: list[Any] | None = Field(default=None, description="Label dictionary of `scored`.")
    model: ModelPlan | None = Field(default=None, description="A predictions file that is scored first.")


class Plan(Contract):
    """A checked run file. Later specs are completed with the facts of earlier stages."""

    schema_version: str = SCHEMA_VERSION
    dataset: str
    model_label: str
    acquisition: dict[str, Any] | None = None
    registered: Registered | None = None
    train: dict[str, Any] | None = None
    recipe: Reference | None = None
    processing: dict[str, Any]
    model: ModelPlan
    evaluation: dict[str, Any]
    baseline: BaselinePlan | None = None
    name: str
    seed: int = 0
    timeout: float | None = None
    warnings: list[str] = Field(default_factory=list)

    @property
    def units(self) -> list[Unit]:
        """The jobs in order. A registered dataset has an acquisition too; it is finished from the start."""
        units: list[Unit] = ["acquisition"]
        if self.train is not None:
            units.append("acquisition.train")
        units += ["processing", "inference"]
        if self.baseline is not None and self.baseline.model is not None:
            units.append("inference.baseline")
        return [*units, "evaluation"]

    def worker(self, unit: Unit) -> WorkerName:
        """The room that does a unit."""
        if unit == "inference":
            return self.model.worker
        if unit == "inference.baseline" and self.baseline is not None and self.baseline.model is not None:
            return self.baseline.model.worker
        return stage_of(unit)
